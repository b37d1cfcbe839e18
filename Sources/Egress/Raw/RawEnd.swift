// RawEnd: one end of a connection that is relayed unread: what happens on it goes to its relay, and what the relay decides is
// done here.

import Glibc
import NIOCore

final class RawEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    let side: RawSide
    /// Keeps the relay for as long as the connection is open.
    private var relay: RawRelay?
    private var context: ChannelHandlerContext?
    private var isInputClosed = false
    private var isToldEnd = false
    /// Everything that was for it has gone out.
    private var hasAll = false
    private var isBroken = false
    private var isGone = false

    init(_ side: RawSide, of relay: RawRelay) {
        self.side = side
        self.relay = relay
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        try? context.channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        if !isGone { relay?.gone(side) }
        self.context = nil
        relay = nil
    }

    /// An accepted connection that the relay has had from its beginning.
    func channelActive(context: ChannelHandlerContext) {
        if side == .agent { relay?.ask() }
        context.fireChannelActive()
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { relay?.bytes(unwrapInboundIn(data), from: side) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed = event as? ChannelEvent, !isInputClosed else {
            return context.fireUserInboundEventTriggered(event)
        }
        isInputClosed = true
        relay?.ended(side)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isGone = true
        if isBroken || !hasAll {
            relay?.gone(side)
        } else if !isInputClosed {
            // After our end of the output the peer's end closes the channel, and no other event says so.
            isInputClosed = true
            relay?.ended(side)
        }
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        relay?.takes(side, context.channel.isWritable)
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        isBroken = true
        context.close(promise: nil)
    }

    func setReading(_ on: Bool) { if !isInputClosed { context?.channel.setReading(on) } }

    func write(_ bytes: ByteBuffer) { context?.writeAndFlush(NIOAny(bytes), promise: nil) }

    /// Says that nothing more comes, after all that was written. The relay hears when that is done.
    func tellEnd() {
        guard let context, !isToldEnd else { return }
        isToldEnd = true
        let done = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        done.futureResult.whenSuccess { bound.value.gotAll() }
        // Not by a close of the output: NIO makes it a close of all, and fails it, if the peer's end comes before the last byte
        // is written.
        context.writeAndFlush(NIOAny(ByteBuffer()), promise: done)
    }

    private func gotAll() {
        hasAll = true
        if !isInputClosed { context?.close(mode: .output, promise: nil) }
        // The last: it may be over with this.
        relay?.told(side)
    }

    func close() { context?.close(promise: nil) }

    /// Ends it so that nobody takes a part for the whole: by a reset.
    func reset() {
        _ = (context?.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        context?.close(promise: nil)
    }
}
