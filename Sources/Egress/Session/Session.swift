// Session: what all connections of one run share. Lives on the event loop and is touched nowhere else.

import Events
import NIOCore
import NIOHTTP1
import NIOSSL
import Policy
import Profile
import Providers
import Vocabulary
import Wire

final class Session {
    let loop: any EventLoop
    let spec: Spec
    let profileName: String
    let policy: PolicyEngine
    let names: NameService
    let link: SupervisorLink
    let dialer: Dialer
    let preparer: RequestPreparer
    let journal: Journal
    let seal = RequestSeal()
    private var contexts: LeafContexts
    private(set) var stopped: Refusal?
    private var isFinishing = false
    /// Agent connections, so that a stop reaches each of them.
    private(set) var connections: [ObjectIdentifier: any AgentConnection] = [:]
    let room: Room
    /// Sockets of the agent, spoken on or not.
    private let sockets: Allowance
    private var pace: Pace
    private var sweep: Scheduled<Void>?
    /// Called once, when nothing is open any more after `finish`.
    var onFinished: (() -> Void)?

    init(
        loop: any EventLoop, spec: Spec, profileName: String, policy: PolicyEngine, names: NameService, link: SupervisorLink,
        dialer: Dialer, preparer: RequestPreparer, authority: SessionAuthority
    ) {
        self.loop = loop
        self.spec = spec
        self.profileName = profileName
        self.policy = policy
        self.names = names
        self.link = link
        self.dialer = dialer
        self.preparer = preparer
        journal = Journal(link: link, loop: loop)
        contexts = LeafContexts(authority: authority)
        // Some over the limit are kept open to be told so.
        sockets = Allowance(most: 64 + 2 * Int(spec.network.limits.connections))
        room = Room(spec.network.limits)
        pace = Pace(spec.network)
    }

    func judge(_ dialled: Dialled, spoken: HostName?, isTLS: Bool) -> Peer {
        Peer.judge(dialled, name: names.name(for: dialled.address), spoken: spoken, isTLS: isTLS, policy: policy)
    }

    /// What a `tcp` rule grants of a connection that has not spoken yet; nil: nothing does, and its first bytes tell what it is.
    func raw(_ dialled: Dialled) -> RawGrant? {
        let facts = ConnectionFacts(
            address: dialled.address, port: dialled.port, name: names.name(for: dialled.address), spoken: nil, isTLS: false)
        return policy.tcp(facts)?.grant
    }

    /// Whether an unread connection may begin. Asked once for each, and counts it.
    func begin(_ grant: RawGrant) -> Decision<RawGrant> {
        if let stopped { return .deny(stopped) }
        return policy.begin(grant, connections: connections.count, pace: &pace, at: NIODeadline.now().uptimeNanoseconds)
    }

    func words(_ host: String) -> RefusalWords { RefusalWords(host: host, profile: profileName) }

    func context(for leaf: LeafSubject) throws -> NIOSSLContext { try contexts.context(for: leaf) }

    /// The decision about a request. Asked once a request, and counts it.
    /// - Parameter beside: other requests that are under way on its connection.
    func decide(_ head: RequestHead, from peer: Peer, beside: Int) -> Decision<RequestGrant> {
        if let stopped { return .deny(stopped) }
        let host = peer.standing.grant?.host
        let facts = RequestFacts(
            connection: peer.facts, authorities: head.headers["host"], method: head.ruleMethod, carrier: head.method,
            path: head.path,
            contentTypes: head.headers["content-type"],
            hasBody: head.webSocket == nil && head.hasBody && head.contentLength != 0,
            size: head.contentLength.map { UInt64($0) }, connections: connections.count,
            underWay: room.exchanges, beside: beside,
            keys: host.map { preparer.keys.facts(head, host: $0) } ?? KeyFacts())
        let decision = policy.request(facts, on: peer.standing, pace: &pace, at: NIODeadline.now().uptimeNanoseconds)
        switch decision {
        case .allow(let grant), .ask(let grant, _): if let host { preparer.keys.pin(grant.key, host: host) }
        case .deny, .throttle: break
        }
        return decision
    }

