// InflateStream: zlib's inflate with an owner, and the two codings of HTTP that stand on it.

import CCoding

/// What is wrapped around deflate (RFC 1951), as zlib's `windowBits` says it.
enum DeflateWrapping: Int32 {
    case raw = -15
    case zlib = 15
    case gzip = 31
}

/// One inflate state. Its window is the largest, which reads the output of every smaller one.
final class InflateStream {
    // At a fixed address: the state inside points back at it.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    /// The last block has been read, and the check behind it where there is one.
    private(set) var hasEnded = false

    init(_ wrapping: DeflateWrapping) throws(CodingFault) {
        stream.initialize(to: z_stream())
        let code = inflateInit2_(stream, wrapping.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw .memory }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func step(_ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(CodingFault) -> Int {
        let offered = min(input.count, Int(Int32.max))
        stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = UInt32(offered)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(output.count)
        let code = inflate(stream, Z_NO_FLUSH)
        input.drop(offered - Int(stream.pointee.avail_in))
        switch code {
        // Z_BUF_ERROR: it needs more input or more room, no more than that.
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END: hasEnded = true
        case Z_MEM_ERROR: throw .memory
        default: throw .malformed
        }
        return output.count - Int(stream.pointee.avail_out)
    }

    /// The next stream begins.
    func restart() throws(CodingFault) {
        guard inflateReset(stream) == Z_OK else { throw .malformed }
        hasEnded = false
    }

    /// The next stream begins and may refer to what this one gave, as in a permessage-deflate context (RFC 7692 §7.2.3.4).
    func restartKeepingWindow() throws(CodingFault) {
        try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1 << 15) { window throws(CodingFault) in
            var length: UInt32 = 0
            guard inflateGetDictionary(stream, window.baseAddress, &length) == Z_OK else { throw .malformed }
            try restart()
            guard inflateSetDictionary(stream, window.baseAddress, length) == Z_OK else { throw .malformed }
        }
    }

    /// Between two blocks and at a byte's border: where a flushed message ends.
    var isAtFlush: Bool { stream.pointee.data_type & 0x80 != 0 && stream.pointee.data_type & 7 == 0 }
}

/// gzip (RFC 1952): members one after the other, nothing else behind them.
final class GzipDecoder: DecodingLayer {
    private let stream: InflateStream

    init() throws(CodingFault) { stream = try InflateStream(.gzip) }

    var isComplete: Bool { stream.hasEnded }

    func step(_ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(CodingFault) -> Int {
        if stream.hasEnded, let next = input.first {
            guard next == 0x1f else { throw .trailingBytes }
            try stream.restart()
        }
        guard !stream.hasEnded else { return 0 }
        return try stream.step(&input, into: output)
    }
}

/// deflate: zlib's wrapping (RFC 1950), or none. The first two bytes tell: a raw stream that starts like a zlib header
/// would be a stored block with padding other than zero, which nobody writes.
final class DeflateDecoder: DecodingLayer {
    private var stream: InflateStream?
    private var start: [UInt8] = []

    var isComplete: Bool { stream?.hasEnded ?? false }

    func step(_ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(CodingFault) -> Int {
        if let stream {
            guard stream.hasEnded else { return try stream.step(&input, into: output) }
            guard input.isEmpty else { throw .trailingBytes }
            return 0
        }
        while start.count < 2, let byte = input.first {
            start.append(byte)
            input.drop(1)
        }
        guard start.count == 2 else { return 0 }
        let isWrapped = start[0] & 0x0f == 8 && start[0] >> 4 <= 7 && (Int(start[0]) << 8 | Int(start[1])) % 31 == 0
        let opened = try InflateStream(isWrapped ? .zlib : .raw)
        stream = opened
        let start = start
        return try start.span.bytes.withUnsafeBytes { bytes throws(CodingFault) in
            // Two bytes hold no more than a few literals: they are taken at once, whatever the room.
            var bytes = bytes
            let count = try opened.step(&bytes, into: output)
            guard bytes.isEmpty else { throw .trailingBytes }
            return count
        }
    }
}
