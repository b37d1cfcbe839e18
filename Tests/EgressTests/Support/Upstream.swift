// Upstream: a real TLS server on loopback that answers as a test says and remembers what it got.

import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL
import Synchronization
import Vocabulary
import WebSocketFrames

@testable import Egress

final class Upstream: Sendable {
    struct Request: Sendable {
        /// `version` says which protocol it came in.
        var head: HTTPRequestHead
        var body: [UInt8]
        var connection: ObjectIdentifier
    }

    /// What to answer: pieces of the body are flushed one by one; nil in their place waits for `release`.
    struct Answer: Sendable {
        var status = HTTPResponseStatus.ok
        var headers: [(String, String)] = [("content-type", "application/json")]
        var pieces: [[UInt8]?] = []
        var isChunked = false
        /// Close the connection in place of the end.
        var breaksOff = false
        /// Written as it is in place of everything else.
        var raw: String?
        var trailers: [(String, String)] = []
        /// A WebSocket is agreed to; true: with permessage-deflate, where that is offered.
        var socket: Bool?
        init(socket deflates: Bool) { socket = deflates }
        init(raw: String) { self.raw = raw }
        init(
            _ pieces: [String?], status: HTTPResponseStatus = .ok, type: String = "application/json", isChunked: Bool = false,
            breaksOff: Bool = false, headers: [(String, String)] = []
        ) {
            self.init(
                bytes: pieces.map { $0.map { Array($0.utf8) } }, status: status, type: type, isChunked: isChunked,
                breaksOff: breaksOff, headers: headers)
        }
        init(
            bytes pieces: [[UInt8]?], status: HTTPResponseStatus = .ok, type: String = "application/json", isChunked: Bool = false,
            breaksOff: Bool = false, headers: [(String, String)] = []
        ) {
            self.pieces = pieces
            self.status = status
            self.headers = [("content-type", type)] + headers
            self.isChunked = isChunked
            self.breaksOff = breaksOff
        }
    }

    let authority: SessionAuthority
    let channel: any Channel
    private let seen = Mutex<[Request]>([])
    fileprivate let texts = Mutex<[String]>([])
    /// The messages that came over WebSockets.
    var socketTexts: [String] { texts.withLock { $0 } }
    private let answering: Mutex<@Sendable (Request) -> Answer>
    private let released: Mutex<Bool> = Mutex(false)

    /// - Parameter protocols: what it agrees to (ALPN).
    init(
        group: any EventLoopGroup, names: [HostName], protocols: [String] = ["h2", "http/1.1"],
        answer: @escaping @Sendable (Request) -> Answer
    ) throws {
        authority = try SessionAuthority()
        answering = Mutex(answer)
        var made: [String: NIOSSLContext] = [:]
        for name in names { made[name.text] = try authority.serverContext(for: .name(name), protocols: protocols) }
        let contexts = made
        let box = Box()
        channel = try ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let upstream = box.upstream.withLock({ $0 }), let context = contexts.first?.value else {
                        throw ChannelError.inappropriateOperationForState
                    }
                    let operations = channel.pipeline.syncOperations
                    // Chosen by name like a real server, so that a wrong or missing SNI shows.
                    let byName = contexts
                    let sni = ByteToMessageHandler(NameChooser(contexts: byName, fallback: context))
                    try operations.addHandler(sni)
                    channel.configureCommonHTTPServerPipeline { stream in
                        let connection = ObjectIdentifier(channel)
                        return stream.eventLoop.makeCompletedFuture {
                            try stream.pipeline.syncOperations.addHandler(Handler(upstream: upstream, connection: connection))
                        }
                    }.whenFailure { _ in channel.close(promise: nil) }
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        box.upstream.withLock { $0 = self }
    }

    private final class Box: Sendable { let upstream = Mutex<Upstream?>(nil) }

    var port: UInt16 { UInt16(channel.localAddress?.port ?? 0) }
    var requests: [Request] { seen.withLock { $0 } }
    func answer(_ with: @escaping @Sendable (Request) -> Answer) { answering.withLock { $0 = with } }
    func release() { released.withLock { $0 = true } }
    fileprivate var isReleased: Bool { released.withLock { $0 } }

    fileprivate func take(_ request: Request) -> Answer {
        seen.withLock { $0.append(request) }
        return answering.withLock { $0 }(request)
    }

    /// Peeks at the ClientHello and puts the TLS handler of that name in front.
    private struct NameChooser: ByteToMessageDecoder {
        typealias InboundOut = ByteBuffer
        let contexts: [String: NIOSSLContext]
        let fallback: NIOSSLContext

        mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
            guard case .hello(let name) = ClientHello.parse(buffer.readableBytesView) else { return .needMoreData }
            let chosen = name.flatMap { contexts[$0.text] } ?? fallback
            let operations = context.pipeline.syncOperations
            let decoder = try operations.handler(type: ByteToMessageHandler<NameChooser>.self)
            try operations.addHandler(NIOSSLServerHandler(context: chosen), position: .after(decoder))
            operations.removeHandler(decoder, promise: nil)
            return .needMoreData
        }

