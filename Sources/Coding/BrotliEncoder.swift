// BrotliEncoder: brotli (RFC 7932) by libbrotli, at the level and window that servers use for what they make on the fly.

import CCoding

final class BrotliEncoder: EncodingLayer {
    private static let quality: UInt32 = 5
    private static let windowLog: UInt32 = 18
    private let state: OpaquePointer

    init() throws(CodingFault) {
        guard let state = BrotliEncoderCreateInstance(nil, nil, nil) else { throw .memory }
        self.state = state
        BrotliEncoderSetParameter(state, BROTLI_PARAM_QUALITY, Self.quality)
        BrotliEncoderSetParameter(state, BROTLI_PARAM_LGWIN, Self.windowLog)
    }

    deinit { BrotliEncoderDestroyInstance(state) }

    func step(
        _ input: inout UnsafeRawBufferPointer, _ operation: EncodingOperation, into output: UnsafeMutableRawBufferPointer
    ) throws(CodingFault) -> (count: Int, hasMore: Bool) {
        var (left, room) = (input.count, output.count)
        var next = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        var place = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let mode =
            switch operation {
            case .process: BROTLI_OPERATION_PROCESS
            case .flush: BROTLI_OPERATION_FLUSH
            case .finish: BROTLI_OPERATION_FINISH
            }
        guard BrotliEncoderCompressStream(state, mode, &left, &next, &room, &place, nil) != 0 else { throw .memory }
        input.drop(input.count - left)
        return (output.count - room, BrotliEncoderHasMoreOutput(state) != 0)
    }
}
