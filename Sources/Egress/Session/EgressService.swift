// EgressService: puts the parts together on the event loop and follows the supervisor's orders.

import CEgress
import Events
import Metering
import NIOCore
import NIOPosix
import Policy
import Profile
import Providers
import Synchronization
import Vocabulary
import Wire

/// Where an agent's connection was dialled to. A test's sockets are not transparent and have a hook instead.
typealias DialledHook = @Sendable (any Channel) -> Dialled?

final class EgressService: Sendable {
    private let configuration: EgressConfiguration
    private let secrets: SecretStore
    private let spec: Spec
    private let authority: SessionAuthority
    private let inspector: Inspector
    private let prices: PriceBook
    private let listeners: Listeners
    private let loop: any EventLoop
    private let ended: EventLoopPromise<Int32>
    private let dialledHook: DialledHook?
    private let fenced: FencedLog
    private let hide: @Sendable () -> Int32
    /// Set once the link exists: the side thread reports through it.
    private let report = Mutex<(@Sendable (SideReport) -> Void)?>(nil)

    /// What the side thread has to say.
    enum SideReport: Sendable {
        case namesFull(HostName)
        case foreignServer(IPAddress)
        case packets([PacketFenced])
    }

    /// - Parameter hide: makes the process non-dumpable; not what a test wants for its own.
    init(
        start: EgressProcess.Start, loop: any EventLoop, ended: EventLoopPromise<Int32>, dialledHook: DialledHook?,
        hide: @escaping @Sendable () -> Int32 = { akios_egress_hide() }
    ) {
        self.hide = hide
        configuration = start.configuration
        secrets = start.secrets
        spec = start.spec
        authority = start.authority
        inspector = Inspector(engine: start.engine, mode: start.spec.pii.mode)
        prices = start.prices
        listeners = start.listeners
        self.loop = loop
        self.ended = ended
        self.dialledHook = dialledHook
        fenced = FencedLog()
    }

    /// Starts the side thread; returns when it will open no file any more.
    func startSideThread() throws -> SideThread {
        let names = NameService(
            onFull: { [weak self] name in self?.send(.namesFull(name)) },
            onForeignServer: { [weak self] address in self?.send(.foreignServer(address)) })
        let side = try SideThread(
            sockets: .init(udp4: listeners.udp4, udp6: listeners.udp6, packets: listeners.packets), names: names,
            onPacket: { [weak self] datagram in
                guard let self else { return }
                let records = fenced.take(datagram)
                if !records.isEmpty { send(.packets(records)) }
            })
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        let ready = loop.makePromise(of: Void.self)
        let servers = configuration.nameServers
        let ended = ended
        pool.submit { _ in
            side.run(servers: servers) { ready.succeed() }
            // On its own it ends only where poll(2) fails: no name is answered any more, so the session is over.
            if !side.hasEnded { ended.succeed(1) }
        }
        try ready.futureResult.wait()
        return side
    }

    private func send(_ report: SideReport) { self.report.withLock { $0 }?(report) }

    /// Builds the session. On the loop.
    func assemble(_ side: SideThread) throws -> Adopted {
        let loop = loop
        let policy = PolicyEngine(spec: spec)
        let link = SupervisorLink()
        let lookup: (HostName, @escaping LookupReply) -> Void = { name, reply in side.lookup(name, reply: reply) }
        let (secrets, range) = (secrets, configuration.proxyPassword)
        let password = { range.map { secrets.text($0) } ?? "" }
        let proxy = spec.network.upstreamProxy.map {
            ProxyRoad($0, password: password, hosts: configuration.hosts, loop: loop, lookup: lookup)
        }
        let routes = Routes(loop: loop, policy: policy, hosts: configuration.hosts, proxy: proxy, lookup: lookup)
        let dialer = Dialer(loop: loop, routes: routes, roots: configuration.hostRoots, trust: configuration.profileRoots)
        let preparer = RequestPreparer(
            policy: policy, inspector: inspector, prices: prices, budget: spec.budget,
            keys: try KeyRing(configuration.secrets, store: secrets))
        let session = Session(
            loop: loop, spec: spec, profileName: configuration.profileName, policy: policy, names: side.names, link: link,
            dialer: dialer,
            preparer: preparer, authority: authority)
        let bound = NIOLoopBound(session, eventLoop: loop)
        report.withLock {
            $0 = { report in
                loop.execute {
                    switch report {
                    case .namesFull(let name):
                        bound.value.journal.note(NameRefused(code: .nameLimit, name: RefusalWords.printable(name.text)))
                    case .foreignServer(let address):
                        bound.value.journal.note(
                            ConnectionRefused(
                                code: .rawAddress,
                                reason: "DNS to a server of the agent's choice: answered in the cage, nothing was sent",
                                host: nil, address: address.description, port: 53))
                    case .packets(let records): for record in records { bound.value.journal.note(record) }
                    }
                }
            }
        }
        return Adopted(
            session: bound, loop: loop, ended: ended, listeners: listeners, fenced: fenced, dialledHook: dialledHook, hide: hide)
    }
}

