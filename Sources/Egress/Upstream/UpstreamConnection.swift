// UpstreamConnection: one HTTP/1.1 connection to a real host, one request on it at a time.

import NIOCore
import NIOHTTP1
import NIOSSL
import Vocabulary

final class UpstreamConnection: ChannelInboundHandler, Upstream {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    let key: UpstreamKey
    /// Where the connection goes when an answer has ended.
    weak var pool: UpstreamPool?
    private var context: ChannelHandlerContext?
    private var user: (any UpstreamUser)?
    private var keepsAlive = true
    private var isReading = true
    private var lastError: String?

    init(key: UpstreamKey, pool: UpstreamPool) {
        self.key = key
        self.pool = pool
    }

    var isOpen: Bool { context?.channel.isActive == true && keepsAlive }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
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
        try? channel.syncOptions?.setOption(.autoRead, value: on)
        if on { channel.read() }
    }

    func abandon() {
        user = nil
        keepsAlive = false
        context?.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard let user else { return abandon() }  // an answer that nobody asked for
            keepsAlive = head.isKeepAlive
            user.upstreamHead(head)
        case .body(let bytes): user?.upstreamBody(bytes)
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
