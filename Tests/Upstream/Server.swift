// The listening socket and its pipeline: TLS, HTTP/2 or HTTP/1.1 as the client likes, the handler.

import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL

struct Server {
    let authority: TestAuthority
    let script: Script
    let seen: SeenLog?

    func listen(on group: any EventLoopGroup, host: String, port: Int) -> EventLoopFuture<any Channel> {
        let tls = authority.tls
        let script = script
        let seen = seen
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    // On a stream the handler sees the same parts, and closes the stream where it would close a connection.
                    channel.configureCommonHTTPServerPipeline { stream in
                        stream.eventLoop.makeCompletedFuture {
                            try stream.pipeline.syncOperations.addHandler(ModelHandler(script: script, seen: seen))
                        }
                    }.whenFailure { _ in channel.close(promise: nil) }
                }
            }
            .bind(host: host, port: port)
    }
}
