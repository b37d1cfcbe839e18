// UpstreamHandshake: waits for the TLS handshake with a real host and makes of it what both sides agreed on: an HTTP/1.1
// connection, or one of HTTP/2.

import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOSSL
import NIOTLS
import Vocabulary

/// A verified connection, ready for its first request.
enum Connected: Contender {
    case single(UpstreamConnection)
    case multiplex(UpstreamMultiplex)

    func abandon() {
        switch self {
        case .single(let connection): connection.abandon()
        case .multiplex(let connection): connection.abandon()
        }
    }
}

final class UpstreamHandshake: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let key: UpstreamKey
    private let road: Road
    private let pool: UpstreamPool
    /// The connection may become a WebSocket: what follows the 101 in one read must not be lost.
    private let isForSocket: Bool
    private var done: ((Result<Connected, UpstreamFailure>) -> Void)?

    /// - Parameter done: called exactly once, on the loop.
    init(
        key: UpstreamKey, road: Road, pool: UpstreamPool, isForSocket: Bool,
        done: @escaping (Result<Connected, UpstreamFailure>) -> Void
    ) {
        self.key = key
        self.road = road
        self.pool = pool
        self.isForSocket = isForSocket
        self.done = done
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let chosen) = event as? TLSUserEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        let operations = context.pipeline.syncOperations
        let made: Connected
        do {
            if chosen == "h2" {
                let multiplex = UpstreamMultiplex(key: key, road: road, pool: pool)
                try operations.addHandlers(multiplex.handlers(loop: context.eventLoop), position: .after(self))
                made = .multiplex(multiplex)
            } else {
                let connection = UpstreamConnection(key: key, road: road, pool: pool)
                try operations.addHandler(WriteJoiner())
                try operations.addHTTPClientHandlers(leftOverBytesStrategy: isForSocket ? .forwardBytes : .dropBytes)
                try operations.addHandler(connection)
                made = .single(connection)
            }
        } catch {
            return end(context, UpstreamFailure(error))
        }
        operations.removeHandler(self, promise: nil)
        let done = done
        self.done = nil
        done?(.success(made))
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(context, UpstreamFailure(code: .upstreamUnreachable, reason: "connection closed in the TLS handshake"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { end(context, UpstreamFailure(error)) }

    /// It takes too long, or is not wanted any more.
    func end(_ failure: UpstreamFailure) {
        let done = done
        self.done = nil
        done?(.failure(failure))
    }

    private func end(_ context: ChannelHandlerContext, _ failure: UpstreamFailure) {
        end(failure)
        context.close(promise: nil)
    }
}
