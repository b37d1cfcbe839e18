// UpstreamConnection: one TLS connection to a real host, one request on it at a time. It knows nothing of policy; who
// uses it gets the answer's parts as they come and says when to hold.

import NIOCore
import NIOHTTP1
import NIOSSL
import NIOTLS
import Vocabulary

/// What a connection may be shared for: never another name, place or key.
struct UpstreamKey: Sendable, Hashable {
    var name: HostName
    var port: UInt16
    /// Which credential's requests travel on it; nil: the agent's own.
    var credential: String?
}

/// Gets the parts of one answer. Exactly one of `upstreamEnd` and `upstreamFailed` is called, last.
protocol UpstreamUser: AnyObject {
    func upstreamHead(_ head: HTTPResponseHead)
    func upstreamBody(_ bytes: ByteBuffer)
    func upstreamEnd()
    /// `answered`: the head of an answer had come.
    func upstreamFailed(_ reason: String)
}

final class UpstreamConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    let key: UpstreamKey
    let address: IPAddress
    /// Where the connection goes when an answer has ended.
    weak var pool: UpstreamPool?
    private var context: ChannelHandlerContext?
    private var user: (any UpstreamUser)?
    private var onHandshake: ((Result<Void, UpstreamFailure>) -> Void)?
    private var keepsAlive = true
    private var isReading = true
    private(set) var isReused = false
    private var idleSince: NIODeadline?
    private var lastError: String?

    init(key: UpstreamKey, address: IPAddress, onHandshake: @escaping (Result<Void, UpstreamFailure>) -> Void) {
        self.key = key
        self.address = address
        self.onHandshake = onHandshake
    }

    var isOpen: Bool { context?.channel.isActive == true && keepsAlive }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        failed("connection closed")
    }

    func send(_ head: HTTPRequestHead, body: ByteBuffer?, for user: any UpstreamUser) {
        guard let context, context.channel.isActive else {
            return user.upstreamFailed("connection closed before the request was sent")
        }
        self.user = user
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let body, body.readableBytes > 0 { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// Back-pressure: `false` while the agent does not take what was read already.
    func setReading(_ on: Bool) {
        guard isReading != on, let channel = context?.channel else { return }
        isReading = on
        try? channel.syncOptions?.setOption(.autoRead, value: on)
        if on { channel.read() }
    }

    /// Ends the connection at once; the user hears nothing more.
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
        case .end:
            let user = user
            self.user = nil
            if keepsAlive {
                isReused = true
                setReading(true)
                pool?.give(self)
            } else {
                context.close(promise: nil)
            }
            user?.upstreamEnd()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent { finishHandshake(.success(())) }
        context.fireUserInboundEventTriggered(event)
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
            finishHandshake(.failure(UpstreamFailure(error)))
        }
        keepsAlive = false
        context.close(promise: nil)
    }

    private func failed(_ reason: String) {
        finishHandshake(.failure(UpstreamFailure(code: .upstreamUnreachable, reason: reason)))
        pool?.remove(self)
        let user = user
        self.user = nil
        user?.upstreamFailed(reason)
    }

    private func finishHandshake(_ result: Result<Void, UpstreamFailure>) {
        let done = onHandshake
        onHandshake = nil
        done?(result)
    }
}

/// Why no connection came about. The words come from us or the TLS library, never from the peer.
struct UpstreamFailure: Error, Sendable {
    var code: Refusal.Code
    var reason: String

    init(code: Refusal.Code, reason: String) {
        self.code = code
        self.reason = reason
    }

    init(_ error: any Error) {
        let isTLS = error is NIOSSLError || error is NIOSSLExtraError || error is BoringSSLError
        self.init(code: isTLS ? .upstreamCertificate : .upstreamUnreachable, reason: Self.words(error))
    }

    static func words(_ error: any Error) -> String {
        switch error {
        case let error as NIOSSLExtraError: return "TLS: \(error.description.prefix(200))"
        case let error as NIOSSLError: return "TLS: \(String(describing: error).prefix(200))"
        case let error as IOError: return "connect: \(String(describing: error).prefix(200))"
        case let error as HTTPParserError: return "answer is not HTTP: \(String(describing: error).prefix(100))"
        default: return String(describing: error).prefix(200).description
        }
    }
}
