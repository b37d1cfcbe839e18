// ConnectProxy: a proxy on loopback that answers CONNECT as a test says and remembers what it was asked.

import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

final class ConnectProxy: Sendable {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let server: any Channel
    private let heads: Head

    /// What every connection of it shares.
    private final class Head: Sendable {
        let seen = Mutex<[String]>([])
        let answer: Mutex<String>
        let target = Mutex(0)
        init(_ answer: String) { self.answer = Mutex(answer) }
    }

    static let yes = "HTTP/1.1 200 Connection established\r\n\r\n"

    /// - Parameters:
    ///   - answer: written as it is; where it begins with a 200, bytes go to `target` from then on.
    ///   - tls: nil: it is asked in clear.
    init(answer: String = ConnectProxy.yes, tls: NIOSSLContext? = nil) throws {
        let heads = Head(answer)
        self.heads = heads
        server = try ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.addHandler(Door(heads))
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
    }

    var port: Int { server.localAddress?.port ?? 0 }
    /// Where tunnels lead, whatever host was asked for.
    func lead(to port: UInt16) { heads.target.withLock { $0 = Int(port) } }
    func answer(_ text: String) { heads.answer.withLock { $0 = text } }
    /// The heads of the CONNECTs that came.
    var asked: [String] { heads.seen.withLock { $0 } }

    func end() {
        try? server.close().wait()
        try? group.syncShutdownGracefully()
    }

    private final class Door: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let heads: Head
        private var text = ""
        private var other: (any Channel)?
        private var early: [ByteBuffer] = []
        private var isOpen = false

        init(_ heads: Head) { self.heads = heads }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            if isOpen {
                guard let other else { return early.append(bytes) }
                return other.writeAndFlush(bytes, promise: nil)
            }
            text += String(buffer: bytes)
            guard text.hasSuffix("\r\n\r\n") else { return }
            let head = text
            heads.seen.withLock { $0.append(head) }
            isOpen = true
            let answer = heads.answer.withLock { $0 }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            if answer.hasPrefix("HTTP/1.1 2") { join(context) }
        }

        private func join(_ context: ChannelHandlerContext) {
            let bound = NIOLoopBound((self, context.channel), eventLoop: context.eventLoop)
            ClientBootstrap(group: context.eventLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Back(bound.value.1))
                    }
                }
                .connect(host: "127.0.0.1", port: heads.target.withLock { $0 })
                .whenSuccess { channel in
                    let door = bound.value.0
                    door.other = channel
                    for bytes in door.early { channel.writeAndFlush(bytes, promise: nil) }
                    door.early = []
                }
        }

        func channelInactive(context: ChannelHandlerContext) { other?.close(promise: nil) }
    }

    private final class Back: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let front: any Channel
        init(_ front: any Channel) { self.front = front }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            front.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }
        func channelInactive(context: ChannelHandlerContext) { front.close(promise: nil) }
    }
}
