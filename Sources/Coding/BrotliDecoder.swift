// BrotliDecoder: brotli (RFC 7932) by libbrotli. Windows go up to 16 MiB, as the standard has them; the larger ones that
// the library can read are off by default. The window grows with what has come out.

import CCoding

final class BrotliDecoder: DecodingLayer {
    private let state: OpaquePointer
    private(set) var isComplete = false

    init() throws(CodingFault) {
        guard let state = BrotliDecoderCreateInstance(nil, nil, nil) else { throw .memory }
        self.state = state
    }

    deinit { BrotliDecoderDestroyInstance(state) }

    func step(_ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(CodingFault) -> Int {
        guard !isComplete else {
            guard input.isEmpty else { throw .trailingBytes }
            return 0
        }
        var (left, room) = (input.count, output.count)
        var next = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        var place = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let result = BrotliDecoderDecompressStream(state, &left, &next, &room, &place, nil)
        input.drop(input.count - left)
        switch result {
        case BROTLI_DECODER_RESULT_SUCCESS: isComplete = true
        case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT, BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: break
        default:
            // The library's codes of failed allocations are -21…-30.
            throw (-30 ... -21).contains(BrotliDecoderGetErrorCode(state).rawValue) ? .memory : .malformed
        }
        return output.count - room
    }
}
