// Request: the one decision about a request, on all that is known when its head is complete. In this order: who is spoken
// to, how much has been asked already, what the rules say, what the granting rules demand, how fast they may be used.

import Profile
import Providers
public import Vocabulary

extension PolicyEngine {
    /// - Parameters:
    ///   - standing: the connection's decision.
    ///   - pace: what the session's limits have left; this request counts.
    ///   - now: nanoseconds of a clock that never goes back.
    public func request(
        _ facts: RequestFacts, on standing: Decision<ConnectionGrant>, pace: inout Pace, at now: UInt64
    ) -> Decision<RequestGrant> {
        guard facts.connection.isTLS else { return .deny(plain(facts)) }
        return standing.then { connection in
            let words = words(connection.host.text)
            guard facts.names(connection.host, port: connection.port) else {
                return .deny(
                    words.refusal(
                        .identityMismatch,
                        reason: "Host does not name \(connection.host) port \(connection.port), which was dialled",
                        what: "the Host header is not the host of this connection"))
            }
            guard facts.connections <= Int(spec.network.limits.connections) else {
                return .throttle(crowded(words), after: 5_000_000_000)
            }
            // One on each connection is served whatever other connections do.
            guard facts.beside == 0 || facts.underWay < Self.requestsAtOnce(spec.network.limits) else {
                return .throttle(
                    words.refusal(
                        .rateLimited, reason: "limits.connections, as requests", what: "too many requests at once",
                        rule: "limits.connections"),
                    after: 5_000_000_000)
            }
            if let hold = pace.arrived(at: now) { return throttled(hold, words) }
            let asked = AskedRequest(
                host: connection.host, port: connection.port, method: facts.method, carrier: facts.carrier, path: facts.path)
            let decision = rules(asked).then { grant in keys(grant, facts.keys, words) }
                .then { grant in conditions(of: grant, facts, words) }
            var grant: RequestGrant
            let question: Refusal?
            switch decision {
            case .allow(let plain): (grant, question) = (plain, nil)
            case .ask(let asked, let refusal): (grant, question) = (asked, refusal)
            case .deny, .throttle: return decision
            }
            switch pace.start(grant.paced, host: connection.host, at: now) {
            case .success(let ticket):
                grant.ticket = ticket
                return question.map { .ask(grant, $0) } ?? .allow(grant)
            case .failure(let hold): return throttled(hold, words)
            }
        }
    }

    /// Where HTTP/2 carries several on a connection: each may wait for an agent that does not take its answer, and costs memory.
    static func requestsAtOnce(_ limits: NetworkAccess.Limits) -> Int { Int(limits.connections) * 3 / 4 }

    private func plain(_ facts: RequestFacts) -> Refusal {
        let named = facts.authorities.first.flatMap { Authority($0)?.host.text } ?? facts.connection.shown
        return words(named).refusal(
            .plainHTTP, reason: "plain HTTP to port \(facts.connection.port)", what: "plain HTTP is not allowed, use https")
    }

    /// What the rules that grant it demand beyond host, method and path.
    private func conditions(of grant: RequestGrant, _ facts: RequestFacts, _ words: RefusalWords) -> Decision<RequestGrant> {
        if facts.hasBody {
            let types = facts.contentTypes.map(Self.essence)
            let fits = grant.contentTypes.allSatisfy { ranges in
                !types.isEmpty && facts.contentTypes.allSatisfy { !$0.utf8.contains(UInt8(ascii: ",")) }
                    && types.allSatisfy { type in ranges.contains { Self.contains($0, type) } }
            }
            guard fits else {
                let shown = types.isEmpty ? "no content type" : "the content type \(RefusalWords.printable(types[0]))"
                return .deny(
                    words.refusal(
                        .contentTypeNotAllowed, reason: "content_types: \(shown)", what: "\(shown) is not allowed here",
                        rule: grant.rule))
            }
        }
        if let size = facts.size, size > grant.bodyLimit {
            return .deny(
                words.refusal(
                    .tooLarge, reason: "a body of \(size) bytes, at most \(grant.bodyLimit)",
                    what: "the request body is too large", rule: grant.rule))
        }
        return approval(of: grant, method: facts.method, words)
    }

    /// The table of mode and risk (man page, APPROVALS).
    private func approval(of grant: RequestGrant, method: String, _ words: RefusalWords) -> Decision<RequestGrant> {
        let isRead = ["GET", "HEAD", "OPTIONS"].contains(method) || grant.operation != nil
        if spec.approvals.mode == .explore, !isRead || grant.risk == .high {
            return .deny(
                words.refusal(
                    .methodNotAllowed, reason: "approvals.mode is explore",
                    what: "only reading is allowed in this session", rule: "approvals.mode"))
        }
        let isRisky = spec.approvals.mode == .ask && (spec.approvals.askAt.map { grant.risk >= $0 } ?? false)
        guard grant.needsApproval || isRisky else { return .allow(grant) }
        return .ask(
            grant,
            words.refusal(
                .approvalNeeded, reason: grant.needsApproval ? "approval: ask" : "risk \(grant.risk.rawValue)",
                what: "this request needs approval, and nobody could be asked", rule: grant.rule))
    }

    func crowded(_ words: RefusalWords) -> Refusal {
        words.refusal(.rateLimited, reason: "limits.connections", what: "too many connections at once", rule: "limits.connections")
    }

    func throttled<Grant>(_ hold: Pace.Hold, _ words: RefusalWords) -> Decision<Grant> {
        let seconds = hold.nanoseconds / 1_000_000_000 + 1
        let refusal =
            switch hold.cause {
            case .rate(let key):
                words.refusal(.rateLimited, reason: key, what: "too many requests, try again in \(seconds) s", rule: key)
            case .circuit:
                words.refusal(
                    .circuitOpen, reason: "limits.circuit_breaker: the host keeps failing",
                    what: "the host keeps failing, try again in \(seconds) s", rule: "limits.circuit_breaker")
            }
        return .throttle(refusal, after: hold.nanoseconds)
    }

    /// `type/subtype` in lower case, without parameters.
    private static func essence(_ header: String) -> String {
        header.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
    }

    private static func contains(_ range: String, _ type: String) -> Bool {
        range == type || range == "*/*" || (range.hasSuffix("/*") && type.hasPrefix(range.dropLast()))
    }
}
