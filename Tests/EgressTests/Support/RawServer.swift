// RawServer: a TCP server that speaks no protocol: it may greet, it remembers, and it answers what a test says.

import NIOCore
import NIOPosix
import Synchronization
import Vocabulary

final class RawServer: Sendable {
    struct Seen {
        var connections = 0
        var bytes = 0
        var text = ""
        var ended = 0
        /// Ended without an end of file: reset.
        var broken = 0
    }

    private let seen = Mutex(Seen())
    private let channel: any Channel
    private let accepted = Mutex<[any Channel]>([])
    let port: UInt16

    /// - Parameters:
    ///   - greeting: said before the client has said a word.
    ///   - echoes: sends back what comes, as it comes.
    ///   - farewell: so many bytes after the client's end, and then its own end.
    ///   - reads: false: takes nothing, until `read`.
    init(group: any EventLoopGroup, greeting: String = "", echoes: Bool = false, farewell: Int = 0, reads: Bool = true) throws {
        let box = Box()
        channel = try ServerBootstrap(group: group)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: reads)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let server = box.server.withLock { $0 }
                    server?.accepted.withLock { $0.append(channel) }
                    try channel.pipeline.syncOperations.addHandler(
                        Handler(server: server, greeting: greeting, echoes: echoes, farewell: farewell))
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        port = UInt16(clamping: channel.localAddress?.port ?? 0)
        box.server.withLock { $0 = self }
    }

    var now: Seen { seen.withLock { $0 } }
    func change(_ body: (inout Seen) -> Void) { seen.withLock { body(&$0) } }
    func read() {
        for channel in accepted.withLock({ $0 }) { channel.setOption(.autoRead, value: true).whenSuccess { channel.read() } }
    }
    func say(_ bytes: [UInt8]) {
        for channel in accepted.withLock({ $0 }) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
    }
    /// Says no more, and still reads.
    func endOutput() throws { for channel in accepted.withLock({ $0 }) { try channel.close(mode: .output).wait() } }
    func reset() { for channel in accepted.withLock({ $0 }) { channel.close(promise: nil) } }

    private final class Box: Sendable { let server = Mutex<RawServer?>(nil) }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let server: RawServer?
        private let greeting: String
        private let echoes: Bool
        private let farewell: Int
        private var hasEnded = false
        private var isOutputClosed = false
        private var isBroken = false

        init(server: RawServer?, greeting: String, echoes: Bool, farewell: Int) {
            (self.server, self.greeting, self.echoes, self.farewell) = (server, greeting, echoes, farewell)
        }

        func channelActive(context: ChannelHandlerContext) {
            server?.change { $0.connections += 1 }
            if !greeting.isEmpty { context.writeAndFlush(NIOAny(ByteBuffer(string: greeting)), promise: nil) }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            server?.change {
                $0.bytes += bytes.readableBytes
                if $0.text.utf8.count < 1024 { $0.text += String(buffer: bytes) }
            }
            if echoes { context.writeAndFlush(NIOAny(bytes), promise: nil) }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .outputClosed = event as? ChannelEvent { isOutputClosed = true }
            guard case .inputClosed = event as? ChannelEvent else { return }
            hasEnded = true
            server?.change { $0.ended += 1 }
            let last = ByteBuffer(repeating: 0x78, count: farewell)
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.writeAndFlush(NIOAny(last)).assumeIsolated().whenComplete { _ in bound.value.close(promise: nil) }
        }

        func channelInactive(context: ChannelHandlerContext) {
            guard !hasEnded else { return }
            // After our own end the client's closes the channel, and no other event says so.
            if isOutputClosed, !isBroken { server?.change { $0.ended += 1 } } else { server?.change { $0.broken += 1 } }
        }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            isBroken = true
            context.close(promise: nil)
        }
    }
}
