// ZstdDecoder: zstd (RFC 8878) by libzstd, with HTTP's window (RFC 9659) and no older format.

import CCoding

final class ZstdDecoder: DecodingLayer {
    /// 8 MiB: what RFC 9659 gives a sender.
    private static let windowLog: Int32 = 23

    private let context: OpaquePointer
    /// The first bytes of a frame: only what is known to be one reaches the library, which would also read the formats
    /// that came before the standard.
    private var magic: [UInt8] = []
    private var isInFrame = false
    private var hasFrame = false

    init() throws(CodingFault) {
        guard let context = ZSTD_createDCtx() else { throw .memory }
        self.context = context
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLog)
    }

    deinit { ZSTD_freeDCtx(context) }

    /// Frames one after the other are one content.
    var isComplete: Bool { hasFrame && !isInFrame && magic.isEmpty }

    func step(_ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(CodingFault) -> Int {
        if !isInFrame {
            while magic.count < 4, let byte = input.first {
                magic.append(byte)
                input.drop(1)
            }
            guard magic.count == 4 else { return 0 }
            // A frame, or one that is to be skipped.
            guard magic[1...] == [0xb5, 0x2f, 0xfd] && magic[0] == 0x28 || magic[1...] == [0x2a, 0x4d, 0x18] && magic[0] >> 4 == 5
            else { throw hasFrame ? .trailingBytes : .malformed }
            (isInFrame, hasFrame) = (true, true)
            let taken = magic
            magic = []
            return try taken.span.bytes.withUnsafeBytes { bytes throws(CodingFault) in
                var bytes = bytes
                return try decompress(&bytes, output)
            }
        }
        return try decompress(&input, output)
    }

    private func decompress(
        _ input: inout UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) throws(CodingFault) -> Int {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let left = ZSTD_decompressStream(context, &target, &source)
        if ZSTD_isError(left) != 0 {
            switch ZSTD_getErrorCode(left) {
            case ZSTD_error_frameParameter_windowTooLarge: throw .window
            case ZSTD_error_memory_allocation: throw .memory
            default: throw .malformed
            }
        }
        input.drop(source.pos)
        isInFrame = left != 0
        return target.pos
    }
}
