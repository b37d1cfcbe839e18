// ZstdEncoder: zstd (RFC 8878) by libzstd, at its default level: a window of 2 MiB, well under HTTP's 8 (RFC 9659).

import CCoding

final class ZstdEncoder: EncodingLayer {
    private let context: OpaquePointer

    init() throws(CodingFault) {
        guard let context = ZSTD_createCCtx() else { throw .memory }
        self.context = context
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    }

    deinit { ZSTD_freeCCtx(context) }

    func step(
        _ input: inout UnsafeRawBufferPointer, _ operation: EncodingOperation, into output: UnsafeMutableRawBufferPointer
    ) throws(CodingFault) -> (count: Int, hasMore: Bool) {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let mode =
            switch operation {
            case .process: ZSTD_e_continue
            case .flush: ZSTD_e_flush
            case .finish: ZSTD_e_end
            }
        let left = ZSTD_compressStream2(context, &target, &source, mode)
        guard ZSTD_isError(left) == 0 else { throw .memory }
        input.drop(source.pos)
        return (target.pos, operation == .process ? target.pos == target.size : left != 0)
    }
}
