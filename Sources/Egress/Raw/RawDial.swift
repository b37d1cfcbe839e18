// RawDial: from a granted raw endpoint to a TCP connection: looked up, checked and raced as every other, without TLS.

import NIOCore
import NIOPosix
import Policy
import Vocabulary

/// A connection that nobody reads from yet.
struct RawUpstream: Contender {
    let channel: any Channel
    func abandon() { channel.close(promise: nil) }
}

extension Dialer {
    typealias RawDone = (Result<RawUpstream, UpstreamFailure>) -> Void

    /// - Parameter done: called exactly once, on the loop.
    func raw(_ grant: RawGrant, done: @escaping RawDone) {
        guard let connection = grant.connection else { return race(grant.addresses, port: grant.dialPort, done) }
        // The proxy is asked for TLS with a host that this side verifies; what leaves unread does not leave by it.
        guard !routes.isProxied(connection) else {
            let reason =
                "upstream_proxy is the way to \(connection.host), and it is not taken unread: name the host in its 'except'"
            return done(.failure(UpstreamFailure(code: .upstreamProxy, reason: reason)))
        }
        routes.find(connection) { [self] result in
            switch result {
            case .success(let route): race(route.addresses, port: route.port, done)
            case .failure(let failure): done(.failure(failure))
            }
        }
    }

    private func race(_ addresses: [IPAddress], port: UInt16, _ done: @escaping RawDone) {
        AddressRace<RawUpstream>(
            addresses, loop: loop, attempt: { [self] in connect($0, port: port, done: $1) }, done: done
        ).start()
    }

    /// One attempt; what is returned ends it early.
    private func connect(_ address: IPAddress, port: UInt16, done: @escaping RawDone) -> () -> Void {
        let target: SocketAddress
        do {
            target = try SocketAddress(packedIPAddress: ByteBuffer(bytes: address.networkBytes), port: Int(port))
        } catch {
            done(.failure(UpstreamFailure(error)))
            return {}
        }
        let connecting = ClientBootstrap(group: loop)
            .connectTimeout(Self.connectLimit)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: .init(low: 65_536, high: 262_144))
            // Nothing may be read, or its end noticed, before somebody listens.
            .channelOption(.autoRead, value: false)
            // Once the host has said its end, NIO reads all that came before it, however slow the agent is: no more than this.
            .channelOption(.socketOption(.so_rcvbuf), value: 262_144)
            .connect(to: target).assumeIsolated()
        connecting.whenComplete { result in
            done(result.map { RawUpstream(channel: $0) }.mapError { UpstreamFailure($0) })
        }
        return { connecting.whenSuccess { $0.close(promise: nil) } }
    }
}
