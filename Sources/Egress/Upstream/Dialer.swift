// Dialer: from a granted name to a verified TLS connection. The address that policy saw is the address that is dialled:
// there is no second look-up between the check (Routes.swift) and the connect.

import NIOCore
import NIOPosix
import NIOSSL
import Policy
import Vocabulary

final class Dialer {
    typealias Done = (Result<any Upstream, UpstreamFailure>) -> Void
    private typealias Reached = (Result<Connected, UpstreamFailure>) -> Void

    static let connectLimit = TimeAmount.seconds(10)
    private static let mostRemembered = 1024
    private static let mostRounds = 10

    let loop: any EventLoop
    let routes: Routes
    let pool: UpstreamPool
    private let roots: [UInt8]
    private let trust: [String]
    private var certificates: [NIOSSLCertificate]?
    private var contexts: [Offer: NIOSSLContext] = [:]
    /// Requests that wait for a connection on its way, which may turn out to carry them too.
    private var waiting: [UpstreamKey: [Reached]] = [:]
    /// What a host was found to speak, when it was offered more.
    private var spoken: [UpstreamKey: Offer] = [:]
    /// Hosts that asked for a client certificate, by the name in the ClientHello.
    private var certificateAskers: Set<String> = []

    /// What a request needs of its connection.
    enum Wanted { case http1, http2, socket }

    /// The protocols offered (ALPN). An agent that speaks HTTP/1.1 is served by an upstream that does, so that nothing is
    /// lost in translation; one that speaks HTTP/2 by either.
    private enum Offer: Hashable {
        case http1, both
        /// HTTP/1.1 on a connection that nothing else uses.
        case socket
        var protocols: [String] { self == .both ? ["h2", "http/1.1"] : ["http/1.1"] }
    }

    init(loop: any EventLoop, routes: Routes, roots: [UInt8], trust: [String]) {
        self.loop = loop
        self.routes = routes
        self.roots = roots
        self.trust = trust
        pool = UpstreamPool(loop: loop)
    }

    /// Parses the root certificates: some milliseconds, so it is called between `go` and the first request. Again it does
    /// nothing.
    func prepare() throws { _ = try context(.http1) }

