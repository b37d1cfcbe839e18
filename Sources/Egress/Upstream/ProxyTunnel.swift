// ProxyTunnel: asks a proxy to connect, waits for its yes, and makes way for TLS with the host. Until then nothing of the
// host's or the agent's is on the connection but the name.

import NIOCore
import NIOHTTP1
import NIOSSL
import NIOTLS
import Vocabulary

final class ProxyTunnel: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let request: ByteBuffer
    /// TLS with the proxy itself comes first.
    private let isSecured: Bool
    private let name: String
    private let context: NIOSSLContext
    private var answer = ConnectAnswer()
    private var isDone = false

    /// - Parameters:
    ///   - request: the CONNECT; it holds the login, so it is written and never shown.
    ///   - name: whose certificate the host must show.
    init(request: [UInt8], isSecured: Bool, host name: String, context: NIOSSLContext) {
        self.request = ByteBuffer(bytes: request)
        self.isSecured = isSecured
        self.name = name
        self.context = context
    }

    func channelActive(context: ChannelHandlerContext) {
        if !isSecured { ask(context) }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The proxy's handshake is not the host's: whoever waits for that one hears nothing of this one.
        guard !isDone, case .handshakeCompleted = event as? TLSUserEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        if isSecured { ask(context) }
    }

    private func ask(_ context: ChannelHandlerContext) { context.writeAndFlush(wrapOutboundOut(request), promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDone else { return context.fireChannelRead(data) }
        switch answer.feed(unwrapInboundIn(data).readableBytesView) {
        case .more: break
        case .open: open(context)
        case .refused(let status): fail(context, Self.failure(status))
        case .malformed(let why): fail(context, UpstreamFailure(code: .upstreamProxy, reason: "the upstream proxy: \(why)"))
        }
    }

    private func open(_ context: ChannelHandlerContext) {
        isDone = true
        do {
            let operations = context.pipeline.syncOperations
            try operations.addHandler(NIOSSLClientHandler(context: self.context, serverHostname: name), position: .after(self))
            operations.removeHandler(context: context, promise: nil)
        } catch {
            fail(context, UpstreamFailure(error))
        }
    }

    private func fail(_ context: ChannelHandlerContext, _ failure: UpstreamFailure) {
        isDone = true
        context.fireErrorCaught(failure)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isDone { fail(context, UpstreamFailure(code: .upstreamProxy, reason: "the upstream proxy closed the connection")) }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Before the tunnel stands every fault is the proxy's.
        guard !isDone else { return context.fireErrorCaught(error) }
        fail(context, UpstreamFailure(code: .upstreamProxy, reason: "the upstream proxy: \(UpstreamFailure.words(error))"))
    }

    /// A gateway's own statuses tell of the host, all others of the proxy.
    static func failure(_ status: Int) -> UpstreamFailure {
        switch status {
        case 502, 503, 504:
            UpstreamFailure(code: .upstreamUnreachable, reason: "the upstream proxy cannot reach the host (\(status))")
        case 407:
            UpstreamFailure(code: .upstreamProxy, reason: "the upstream proxy does not accept upstream_proxy's login (407)")
        default: UpstreamFailure(code: .upstreamProxy, reason: "the upstream proxy refuses the host (\(status))")
        }
    }
}