/// The session with its sockets.
struct Adopted: Sendable {
    let session: NIOLoopBound<Session>
    let loop: any EventLoop
    let ended: EventLoopPromise<Int32>
    let listeners: Listeners
    let fenced: FencedLog
    let dialledHook: DialledHook?
    let hide: @Sendable () -> Int32

    /// Takes the channel and the listeners into the loop. Listeners accept from `go` on, not before.
    func adopt(channel: Int32 = Inherited.channel) -> EventLoopFuture<Void> {
        let session = session
        let ended = ended
        return ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let link = session.value.link
                    link.onOrder = { order in follow(order) }
                    try channel.pipeline.syncOperations.addHandler(link)
                }
            }
            .withConnectedSocket(channel).map { _ in }
            .flatMapErrorThrowing { error in
                ended.fail(error)
                throw error
            }
    }

    /// Tells the supervisor that egress is locked in. On the loop.
    func greet() {
        session.value.link.send(.ready, now: true)
    }

    /// How long after `go` the roots are parsed. That takes the loop some milliseconds: not while the agent's start wants
    /// the processor, and not under the first request of any agent that takes longer than this to make one.
    private static let preparation = TimeAmount.milliseconds(15)

    private func prepareDialer() {
        let session = session
        let ended = ended
        loop.scheduleTask(in: Self.preparation) {
            do { try session.value.dialer.prepare() } catch {
                session.value.link.send(.fatal("the root certificates cannot be read: \(error)"), now: true)
                ended.succeed(1)
            }
        }
    }

    private func follow(_ order: SupervisorLink.Order) {
        switch order {
        case .go:
            // Not earlier: rootless, the supervisor could not enter our mount namespace to take the root away.
            guard hide() == 0 else {
                session.value.link.send(.fatal("egress cannot be made non-dumpable"), now: true)
                return ended.succeed(1)
            }
            listen()
            prepareDialer()
        case .stop(let why, let told): session.value.stop(why, told: told)
        case .finish:
            let session = session.value
            let ended = ended
            let fenced = fenced
            session.onFinished = {
                for record in fenced.rest() { session.journal.note(record) }
                session.link.close(last: [.totals(session.journal.totals)]) { ended.succeed(0) }
            }
            session.finish()
        case .lost:
            // Nobody admits any more: no byte leaves from here on.
            ended.succeed(1)
        }
    }

    private func listen() {
        let session = session
        let hook = dialledHook
        let web = ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 16_384, high: 32_768))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let dialled = hook?(channel) ?? Dialled(channel.localAddress) else {
                        throw ChannelError.inappropriateOperationForState
                    }
                    guard session.value.accepts(channel, dialled) else { throw ChannelError.operationUnsupported }
                    if let grant = session.value.raw(dialled) {
                        let relay = RawRelay(session: session.value, dialled: dialled, grant: grant)
                        try channel.pipeline.syncOperations.addHandler(relay.agentEnd)
                    } else {
                        try channel.pipeline.syncOperations.addHandler(FirstBytes(session: session.value, dialled: dialled))
                    }
                }
            }
        let dns = ServerBootstrap(group: loop)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let operations = channel.pipeline.syncOperations
                    guard let dialled = Dialled(channel.localAddress), session.value.accepts(channel, dialled) else {
                        throw ChannelError.operationUnsupported
                    }
                    session.value.names.asked(at: dialled.address)
                    try operations.addHandler(IdleStateHandler(allTimeout: .seconds(10)))
                    try operations.addHandler(DNSStreamHandler(names: session.value.names))
                }
            }
        for socket in [listeners.tcp4, listeners.tcp6] { start(web, socket) }
        for socket in [listeners.dns4, listeners.dns6] { start(dns, socket) }
    }

    private func start(_ bootstrap: ServerBootstrap, _ socket: Int32) {
        let session = session
        let ended = ended
        bootstrap.withBoundSocket(socket).whenFailure { error in
            session.value.link.send(.fatal("a listener could not be served: \(error)"), now: true)
            ended.succeed(1)
        }
    }
}