    /// After bytes of a body went either way, under rules with these rates: for how long no more may be read.
    func passed(_ count: Int, _ paced: [String]) -> TimeAmount? {
        let wait = pace.passed(count, paced, at: NIODeadline.now().uptimeNanoseconds)
        // Looked at again at least every ten seconds: other exchanges use the same rates.
        return wait == 0 ? nil : .nanoseconds(Int64(min(wait, 10_000_000_000)))
    }

    /// What became of a request that was let go on.
    func ended(_ ticket: CircuitBreaker.Ticket, host: HostName, _ outcome: CircuitBreaker.Outcome) {
        pace.ended(ticket, host: host, outcome, at: NIODeadline.now().uptimeNanoseconds)
    }

    var limits: NetworkAccess.Limits { spec.network.limits }
    var idleLimit: TimeAmount { limits.idleTimeout.amount }

    /// Has exchanges looked at until none is under way: one timer for all, because most end long before any deadline.
    func watch() {
        guard sweep == nil else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        let shortest = min(limits.idleTimeout, limits.requestTimeout).milliseconds
        sweep = loop.scheduleTask(in: .milliseconds(Int64(max(20, min(15_000, shortest / 4))))) { bound.value.endLate() }
    }

    private func endLate() {
        sweep = nil
        let now = NIODeadline.now()
        var isBusy = false
        for connection in connections.values where connection.checkDeadlines(at: now) { isBusy = true }
        if isBusy { watch() }
    }

    /// Whether one more connection is taken. Egress' memory is the host's, not the cage's: beyond what can be explained to,
    /// connections are closed unread.
    func accepts(_ channel: any Channel, _ dialled: Dialled) -> Bool {
        guard sockets.take(1) else {
            journal.refused(
                ConnectionRefused(
                    code: .rateLimited, reason: "limits.connections, more than twice over", host: nil,
                    address: dialled.address.description, port: dialled.port))
            return false
        }
        let bound = NIOLoopBound(sockets, eventLoop: loop)
        channel.closeFuture.whenComplete { _ in bound.value.give(1) }
        return true
    }

    func opened(_ connection: any AgentConnection) { connections[ObjectIdentifier(connection)] = connection }

    func closed(_ connection: any AgentConnection) {
        connections[ObjectIdentifier(connection)] = nil
        checkFinished()
    }

    /// From here on no byte leaves: what is open is ended, what comes is refused with `why`.
    func stop(_ why: Refusal.Code, told: String) {
        guard stopped == nil else { return }
        let refusal = Refusal(why, reason: "the session was stopped", told: told)
        stopped = refusal
        for connection in connections.values { connection.stop(refusal) }
        dialer.pool.closeAll()
    }

    /// The agent is gone: what is open is settled, then `onFinished`.
    func finish() {
        guard !isFinishing else { return }
        isFinishing = true
        let words = "akios-exec: the session is over"
        if stopped == nil { stopped = Refusal(.stopping, reason: "the session is over", told: words) }
        for connection in connections.values { connection.sessionEnds() }
        // An answer that is being drained for its usage gets a moment, not for ever.
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: .seconds(2)) { bound.value.end() }
        checkFinished()
    }

    private func checkFinished() {
        if isFinishing, connections.isEmpty { end() }
    }

    private func end() {
        let done = onFinished
        onFinished = nil
        sweep?.cancel()
        for connection in connections.values { connection.abort() }
        dialer.pool.closeAll()
        done?()
    }
}

extension TimeSpan {
    /// At most a year, so that no deadline overflows.
    var amount: TimeAmount { .milliseconds(Int64(min(milliseconds, 31_536_000_000))) }
}
