// UpstreamConnection: one HTTP/1.1 connection to a real host, one request on it at a time.

import NIOCore
import NIOHTTP1
import NIOSSL
import Vocabulary

final class UpstreamConnection: ChannelInboundHandler, Upstream {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    let key: UpstreamKey
    let road: Road
    /// Where the connection goes when an answer has ended.
    weak var pool: UpstreamPool?
    private var context: ChannelHandlerContext?
    private var user: (any UpstreamUser)?
    private var keepsAlive = true
    private var isReading = true
    private var isSocket = false
    /// Where a WebSocket's bytes go down, once HTTP's handlers are gone; what was to be written before.
    private var socket: ChannelHandlerContext?
    private var earlyBytes: ByteBuffer?
    private var lastError: String?

    init(key: UpstreamKey, road: Road, pool: UpstreamPool) {
        self.key = key
        self.road = road
        self.pool = pool
    }

    var isOpen: Bool { context?.channel.isActive == true && keepsAlive }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        socket = nil
        failed("connection closed")
    }

    func send(_ request: UpstreamRequest, for user: any UpstreamUser) {
        guard let context, context.channel.isActive else { return user.upstreamUnsent() }
        self.user = user
        context.write(
            wrapOutboundOut(
                .head(
                    HTTPRequestHead(
                        version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: request.target,
                        headers: request.headers))),
            promise: nil)
        if let body = request.body { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func setReading(_ on: Bool) {
        guard isReading != on, let channel = context?.channel else { return }
        isReading = on
        channel.setReading(on)
    }

    func abandon() {
        user = nil
        keepsAlive = false
        context?.close(promise: nil)
    }

    // MARK: As a WebSocket

    func becomeSocket() { isSocket = true }

    /// The 101 is read whole: HTTP's handlers go.
    private func leaveHTTP(_ context: ChannelHandlerContext) {
        let operations = context.pipeline.syncOperations
        do {
            let decoder = try operations.context(handlerType: ByteToMessageHandler<HTTPResponseDecoder>.self)
            let encoder = try operations.context(handlerType: HTTPRequestEncoder.self)
            // What the decoder holds already comes out of it when it goes.
            try operations.addHandler(SocketBytes(connection: self), position: .after(decoder.handler))
            operations.removeHandler(context: encoder, promise: nil)
            // It sees what is written too, and goes a turn of the loop later.
            let gone = context.eventLoop.makePromise(of: Void.self)
            operations.removeHandler(context: decoder, promise: gone)
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            gone.futureResult.whenComplete { _ in bound.value.hasLeftHTTP() }
        } catch {
            context.close(promise: nil)
        }
    }

    private func hasLeftHTTP() {
        socket = try? context?.pipeline.syncOperations.context(handlerType: SocketBytes.self)
        guard let early = earlyBytes else { return }
        earlyBytes = nil
        writeSocket(early)
    }

    func writeSocket(_ bytes: ByteBuffer) {
        guard let context else { return }
        guard let below = socket else {
            // The agent did not wait for the answer, or was faster than HTTP's handlers went.
            earlyBytes.setOrWriteImmutableBuffer(bytes)
            return
        }
        below.writeAndFlush(NIOAny(bytes), promise: nil)
        if !context.channel.isWritable { user?.upstreamTakes(false) }
    }

    func endSocket() {
        user = nil
        context?.close(promise: nil)
    }

    fileprivate func socketBytes(_ bytes: ByteBuffer) { user?.upstreamSocketBytes(bytes) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isSocket { user?.upstreamTakes(context.channel.isWritable) }
        context.fireChannelWritabilityChanged()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard let user else { return abandon() }  // an answer that nobody asked for
            keepsAlive = head.isKeepAlive
            user.upstreamHead(head)
        case .body(let bytes): user?.upstreamBody(bytes)
        case .end where isSocket: leaveHTTP(context)
        case .end(let trailers):
            let user = user
            self.user = nil
            if keepsAlive {
                setReading(true)
                pool?.give(self)
            } else {
                context.close(promise: nil)
            }
            user?.upstreamEnd(trailers)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        keepsAlive = false
        failed(lastError ?? "connection closed by the upstream")
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A peer that closes TCP without close_notify is common; whether the answer was whole, HTTP's framing tells.
        if case .uncleanShutdown = error as? NIOSSLError {
            lastError = "connection closed by the upstream"
        } else {
            lastError = UpstreamFailure.words(error)
        }
        keepsAlive = false
        context.close(promise: nil)
    }

    private func failed(_ reason: String) {
        pool?.remove(self)
        let user = user
        self.user = nil
        user?.upstreamFailed(reason)
    }
}

/// Takes the place of HTTP's decoder once the connection is a WebSocket.
private final class SocketBytes: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let connection: UpstreamConnection

    init(connection: UpstreamConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { connection.socketBytes(unwrapInboundIn(data)) }
}
