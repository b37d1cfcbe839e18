// RawEnd: one end of a connection that is relayed unread: what happens on it goes to its relay, and what the relay decides is
// done here.

import Glibc
import NIOCore

final class RawEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    let side: RawSide
    /// Keeps the relay for as long as the connection is open.
    private let relay: RawRelay
    private var context: ChannelHandlerContext?
    private var isInputClosed = false
    private var isToldEnd = false
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
        if !isGone { relay.gone(side) }
        self.context = nil
    }

    /// An accepted connection that the relay has had from its beginning.
    func channelActive(context: ChannelHandlerContext) {
        if side == .agent { relay.ask() }
        context.fireChannelActive()
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { relay.bytes(unwrapInboundIn(data), from: side) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed = event as? ChannelEvent, !isInputClosed else {
            return context.fireUserInboundEventTriggered(event)
        }
        isInputClosed = true
        relay.ended(side)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isGone = true
        // Where our end was told already, the peer's closes the channel, and no other event says so.
        if isToldEnd, !isInputClosed, !isBroken {
            isInputClosed = true
            relay.ended(side)
        } else {
            relay.gone(side)
        }
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        relay.takes(side, context.channel.isWritable)
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
        done.futureResult.whenSuccess { bound.value.relay.told(bound.value.side) }
        // A close of the output closes all where the input is closed already, with what is still to be written.
        if isInputClosed {
            context.writeAndFlush(NIOAny(ByteBuffer()), promise: done)
        } else {
            context.close(mode: .output, promise: done)
        }
    }

    func close() { context?.close(promise: nil) }

    /// Ends it so that nobody takes a part for the whole: by a reset.
    func reset() {
        _ = (context?.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        context?.close(promise: nil)
    }
}