        mutating func decodeLast(context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool) throws -> DecodingState {
            context.fireChannelRead(NIOAny(buffer))
            buffer.clear()
            return .needMoreData
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart
        private let upstream: Upstream
        private var head: HTTPRequestHead?
        private var body: [UInt8] = []

        private let connection: ObjectIdentifier

        init(upstream: Upstream, connection: ObjectIdentifier) {
            self.upstream = upstream
            self.connection = connection
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                body = []
            case .body(let part): body += part.readableBytesView
            case .end:
                guard let head else { return }
                let request = Request(head: head, body: body, connection: connection)
                let answer = upstream.take(request)
                if let raw = answer.raw {
                    // From the encoder's place on, so that it stays as it is.
                    let encoder = try? context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
                    encoder?.writeAndFlush(NIOAny(ByteBuffer(string: raw)), promise: nil)
                    return
                }
                if let deflates = answer.socket { return socket(context, head, deflates: deflates) }
                var headers = HTTPHeaders(answer.headers)
                if answer.isChunked {
                    headers.add(name: "transfer-encoding", value: "chunked")
                } else {
                    headers.add(name: "content-length", value: String(answer.pieces.compactMap { $0?.count }.reduce(0, +)))
                }
                context.writeAndFlush(
                    wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers))),
                    promise: nil)
                proceed(context, answer, answer.pieces[...])
            }
        }

        /// Answers each message with what it heard, and with the message itself.
        private func socket(_ context: ChannelHandlerContext, _ head: HTTPRequestHead, deflates: Bool) {
            let agreed = deflates ? DeflateAgreement.accepting(head.headers["sec-websocket-extensions"], keepsContext: true) : nil
            var headers: HTTPHeaders = [
                "upgrade": "websocket", "connection": "Upgrade",
                "sec-websocket-accept": WebSocketOffer.accept(head.headers.first(name: "sec-websocket-key") ?? ""),
            ]
            if let agreed { headers.add(name: "sec-websocket-extensions", value: agreed.answer) }
            context.writeAndFlush(
                wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: headers))),
                promise: nil)
            let operations = context.pipeline.syncOperations
            do {
                let encoder = try operations.context(handlerType: HTTPResponseEncoder.self)
                let decoder = try operations.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self)
                let handler = SocketHandler(upstream: upstream, deflate: agreed)
                try operations.addHandler(handler, position: .before(encoder.handler))
                operations.removeHandler(context: decoder, promise: nil)
                // It would hold back reading until this answer ends.
                operations.removeHandler(context: try operations.context(handlerType: HTTPServerPipelineHandler.self), promise: nil)
            } catch {
                context.close(promise: nil)
            }
        }

        private func proceed(_ context: ChannelHandlerContext, _ answer: Answer, _ pieces: ArraySlice<[UInt8]?>) {
            guard context.channel.isActive else { return }
            var rest = pieces
            while let piece = rest.first {
                guard let bytes = piece else {
                    if upstream.isReleased {
                        rest = rest.dropFirst()
                        continue
                    }
                    let bound = NIOLoopBound((self, context, answer, rest), eventLoop: context.eventLoop)
                    context.eventLoop.scheduleTask(in: .milliseconds(5)) {
                        let (handler, context, answer, rest) = bound.value
                        handler.proceed(context, answer, rest)
                    }
                    return
                }
                context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
                rest = rest.dropFirst()
            }
            if answer.breaksOff { return context.close(promise: nil) }
            let trailers = answer.trailers.isEmpty ? nil : HTTPHeaders(answer.trailers)
            context.writeAndFlush(wrapOutboundOut(.end(trailers)), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    private final class SocketHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let upstream: Upstream
        private var reader: WebSocketReader
        private var writer: WebSocketWriter

        init(upstream: Upstream, deflate: DeflateAgreement?) {
            self.upstream = upstream
            reader = WebSocketReader(from: .client, deflate: deflate, limit: 1 << 20)
            writer = WebSocketWriter(as: .server, deflate: deflate) { 0 }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            for event in reader.feed(Array(unwrapInboundIn(data).readableBytesView)) {
                var out: [UInt8] = []
                switch event {
                case .text(let text):
                    upstream.texts.withLock { $0.append(String(decoding: text, as: UTF8.self)) }
                    out = ((try? writer.text(Array("you said: ".utf8) + text)) ?? []) + ((try? writer.text(text)) ?? [])
                case .ping(let payload): out = writer.pong(payload)
                case .close(let code, let reason): out = writer.close(code, reason: reason)
                default: break
                }
                if !out.isEmpty { context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: out)), promise: nil) }
            }
        }
    }
}
