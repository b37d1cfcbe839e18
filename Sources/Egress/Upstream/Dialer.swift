// Dialer: from a granted name to a verified TLS connection. The address that policy saw is the address that is dialled:
// there is no second look-up between the check and the connect.

import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Policy
import Vocabulary

final class Dialer {
    typealias Done = (Result<UpstreamConnection, UpstreamFailure>) -> Void

    private static let connectLimit = TimeAmount.seconds(10)
    private static let mostAddresses = 3

    private let loop: any EventLoop
    private let policy: PolicyEngine
    private let hosts: [HostName: [IPAddress]]
    private let lookup: (HostName, @escaping LookupReply) -> Void
    let pool: UpstreamPool
    private let roots: [UInt8]
    private let trust: [String]
    private var context: NIOSSLContext?

    init(
        loop: any EventLoop, policy: PolicyEngine, hosts: [HostName: [IPAddress]], roots: [UInt8], trust: [String],
        lookup: @escaping (HostName, @escaping LookupReply) -> Void
    ) {
        self.loop = loop
        self.policy = policy
        self.hosts = hosts
        self.roots = roots
        self.trust = trust
        self.lookup = lookup
        pool = UpstreamPool(loop: loop)
    }

    /// Parses the root certificates: some milliseconds, so it is called between `go` and the first request. Again it does
    /// nothing.
    func prepare() throws {
        guard context == nil else { return }
        var certificates: [NIOSSLCertificate] = []
        for pem in [roots] + trust.map({ Array($0.utf8) }) where !pem.isEmpty {
            certificates += try NIOSSLCertificate.fromPEMBytes(pem)
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(certificates)
        configuration.certificateVerification = .fullVerification
        configuration.applicationProtocols = ["http/1.1"]
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = .seconds(1)
        context = try NIOSSLContext(configuration: configuration)
    }

    /// `done` is called exactly once, on the loop.
    func connection(_ grant: ConnectionGrant, credential: String?, done: @escaping Done) {
        let key = UpstreamKey(name: grant.host, port: grant.dialPort, credential: credential)
        if let idle = pool.take(key) { return done(.success(idle)) }
        if let resolved = grant.resolved { return dial([resolved], key, done: done) }
        if let known = hosts[grant.host] { return dial(known, key, done: done) }
        let bound = NIOLoopBound((self, done), eventLoop: loop)
        let loop = loop
        lookup(grant.host) { result in
            loop.execute {
                let (dialer, done) = bound.value
                switch result {
                case .success(let addresses): dialer.dial(addresses, key, done: done)
                case .failure(let failure):
                    done(.failure(UpstreamFailure(code: .resolveFailed, reason: "\(key.name): \(failure)")))
                }
            }
        }
    }

    private func dial(_ addresses: [IPAddress], _ key: UpstreamKey, done: @escaping Done) {
        var allowed: [IPAddress] = []
        var refusal: Refusal?
        for address in addresses {
            switch policy.dial(address, host: key.name) {
            case .allow(let checked): allowed.append(checked)
            case .deny(let why): refusal = refusal ?? why
            }
        }
        guard !allowed.isEmpty else {
            let none = UpstreamFailure(code: .resolveFailed, reason: "\(key.name) has no address")
            return done(.failure(refusal.map { UpstreamFailure(code: $0.code, reason: $0.reason) } ?? none))
        }
        attempt(allowed.prefix(Self.mostAddresses)[...], key, done: done)
    }

    /// Tries the addresses in turn; the last failure is the answer.
    private func attempt(_ addresses: ArraySlice<IPAddress>, _ key: UpstreamKey, done: @escaping Done) {
        // An agent that is faster than the timer waits for the roots, once.
        do { try prepare() } catch {
            return done(.failure(UpstreamFailure(code: .upstreamUnreachable, reason: "no root certificates")))
        }
        guard let address = addresses.first, let context else {
            return done(.failure(UpstreamFailure(code: .upstreamUnreachable, reason: "not ready to dial")))
        }
        let rest = addresses.dropFirst()
        connect(address, key, context) { [self] result in
            switch result {
            case .failure(let failure) where failure.code == .upstreamUnreachable && !rest.isEmpty: attempt(rest, key, done: done)
            default: done(result)
            }
        }
    }

    private func connect(_ address: IPAddress, _ key: UpstreamKey, _ context: NIOSSLContext, done: @escaping Done) {
        var isDone = false
        var timeout: Scheduled<Void>?
        var opened: UpstreamConnection?
        let finish: Done = { result in
            guard !isDone else { return }
            isDone = true
            timeout?.cancel()
            done(result)
        }
        let connection = UpstreamConnection(key: key, address: address) { result in
            finish(
                result.flatMap {
                    opened.map { .success($0) } ?? .failure(UpstreamFailure(code: .upstreamUnreachable, reason: "gone"))
                })
        }
        opened = connection
        connection.pool = pool
        let target: SocketAddress
        do {
            target = try SocketAddress(packedIPAddress: ByteBuffer(bytes: address.networkBytes), port: Int(key.port))
        } catch {
            return finish(.failure(UpstreamFailure(error)))
        }
        let bound = NIOLoopBound(connection, eventLoop: loop)
        let name = key.name.text
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(Self.connectLimit)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let operations = channel.pipeline.syncOperations
                    try operations.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
                    try operations.addHandler(WriteJoiner())
                    try operations.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
                    try operations.addHandler(bound.value)
                }
            }
        // A server that accepts and then says nothing must not hold the request for ever.
        let late = NIOLoopBound((finish, connection), eventLoop: loop)
        timeout = loop.scheduleTask(in: Self.connectLimit) {
            let (finish, connection) = late.value
            finish(.failure(UpstreamFailure(code: .upstreamUnreachable, reason: "no TLS connection within 10 s")))
            connection.abandon()
        }
        bootstrap.connect(to: target).assumeIsolated().whenFailure { finish(.failure(UpstreamFailure($0))) }
    }
}
