// FrameBorders: hands the bytes of an HTTP/2 connection on in pieces that never end within a frame's header. NIOHTTP2 appends
// what it is given to what it has not used; where that is never empty, it copies and keeps what it has used as well, and each
// frame that waits for a slow agent holds megabytes. So its buffer is emptied by every piece, and stays small.

import NIOCore

final class FrameBorders: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// RFC 9113 §4.1.
    private static let headerLength = 9
    /// With a header that was handed on alone, no more than 16 KiB: its buffer doubles beyond.
    private static let pieceLength = 16_384 - headerLength

    /// Bytes of the present frame that are still to come.
    private var payload = 0
    /// The beginning of a header.
    private var held = ByteBuffer()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if held.readableBytes > 0 {
            held.writeBuffer(&bytes)
            swap(&held, &bytes)
            held.clear()
        }
        while let piece = cut(&bytes) { context.fireChannelRead(wrapInboundOut(piece)) }
        held.writeBuffer(&bytes)
    }

    /// The next piece; nil: nothing is left but the beginning of a header.
    private func cut(_ bytes: inout ByteBuffer) -> ByteBuffer? {
        let most = min(bytes.readableBytes, Self.pieceLength)
        var end = min(payload, most)
        payload -= end
        while payload == 0, end + Self.headerLength <= most {
            guard let head = bytes.getInteger(at: bytes.readerIndex + end, as: UInt32.self) else { break }
            let length = Int(head >> 8)
            let taken = min(length, most - end - Self.headerLength)
            end += Self.headerLength + taken
            payload = length - taken
        }
        return end > 0 ? bytes.readSlice(length: end) : nil
    }
}
