// RawUpstream: a TLS server on loopback that does to its connections what a test says, byte for byte and frame by frame.

import Glibc
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL
import Synchronization
import Testing
import Vocabulary

@testable import Egress

final class RawUpstream: Sendable {
    /// What becomes of one request over HTTP/1.1.
    enum Deed: Sendable {
        case answer(String)
        /// Closed after the answer, which promised otherwise.
        case answerAndClose(String)
        /// This is written, if anything, and then the connection is reset.
        case reset(after: String)
    }

    /// What becomes of one stream.
    enum StreamDeed: Sendable {
        case answer
        /// Nothing, for ever.
        case silence
        /// GOAWAY, as if none of the connection's streams had been read; then it is closed.
        case goAway
        /// RST_STREAM with REFUSED_STREAM.
        case refuse
    }

    /// What HTTP is spoken, and what is done.
    enum Script: Sendable {
        /// Gets the number of the request, from 1, over all connections.
        case http1(@Sendable (Int) -> Deed)
        case http2(mostStreams: Int, @Sendable (Int) -> StreamDeed)
    }

    static let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

    private final class Seen: Sendable {
        let requests = Mutex(0)
        let connections = Mutex(0)
        let closed = Mutex(0)
    }

    private let authority: SessionAuthority
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let server: any Channel
    private let seen = Seen()

    /// - Parameter tls: changes the server's TLS.
    init(_ name: String, _ script: Script, tls: (inout TLSConfiguration) throws -> Void = { _ in }) throws {
        authority = try SessionAuthority()
        let isHTTP2 = if case .http2 = script { true } else { false }
        var configuration = try authority.serverConfiguration(
            for: .name(try #require(HostName(name))), protocols: [isHTTP2 ? "h2" : "http/1.1"])
        try tls(&configuration)
        let context = try NIOSSLContext(configuration: configuration)
        let seen = seen
        server = try ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                seen.connections.withLock { $0 += 1 }
                channel.closeFuture.whenComplete { _ in seen.closed.withLock { $0 += 1 } }
                return channel.eventLoop.makeCompletedFuture {
                    let operations = channel.pipeline.syncOperations
                    if isHTTP2 { try operations.addHandler(OnlyHTTP2()) }
                    try operations.addHandler(NIOSSLServerHandler(context: context))
                    switch script {
                    case .http1(let deed): try operations.addHandler(Lines(seen, deed))
                    case .http2(let mostStreams, let deed):
                        var settings = NIOHTTP2Handler.ConnectionConfiguration()
                        settings.initialSettings = [HTTP2Setting(parameter: .maxConcurrentStreams, value: mostStreams)]
                        try operations.addHandler(
                            NIOHTTP2Handler(
                                mode: .server, eventLoop: channel.eventLoop, connectionConfiguration: settings,
                                streamConfiguration: .init()
                            ) { stream in
                                stream.eventLoop.makeCompletedFuture {
                                    try stream.pipeline.syncOperations.addHandler(Frames(seen, deed))
                                }
                            })
                    }
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
    }

    var port: UInt16 { UInt16(server.localAddress?.port ?? 0) }
    var roots: [String] { [String(decoding: authority.pem, as: UTF8.self)] }
    /// Requests that arrived, whatever became of them.
    var requests: Int { seen.requests.withLock { $0 } }
    var connections: Int { seen.connections.withLock { $0 } }

    /// Waits until so many connections are closed on both sides: TLS' closing words were answered.
    func waitForClosed(_ count: Int) -> Bool { wait { seen.closed.withLock { $0 } >= count } }
    func waitForRequests(_ count: Int) -> Bool { wait { requests >= count } }

    private func wait(_ condition: () -> Bool) -> Bool {
        for _ in 0..<2000 {
            if condition() { return true }
            usleep(5000)
        }
        return false
    }

    func end() {
        try? server.close().wait()
        try? group.syncShutdownGracefully()
    }

    /// Ends a handshake that offers no h2, as RFC 7301 §3.2 has it; the TLS library here would go on without a protocol.
    private final class OnlyHTTP2: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private var hasLooked = false

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let offers = hasLooked || unwrapInboundIn(data).readableBytesView.firstRange(of: [2] + Array("h2".utf8)) != nil
            hasLooked = true
            if offers { return context.fireChannelRead(data) }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: [21, 3, 3, 0, 2, 2, 120])), promise: nil)
            context.close(promise: nil)
        }
    }

    private final class Lines: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let seen: Seen
        private let deed: @Sendable (Int) -> Deed
        private var text = ""

        init(_ seen: Seen, _ deed: @escaping @Sendable (Int) -> Deed) {
            self.seen = seen
            self.deed = deed
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            text += String(buffer: unwrapInboundIn(data))
            guard text.hasSuffix("\r\n\r\n") else { return }
            text = ""
            let number = seen.requests.withLock { count in
                count += 1
                return count
            }
            switch deed(number) {
            case .answer(let answer): write(context, answer)
            case .answerAndClose(let answer):
                write(context, answer)
                context.close(promise: nil)
            case .reset(let answer):
                if !answer.isEmpty { write(context, answer) }
                // Below TLS, which would say goodbye.
                _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
                let tls = try? context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
                tls?.close(promise: nil)
            }
        }

        private func write(_ context: ChannelHandlerContext, _ text: String) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    private final class Frames: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame.FramePayload
        typealias OutboundOut = HTTP2Frame.FramePayload
        private let seen: Seen
        private let deed: @Sendable (Int) -> StreamDeed

        init(_ seen: Seen, _ deed: @escaping @Sendable (Int) -> StreamDeed) {
            self.seen = seen
            self.deed = deed
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .headers = unwrapInboundIn(data) else { return }
            let number = seen.requests.withLock { count in
                count += 1
                return count
            }
            switch deed(number) {
            case .answer:
                let block = HPACKHeaders([(":status", "200"), ("content-type", "text/plain")])
                context.write(wrapOutboundOut(.headers(.init(headers: block))), promise: nil)
                let body = IOData.byteBuffer(ByteBuffer(string: "ok"))
                context.writeAndFlush(wrapOutboundOut(.data(.init(data: body, endStream: true))), promise: nil)
            case .silence: break
            case .refuse: context.writeAndFlush(wrapOutboundOut(.rstStream(.refusedStream)), promise: nil)
            case .goAway:
                let frame = HTTP2Frame(
                    streamID: .rootStream, payload: .goAway(lastStreamID: .rootStream, errorCode: .noError, opaqueData: nil))
                let connection = context.channel.parent
                connection?.writeAndFlush(frame, promise: nil)
                connection?.close(promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
