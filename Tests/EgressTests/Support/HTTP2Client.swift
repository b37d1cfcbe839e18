// HTTP2Client: an agent's HTTP/2 connection for tests, with streams whose header blocks are written as they are: nothing
// is checked on this side, so that what a hostile client sends can be sent.

import Glibc
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

final class HTTP2Client: Sendable {
    /// One stream's answer, as far as it has come.
    final class Stream: ChannelInboundHandler, Sendable {
        typealias InboundIn = HTTP2Frame.FramePayload
        typealias OutboundOut = HTTP2Frame.FramePayload

        struct Seen: Sendable {
            var heads: [HPACKHeaders] = []
            var body: [UInt8] = []
            var trailers: HPACKHeaders?
            var ended = false
            var closed = false
            var error: String?
        }
        private let seen = Mutex(Seen())
        fileprivate let channel = Mutex<(any Channel)?>(nil)

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let payload = unwrapInboundIn(data)
            seen.withLock { seen in
                switch payload {
                case .headers(let block):
                    if seen.heads.contains(where: { ($0.first(name: ":status") ?? "1").first != "1" }) {
                        seen.trailers = block.headers
                    } else {
                        seen.heads.append(block.headers)
                    }
                    if block.endStream { seen.ended = true }
                case .data(let data):
                    if case .byteBuffer(let bytes) = data.data { seen.body += bytes.readableBytesView }
                    if data.endStream { seen.ended = true }
                default: break
                }
            }
        }
        func channelInactive(context: ChannelHandlerContext) { seen.withLock { $0.closed = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            seen.withLock { $0.error = String(describing: error) }
            context.close(promise: nil)
        }

        func send(_ bytes: [UInt8], end: Bool = false) {
            channel.withLock { $0 }?.writeAndFlush(
                HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(ByteBuffer(bytes: bytes)), endStream: end)), promise: nil)
        }
        func reset() { channel.withLock { $0 }?.close(promise: nil) }
        func setReading(_ on: Bool) {
            guard let channel = channel.withLock({ $0 }) else { return }
            channel.setOption(.autoRead, value: on).whenSuccess { if on { channel.read() } }
        }

        var status: Int { seen.withLock { seen in seen.heads.last?.first(name: ":status").flatMap { Int($0) } ?? 0 } }
        var statuses: [String] { seen.withLock { seen in seen.heads.compactMap { $0.first(name: ":status") } } }
        var headers: HPACKHeaders { seen.withLock { $0.heads.last ?? [:] } }
        var text: String { seen.withLock { String(decoding: $0.body, as: UTF8.self) } }
        var now: Seen { seen.withLock { $0 } }

        @discardableResult
        func wait(_ found: (Seen) -> Bool = { $0.ended || $0.closed }) -> Seen {
            for _ in 0..<2000 {
                let now = now
                if found(now) || now.closed { return now }
                usleep(5000)
            }
            return now
        }
    }

    private let channel: any Channel
    private let multiplexer: NIOHTTP2Handler.StreamMultiplexer

    private final class Watcher: ChannelInboundHandler, Sendable {
        typealias InboundIn = HTTP2Frame
        let protocolChosen: EventLoopPromise<String?>
        let closed = Mutex(false)
        init(_ promise: EventLoopPromise<String?>) { protocolChosen = promise }
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .handshakeCompleted(let chosen) = event as? TLSUserEvent { protocolChosen.succeed(chosen) }
            context.fireUserInboundEventTriggered(event)
        }
        let settled = Mutex(false)
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if case .settings(.settings) = unwrapInboundIn(data).payload { settled.withLock { $0 = true } }
        }
        func channelInactive(context: ChannelHandlerContext) {
            closed.withLock { $0 = true }
            protocolChosen.fail(ChannelError.eof)
            context.fireChannelInactive()
        }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
    private let watcher: Watcher

    struct NotChosen: Error { var what: String? }

    init(group: any EventLoopGroup, port: Int, context: NIOSSLContext, name: String) throws {
        let promise = group.next().makePromise(of: String?.self)
        let watcher = Watcher(promise)
        self.watcher = watcher
        channel = try ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let operations = channel.pipeline.syncOperations
                    try operations.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
                    var configuration = NIOHTTP2Handler.ConnectionConfiguration()
                    configuration.headerBlockValidation = .disabled
                    configuration.contentLengthValidation = .disabled
                    try operations.addHandler(
                        NIOHTTP2Handler(
                            mode: .client, eventLoop: channel.eventLoop, connectionConfiguration: configuration
                        ) { $0.close() })
                    try operations.addHandler(watcher)
                }
            }
            .connect(host: "127.0.0.1", port: port).wait()
        let chosen = try promise.futureResult.wait()
        guard chosen == "h2" else { throw NotChosen(what: chosen) }
        // Only then a client may know of extended CONNECT.
        for _ in 0..<2000 where !watcher.settled.withLock({ $0 }) { usleep(5000) }
        multiplexer = try channel.pipeline.handler(type: NIOHTTP2Handler.self).flatMap { $0.multiplexer }.wait()
    }

    /// Opens a stream with these fields; `body` nil: they end it, unless `open`.
    func request(_ fields: [(String, String)], body: [UInt8]? = nil, open: Bool = false) throws -> Stream {
        let stream = Stream()
        let made = channel.eventLoop.makePromise(of: (any Channel).self)
        multiplexer.createStreamChannel(promise: made) { $0.pipeline.addHandler(stream) }
        let channel = try made.futureResult.wait()
        stream.channel.withLock { $0 = channel }
        let head = HTTP2Frame.FramePayload.headers(.init(headers: HPACKHeaders(fields), endStream: body == nil && !open))
        channel.writeAndFlush(head, promise: nil)
        if let body { stream.send(body, end: !open) }
        return stream
    }

    func get(_ host: String, _ path: String, _ more: [(String, String)] = []) throws -> Stream {
        try request(Self.head("GET", host, path) + more)
    }

    static func head(_ method: String, _ host: String, _ path: String) -> [(String, String)] {
        [(":method", method), (":scheme", "https"), (":authority", host), (":path", path)]
    }

    /// Bytes below the framing, as they are.
    func raw(_ bytes: [UInt8]) {
        channel.pipeline.context(handlerType: NIOHTTP2Handler.self).whenSuccess {
            $0.writeAndFlush(NIOAny(ByteBuffer(bytes: bytes)), promise: nil)
        }
    }

    func close() { try? channel.close().wait() }
    var isClosed: Bool { watcher.closed.withLock { $0 } }
    func waitForClose() -> Bool {
        for _ in 0..<2000 {
            if isClosed { return true }
            usleep(5000)
        }
        return false
    }
}
