// DNSStreamHandler: DNS over TCP (RFC 7766): a u16 length before each message. Questions in order, answers in order.

import NIOCore

final class DNSStreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// No question of ours is longer; a bigger length is no DNS client.
    private static let longest = 1024
    private let names: NameService
    private var pending = ByteBuffer()

    init(names: NameService) { self.names = names }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var incoming = unwrapInboundIn(data)
        pending.writeBuffer(&incoming)
        while let length = pending.getInteger(at: pending.readerIndex, as: UInt16.self) {
            guard length <= Self.longest else {
                context.close(promise: nil)
                return
            }
            guard pending.readableBytes >= 2 + Int(length) else { break }
            pending.moveReaderIndex(forwardBy: 2)
            guard let question = pending.readBytes(length: Int(length)), let answer = names.reply(to: question) else {
                context.close(promise: nil)
                return
            }
            var out = context.channel.allocator.buffer(capacity: answer.count + 2)
            out.writeInteger(UInt16(answer.count))
            out.writeBytes(answer)
            context.write(wrapOutboundOut(out), promise: nil)
        }
        pending.discardReadBytes()
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}
