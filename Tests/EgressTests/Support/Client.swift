// Client: an agent's connection for tests: TLS with a name of its choice, or raw bytes, and what comes back as text.

import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

final class Client: Sendable {
    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let received = Mutex<[UInt8]>([])
        let closed = Mutex(false)
        let error = Mutex<String?>(nil)

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = Array(unwrapInboundIn(data).readableBytesView)
            received.withLock { $0 += bytes }
        }
        let ready = Mutex(false)
        let ended = Mutex(false)
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .handshakeCompleted = event as? TLSUserEvent { ready.withLock { $0 = true } }
            if case .inputClosed = event as? ChannelEvent { ended.withLock { $0 = true } }
        }
        func channelInactive(context: ChannelHandlerContext) { closed.withLock { $0 = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            self.error.withLock { $0 = String(describing: error) }
            context.close(promise: nil)
        }
    }

    private let collector = Collector()
    private let channel: any Channel

    /// - Parameters:
    ///   - tls: nil: no TLS at all.
    ///   - staysHalfOpen: the server's end of file does not end what is still to be sent.
    ///   - reads: false: takes nothing, until `read`.
    init(
        group: any EventLoopGroup, port: Int, tls: (context: NIOSSLContext, name: String?)?, staysHalfOpen: Bool = false,
        reads: Bool = true
    ) throws {
        let collector = collector
        channel = try ClientBootstrap(group: group)
            .channelOption(.allowRemoteHalfClosure, value: staysHalfOpen)
            .channelOption(.autoRead, value: reads)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls.context, serverHostname: tls.name))
                    }
                    try channel.pipeline.syncOperations.addHandler(collector)
                }
            }
            .connect(host: "127.0.0.1", port: port).wait()
    }

    /// Until the handshake is over, one way or the other. By then egress knows what was dialled.
    func waitForTLS() {
        for _ in 0..<2000 {
            if collector.ready.withLock({ $0 }) || isClosed { return }
            usleep(5000)
        }
    }

    func send(_ text: String) { send(Array(text.utf8)) }
    func send(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
    /// Sends no more, and still reads.
    func endOutput() { channel.close(mode: .output, promise: nil) }
    func read() { channel.setOption(.autoRead, value: true).whenSuccess { [channel] in channel.read() } }
    func close() { try? channel.close().wait() }

    var bytes: [UInt8] { collector.received.withLock { $0 } }
    var text: String { collector.received.withLock { String(decoding: $0, as: UTF8.self) } }
    var error: String? { collector.error.withLock { $0 } }
    var sawEnd: Bool { collector.ended.withLock { $0 } }
    var isClosed: Bool { collector.closed.withLock { $0 } }

    /// Waits for text that satisfies `found`; whatever came in the end.
    @discardableResult
    func wait(_ found: (String) -> Bool) -> String {
        for _ in 0..<2000 {
            if found(text) || isClosed { break }
            usleep(5000)
        }
        return text
    }

    /// Waits for the end of the connection.
    func waitForClose() -> Bool {
        for _ in 0..<2000 {
            if isClosed { return true }
            usleep(5000)
        }
        return false
    }
}
