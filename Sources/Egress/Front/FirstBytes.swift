// FirstBytes: decides by an agent's first bytes what its connection is: TLS, plain HTTP (explained and refused), or
// anything else (closed). Then it steps aside.

import Events
import Glibc
import NIOCore
import NIOSSL
import Policy
import Vocabulary

final class FirstBytes: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// On the port of HTTPS, where some clients connect ahead of time.
    private static let patience = TimeAmount.seconds(10)
    /// On all others: a client that waits there for the server to speak first (mail, databases, FTP) would hang, and is told
    /// at once by a reset.
    private static let otherPatience = TimeAmount.seconds(1)

    private let session: Session
    private let dialled: Dialled
    private var pending = ByteBuffer()
    private var timeout: Scheduled<Void>?
    private var isDone = false

    init(session: Session, dialled: Dialled) {
        self.session = session
        self.dialled = dialled
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timeout = context.eventLoop.scheduleTask(in: dialled.port == 443 ? Self.patience : Self.otherPatience) {
            let (handler, context) = bound.value
            if handler.pending.readableBytes > 0 { return handler.refuse(context, .notHTTP, "half a ClientHello") }
            // Zero seconds to linger: the close is a reset.
            _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            handler.refuse(context, .notHTTP, "the client said nothing: it waits for the server to speak first")
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timeout?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDone else { return }
        var bytes = unwrapInboundIn(data)
        pending.writeBuffer(&bytes)
        guard let first = pending.getInteger(at: pending.readerIndex, as: UInt8.self) else { return }
        switch first {
        case 0x16:
            switch ClientHello.parse(pending.readableBytesView) {
            case .incomplete: return
            case .invalid(let why): refuse(context, .malformed, "no ClientHello: \(why)")
            case .hello(let spoken): startTLS(context, spoken)
            }
        case 0x41...0x5a, 0x0d: startPlain(context)
        default: refuse(context, .notHTTP, "neither TLS nor HTTP")
        }
    }

    private func startTLS(_ context: ChannelHandlerContext, _ spoken: HostName?) {
        let peer = session.judge(dialled, spoken: spoken, isTLS: true)
        if case .allow(let connection) = peer.standing, let grant = connection.unread { return passThrough(context, grant) }
        do {
            let tls = NIOSSLServerHandler(context: try session.context(for: peer.leaf))
            try proceed(context, with: [tls, ProtocolChoice(session: session, peer: peer)])
        } catch {
            refuse(context, .malformed, "TLS could not be set up")
        }
    }

    private func passThrough(_ context: ChannelHandlerContext, _ grant: RawGrant) {
        do {
            let relay = RawRelay(session: session, dialled: dialled, grant: grant)
            try proceed(context, with: [relay.agentEnd])
            relay.ask()
        } catch {
            refuse(context, .malformed, "TLS could not be passed through")
        }
    }

    private func startPlain(_ context: ChannelHandlerContext) {
        let peer = session.judge(dialled, spoken: nil, isTLS: false)
        do { try proceed(context, with: ProtocolChoice.http1(session: session, peer: peer, isPlain: true)) } catch {
            refuse(context, .notHTTP, "plain HTTP could not be set up")
        }
    }

    private func proceed(_ context: ChannelHandlerContext, with handlers: [any ChannelHandler]) throws {
        isDone = true
        timeout?.cancel()
        let operations = context.pipeline.syncOperations
        try operations.addHandlers(handlers, position: .after(self))
        context.fireChannelRead(wrapInboundOut(pending))
        context.fireChannelReadComplete()
        pending = ByteBuffer()
        operations.removeHandler(self, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Connected and gone without a word is what every port probe does; a half hello is worth a record.
        if !isDone, pending.readableBytes > 0 { refuse(context, .malformed, "half a ClientHello") }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func refuse(_ context: ChannelHandlerContext, _ code: Refusal.Code, _ reason: String) {
        guard !isDone else { return }
        isDone = true
        timeout?.cancel()
        let name = session.names.name(for: dialled.address)
        session.journal.refused(
            ConnectionRefused(
                code: code, reason: reason, host: name?.text, address: dialled.address.description, port: dialled.port))
        context.close(promise: nil)
    }
}
