// WriteJoiner: one write of everything up to a flush. HTTP encoders give a head, a body and what frames a chunk one by
// one; below TLS each would be a record of its own, sealed, allocated and decrypted for itself.

import NIOCore

final class WriteJoiner: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A TLS record's worth. What is larger fills records by itself and is not copied.
    private static let most = 16_384

    private var held: ByteBuffer?

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var bytes = unwrapOutboundIn(data)
        let size = bytes.readableBytes
        if promise != nil || size + (held?.readableBytes ?? 0) > Self.most { pass(context) }
        guard promise == nil, size <= Self.most else { return context.write(data, promise: promise) }
        if held == nil {
            held = bytes
        } else {
            held?.writeBuffer(&bytes)
        }
    }

    func flush(context: ChannelHandlerContext) {
        pass(context)
        context.flush()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        pass(context)
        context.close(mode: mode, promise: promise)
    }

    private func pass(_ context: ChannelHandlerContext) {
        guard let bytes = held else { return }
        held = nil
        if bytes.readableBytes > 0 { context.write(wrapOutboundOut(bytes), promise: nil) }
    }
}
