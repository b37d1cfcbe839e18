// ProtocolChoice: after the TLS handshake, the protocol that both sides agreed on (ALPN, RFC 7301): HTTP/2, else
// HTTP/1.1. Before it, the one place that sees a client which does not trust the session's authority.

import Events
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOSSL
import NIOTLS
import Vocabulary

final class ProtocolChoice: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private static let patience = TimeAmount.seconds(30)

    private let session: Session
    private let peer: Peer
    private var timeout: Scheduled<Void>?
    private var isDone = false

    init(session: Session, peer: Peer) {
        self.session = session
        self.peer = peer
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timeout = context.eventLoop.scheduleTask(in: Self.patience) {
            let (handler, context) = bound.value
            handler.failed("no TLS handshake within 30 s")
            context.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timeout?.cancel()
        failed("no TLS handshake: the client closed or refused the session's certificate")
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let chosen) = event as? TLSUserEvent, !isDone else {
            return context.fireUserInboundEventTriggered(event)
        }
        isDone = true
        let operations = context.pipeline.syncOperations
        do {
            try operations.addHandlers(
                chosen == "h2"
                    ? HTTP2Connection.handlers(session: session, peer: peer, loop: context.eventLoop)
                    : Self.http1(session: session, peer: peer, isPlain: false), position: .after(self))
        } catch {
            return context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
        operations.removeHandler(self, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        failed("no TLS handshake: the client closed or refused the session's certificate")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// A client that does not trust the session's authority ends here: the one cause that an operator must see.
    private func failed(_ reason: String) {
        guard !isDone else { return }
        isDone = true
        session.journal.refused(peer.fault(reason))
    }

    static func http1(session: Session, peer: Peer, isPlain: Bool) -> [any ChannelHandler] {
        var configuration = HTTPResponseEncoder.Configuration()
        // Framing is the connection's: an answer to HEAD has a length and no body, which the encoder cannot know.
        configuration.automaticallySetFramingHeaders = false
        return [
            WriteJoiner(), HTTPResponseEncoder(configuration: configuration),
            HTTP1Connection(session: session, peer: peer, isPlain: isPlain),
        ]
    }
}
