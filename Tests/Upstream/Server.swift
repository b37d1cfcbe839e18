// The listening socket and its pipeline: TLS, HTTP/1.1, the handler.

import NIOCore
import NIOHTTP1
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
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: tls))
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(ModelHandler(script: script, seen: seen))
                }
            }
            .bind(host: host, port: port)
    }
}