    private func context(_ offer: Offer) throws -> NIOSSLContext {
        let offer = offer == .socket ? .http1 : offer
        if let made = contexts[offer] { return made }
        var parsed = certificates ?? []
        if certificates == nil {
            for pem in [roots] + trust.map({ Array($0.utf8) }) where !pem.isEmpty {
                parsed += try NIOSSLCertificate.fromPEMBytes(pem)
            }
            certificates = parsed
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(parsed)
        configuration.certificateVerification = .fullVerification
        configuration.applicationProtocols = offer.protocols
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = .seconds(1)
        // Called for a CertificateRequest. There is none to show; who asked is remembered, for the words if it comes to nothing.
        let bound = NIOLoopBound(self, eventLoop: loop)
        configuration.sslContextCallback = { values, promise in
            bound.value.noteCertificateRequest(values.serverHostname)
            promise.succeed(.noChanges)
        }
        let made = try NIOSSLContext(configuration: configuration)
        contexts[offer] = made
        return made
    }

    private func noteCertificateRequest(_ name: String?) {
        if certificateAskers.count >= Self.mostRemembered { certificateAskers = [] }
        if let name { certificateAskers.insert(name) }
    }

    /// Whether the host's TLS asks for a client certificate. One that can do without goes on.
    func asksForCertificate(_ host: HostName) -> Bool { certificateAskers.contains(host.text) }

    /// A way to the granted host for one request.
    /// - Parameters:
    ///   - wants: what the agent speaks; a WebSocket gets a connection of its own.
    ///   - done: called exactly once, on the loop.
    func upstream(_ grant: ConnectionGrant, credential: String?, wants: Wanted, done: @escaping Done) {
        let key = UpstreamKey(
            name: grant.host, port: grant.dialPort, credential: credential, isProxied: routes.isProxied(grant))
        seek(grant, key, wants, round: 0, done)
    }

    /// - Parameter round: how often a shared connection had no place after all.
    private func seek(_ grant: ConnectionGrant, _ key: UpstreamKey, _ wants: Wanted, round: Int, _ done: @escaping Done) {
        let again: () -> Void = { [self] in
            guard round < Self.mostRounds else {
                let full = UpstreamFailure(code: .upstreamUnreachable, reason: "the host takes no more streams on this connection")
                return done(.failure(full))
            }
            seek(grant, key, wants, round: round + 1, done)
        }
        if wants == .socket { return reach(grant, key, .socket) { [self] in give($0, again, done) } }
        let known = spoken[key]
        let offer = wants == .http2 || known == .both ? Offer.both : .http1
        if offer == .both, let shared = pool.multiplex(key) { return open(shared, again, done) }
        if let idle = pool.take(key) { return done(.success(idle)) }
        // Many streams begin at once: they share the connection that the first one makes, if the host speaks HTTP/2.
        guard offer == .both, known != .http1 else { return reach(grant, key, offer) { [self] in give($0, again, done) } }
        if waiting[key] != nil {
            waiting[key]?.append { [self] in give($0, again, done) }
            return
        }
        waiting[key] = [{ [self] in give($0, again, done) }]
        reach(grant, key, offer) { [self] result in
            var others = waiting.removeValue(forKey: key) ?? []
            switch result {
            case .success(.single):
                remember(key, .http1)
                others.removeFirst()(result)
                // Each needs one of its own.
                for other in others { reach(grant, key, offer, done: other) }
            default: for other in others { other(result) }
            }
        }
    }

    private func remember(_ key: UpstreamKey, _ offer: Offer) {
        if spoken.count >= Self.mostRemembered { spoken = [:] }
        spoken[key] = offer
    }

    private func give(_ result: Result<Connected, UpstreamFailure>, _ again: @escaping () -> Void, _ done: @escaping Done) {
        switch result {
        case .success(.single(let connection)): done(.success(connection))
        case .success(.multiplex(let connection)): open(connection, again, done)
        case .failure(let failure): done(.failure(failure))
        }
    }

    /// - Parameter again: where the connection takes no more streams: nothing of the request was written.
    private func open(_ connection: UpstreamMultiplex, _ again: @escaping () -> Void, _ done: @escaping Done) {
        connection.open { stream in stream.map { done(.success($0)) } ?? again() }
    }

    // MARK: Connections

    private func reach(_ grant: ConnectionGrant, _ key: UpstreamKey, _ offer: Offer, done: @escaping Reached) {
        routes.find(grant) { [self] result in
            switch result {
            case .success(let route): dial(route, key, offer, done: done)
            case .failure(let failure): done(.failure(failure))
            }
        }
    }

    private func dial(_ route: Route, _ key: UpstreamKey, _ offer: Offer, done: @escaping Reached) {
        // An agent that is faster than the timer waits for the roots, once.
        let context: NIOSSLContext
        do { context = try self.context(offer) } catch {
            return done(.failure(UpstreamFailure(code: .upstreamUnreachable, reason: "no root certificates")))
        }
        let race = AddressRace<Connected>(
            route.addresses, loop: loop,
            attempt: { [self] in connect($0, route, key, context, isForSocket: offer == .socket, done: $1) },
            done: { [self] result in
                switch result {
                case .failure(let failure) where failure.refusesProtocols && offer == .http1:
                    // It speaks HTTP/2 alone, and has not got a byte of a request.
                    remember(key, .both)
                    dial(route, key, .both, done: done)
                case .success(.multiplex(let connection)):
                    pool.add(connection)
                    done(result)
                default: done(result)
                }
            })
        race.start()
    }

    /// One attempt; what is returned ends it early.
    private func connect(
        _ address: IPAddress, _ route: Route, _ key: UpstreamKey, _ context: NIOSSLContext, isForSocket: Bool,
        done: @escaping Reached
    ) -> () -> Void {
        var timeout: Scheduled<Void>?
        let handshake = UpstreamHandshake(key: key, road: route.road, pool: pool, isForSocket: isForSocket) { result in
            timeout?.cancel()
            done(result)
        }
        let target: SocketAddress
        let handlers: [any ChannelHandler]
        do {
            target = try SocketAddress(packedIPAddress: ByteBuffer(bytes: address.networkBytes), port: Int(route.port))
            handlers = try self.handlers(route, key, context) + [TightBuffers(), handshake]
        } catch {
            handshake.end(UpstreamFailure(error))
            return {}
        }
        let bound = NIOLoopBound(handlers, eventLoop: loop)
        let connecting = ClientBootstrap(group: loop)
            .connectTimeout(Self.connectLimit)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            // A read at a time: what comes after "no more" is at most one buffer.
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(bound.value)
                }
            }
            .connect(to: target).assumeIsolated()
        // A server that accepts and then says nothing must not hold the request for ever.
        let late = NIOLoopBound((handshake, connecting), eventLoop: loop)
        let end: (String) -> Void = { reason in
            let (handshake, connecting) = late.value
            handshake.end(UpstreamFailure(code: .upstreamUnreachable, reason: reason))
            connecting.whenSuccess { $0.close(promise: nil) }
        }
        let ending = NIOLoopBound(end, eventLoop: loop)
        timeout = loop.scheduleTask(in: Self.connectLimit) { ending.value("no TLS connection within 10 s") }
        let isProxied = route.proxy != nil
        connecting.whenFailure { handshake.end(isProxied ? .noProxy($0) : UpstreamFailure($0)) }
        return { end("another address was faster") }
    }

    /// What a connection's bytes go through until the host's TLS stands.
    private func handlers(_ route: Route, _ key: UpstreamKey, _ context: NIOSSLContext) throws -> [any ChannelHandler] {
        guard let proxy = route.proxy else { return [try NIOSSLClientHandler(context: context, serverHostname: key.name.text)] }
        let tunnel = proxy.tunnel(to: key.name, port: key.port, context: context)
        guard proxy.usesTLS else { return [tunnel] }
        return [try NIOSSLClientHandler(context: self.context(.http1), serverHostname: proxy.name), tunnel]
    }
}
