// RawDecision: connections whose bytes nobody reads. A rule has to ask for one by name, and whatever could only be held by
// reading takes it away: denials, approvals, a provider's meter.

import Profile
import Providers
public import Vocabulary

/// A connection that goes on unread, and where it leads.
public struct RawGrant: Sendable, Hashable {
    public enum Way: String, Sendable, Hashable { case tcp, passthrough }
    public enum Target: Sendable, Hashable {
        /// - Parameter resolved: the address that the profile itself gives: look up nothing.
        case name(HostName, resolved: IPAddress?)
        case address(IPAddress)
        /// The host's own loopback.
        case localhost

        public var shown: String {
            switch self {
            case .name(let name, _): name.text
            case .address(let address): address.description
            case .localhost: "localhost"
            }
        }
    }

    public let way: Way
    public let target: Target
    /// As the agent dialled it.
    public let port: UInt16
    /// To dial: the profile's, else the one asked for.
    public let dialPort: UInt16
    /// The granting rules for the log.
    public let rule: String
    /// The rules that have rates of their own.
    public let paced: [String]
    /// What the host's circuit breaker wants to hear the outcome of.
    public var ticket: CircuitBreaker.Ticket?

    /// The way to a name, to be looked up and checked as every other's; nil: `addresses` are it.
    public var connection: ConnectionGrant? {
        guard case .name(let host, let resolved) = target else { return nil }
        return ConnectionGrant(host: host, port: port, unread: nil, provider: nil, resolved: resolved, dialPort: dialPort)
    }

    /// What the rule itself names, and no rule can name what must never be dialled (`Endpoint.Place`).
    public var addresses: [IPAddress] {
        switch target {
        case .name: []
        case .address(let address): [address]
        case .localhost: NetworkAccess.Endpoint.Place.own
        }
    }
}

extension PolicyEngine {
    /// What a `tcp` rule says of a connection, before its first byte; nil: no such rule is for it.
    public func tcp(_ facts: ConnectionFacts) -> Decision<RawGrant>? {
        let place: NetworkAccess.Endpoint.Place
        if let name = facts.name {
            place = .name(name)
        } else if NetworkAccess.Endpoint.Place.own.contains(facts.address) {
            place = .localhost
        } else {
            place = .address(facts.address)
        }
        guard let index = spec.network.tcp.firstIndex(where: { $0.place == place && $0.port == facts.port }) else { return nil }
        let rule = "tcp[\(index)]"
        var target = RawGrant.Target.localhost
        var port = facts.port
        switch place {
        case .localhost:
            if let refusal = HostName("localhost").flatMap({ unreadable($0, port: port) }) { return .deny(refusal) }
        case .address(let address): target = .address(address)
        case .name(let name):
            if let refusal = unreadable(name, port: port) { return .deny(refusal) }
            if let preset = preset(name) ?? (port == 443 ? family(of: name) : nil) {
                return .deny(
                    words(name.text).refusal(
                        .unpricedOperation, reason: "\(rule): \(preset.id) is metered, and raw bytes cannot be",
                        what: "this host is not allowed unread", rule: rule))
            }
            let resolution = spec.network.resolve[name]
            target = .name(name, resolved: resolution?.address)
            port = resolution?.port ?? port
        }
        if let refusal = unasked(risk: .medium, needsApproval: false, at: target.shown, rule: rule) { return .deny(refusal) }
        return .allow(RawGrant(way: .tcp, target: target, port: facts.port, dialPort: port, rule: rule, paced: []))
    }

    /// What the rules for a host and port say of TLS that is passed through. nil: it is read. Unread TLS cannot be held to a
    /// path, so every rule has to ask for it, and a denial or the meter of a provider takes it away.
    func passthrough(
        _ facts: ConnectionFacts, host: HostName, rules: [CompiledRule], isDenied: Bool, isMetered: Bool
    ) -> Decision<RawGrant>? {
        guard !rules.isEmpty, !isDenied, rules.allSatisfy({ $0.rule.tls == .passthrough }) else { return nil }
        let isPriced = preset(host) != nil || family(of: host) != nil
        guard !isPriced || (!isMetered && rules.allSatisfy(\.rule.unmeteredAllowed)) else { return nil }
        let rule = rules.map(\.name).joined(separator: ",")
        if facts.isTLS, facts.spoken == nil {
            return .deny(
                words(host.text).refusal(
                    .identityMismatch, reason: "\(rule): passed through, and the TLS handshake names no host",
                    what: "the TLS handshake has to name the host (SNI)", rule: rule))
        }
        let risk = rules.map(\.rule.risk).max() ?? .medium
        if let refusal = unasked(
            risk: risk, needsApproval: rules.contains(where: \.rule.needsApproval), at: host.text, rule: rule)
        {
            return .deny(refusal)
        }
        let resolution = spec.network.resolve[host]
        return .allow(
            RawGrant(
                way: .passthrough, target: .name(host, resolved: resolution?.address), port: facts.port,
                dialPort: resolution?.port ?? facts.port, rule: rule,
                paced: rules.filter { $0.rule.rates != NetworkAccess.Rates() }.map(\.name)))
    }

    /// Whether a granted connection may begin now. Asked once a connection, and counts it as a request.
    /// - Parameters:
    ///   - connections: of the agent's that are open, this one included.
    ///   - now: nanoseconds of a clock that never goes back.
    public func begin(_ grant: RawGrant, connections: Int, pace: inout Pace, at now: UInt64) -> Decision<RawGrant> {
        let words = words(grant.target.shown)
        guard connections <= Int(spec.network.limits.connections) else { return .throttle(crowded(words), after: 5_000_000_000) }
        if let hold = pace.arrived(at: now) { return throttled(hold, words) }
        var host: HostName?
        if case .name(let name, _) = grant.target { host = name }
        switch pace.start(grant.paced, host: host, at: now) {
        case .success(let ticket):
            var grant = grant
            grant.ticket = ticket
            return .allow(grant)
        case .failure(let hold): return throttled(hold, words)
        }
    }

    /// A denial that covers any part of a host's port: nobody could tell that part from the rest.
    private func unreadable(_ host: HostName, port: UInt16) -> Refusal? {
        guard let rule = deny.rules(for: host).flatMap(\.rules).first(where: { $0.covers(port: port) }) else { return nil }
        return words(host.text).refusal(
            .hostDenied, reason: "\(rule.name) denies something of \(host), and raw bytes cannot be held to it",
            what: "this host is denied", rule: rule.name)
    }

    /// The table of mode and risk, for what cannot be asked about request by request: what would be asked is refused.
    private func unasked(risk: NetworkAccess.Risk, needsApproval: Bool, at host: String, rule: String) -> Refusal? {
        if spec.approvals.mode == .explore {
            return words(host).refusal(
                .methodNotAllowed, reason: "approvals.mode is explore, and nobody could see that this only reads",
                what: "only reading is allowed in this session", rule: "approvals.mode")
        }
        let isRisky = spec.approvals.mode == .ask && (spec.approvals.askAt.map { risk >= $0 } ?? false)
        guard needsApproval || isRisky else { return nil }
        return words(host).refusal(
            .approvalNeeded,
            reason: (needsApproval ? "approval: ask" : "risk \(risk.rawValue)") + ", and nobody could see what is approved",
            what: "requests to this host need approval, so its connections cannot go unread", rule: rule)
    }
}
