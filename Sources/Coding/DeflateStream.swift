// DeflateStream: zlib's deflate with an owner: gzip, zlib's own wrapping, or raw for WebSocket messages.

import CCoding

final class DeflateStream: EncodingLayer {
    // At a fixed address: the state inside points back at it.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    /// - Parameter windowBits: 9…15; zlib has no raw stream with a window of 256 bytes.
    init(_ wrapping: DeflateWrapping, windowBits: Int = 15) throws(CodingFault) {
        stream.initialize(to: z_stream())
        let bits = wrapping == .raw ? -Int32(windowBits) : wrapping.rawValue
        // Memory level 8 is zlib's default: 256 KiB with the largest window.
        let code = deflateInit2_(
            stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)
        )
        guard code == Z_OK else { throw .memory }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    func step(
        _ input: inout UnsafeRawBufferPointer, _ operation: EncodingOperation, into output: UnsafeMutableRawBufferPointer
    ) throws(CodingFault) -> (count: Int, hasMore: Bool) {
        let offered = min(input.count, Int(Int32.max))
        stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = UInt32(offered)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(output.count)
        let mode =
            switch operation {
            case .process: Z_NO_FLUSH
            case .flush: Z_SYNC_FLUSH
            case .finish: Z_FINISH
            }
        let code = deflate(stream, mode)
        // Z_BUF_ERROR: nothing to do, as in a second flush.
        guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else { throw .memory }
        input.drop(offered - Int(stream.pointee.avail_in))
        return (output.count - Int(stream.pointee.avail_out), stream.pointee.avail_out == 0)
    }
}
