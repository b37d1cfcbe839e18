// TightBuffers: copies what would hold on to much more memory than it is. NIOSSL hands out pieces of a buffer that is as large
// as its largest read ever was, NIOHTTP2 of one that holds other streams' frames as well; an agent that does not take its answers
// would keep all of each alive.

import NIOCore

final class TightBuffers: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireChannelRead(wrapInboundOut(Self.tight(unwrapInboundIn(data))))
    }

    static func tight(_ bytes: ByteBuffer) -> ByteBuffer {
        guard bytes.storageCapacity > 2 * bytes.readableBytes else { return bytes }
        return ByteBuffer(bytes: bytes.readableBytesView)
    }
}
