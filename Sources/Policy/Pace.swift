// Pace: what a session's rates have left, its own and its rules', and which hosts keep failing. A value that belongs to
// one session; times are nanoseconds of a clock that never goes back.

public import Profile
public import Vocabulary

public struct Pace: Sendable {
    /// Why a request has to wait, and for how long.
    struct Hold: Error {
        enum Cause {
            /// The key that is used up, of the session or of a rule.
            case rate(String)
            case circuit
        }
        let cause: Cause
        let nanoseconds: UInt64
    }

    private struct Meter: Sendable {
        let name: String
        var requests: PerMinute?
        var bytes: PerMinute?
        var bandwidth: TokenBucket?

        init(_ rates: NetworkAccess.Rates, name: String) {
            self.name = name
            requests = rates.requestsPerMinute.map { PerMinute(UInt64($0)) }
            bytes = rates.bytesPerMinute.map { PerMinute($0.bytes) }
            bandwidth = rates.bandwidth.map { TokenBucket(perSecond: $0.bytesPerSecond) }
        }

        mutating func request(at now: UInt64) -> Hold? {
            requests?.take(1, at: now).map { Hold(cause: .rate("\(name).requests_per_minute"), nanoseconds: $0) }
        }

        mutating func room(at now: UInt64) -> Hold? {
            guard let wait = bytes?.spend(0, at: now), wait > 0 else { return nil }
            return Hold(cause: .rate("\(name).bytes_per_minute"), nanoseconds: wait)
        }

        mutating func spend(_ count: UInt64, at now: UInt64) -> UInt64 {
            max(bytes?.spend(count, at: now) ?? 0, bandwidth?.spend(count, at: now) ?? 0)
        }
    }

    private var session: Meter
    private var rules: [String: Meter] = [:]
    private let breaker: NetworkAccess.Breaker?
    /// Of the hosts that were asked lately; an agent can make up names without end where a rule is for a whole domain.
    private var breakers: [HostName: CircuitBreaker] = [:]
    private static let mostBreakers = 1024
    var knownHosts: Int { breakers.count }

    public init(_ network: NetworkAccess) {
        session = Meter(network.limits.rates, name: "limits")
        breaker = network.limits.breaker
        for (index, rule) in network.allow.enumerated() where rule.rates != NetworkAccess.Rates() {
            let name = "allowlist[\(index)]"
            rules[name] = Meter(rule.rates, name: "\(name).limits")
        }
    }

    /// Every request counts, whatever becomes of it: asking for what is refused must not be free.
    mutating func arrived(at now: UInt64) -> Hold? { session.room(at: now) ?? session.request(at: now) }

    /// Before something granted goes on. The ticket is for `ended`.
    /// - Parameters:
    ///   - paced: the granting rules that have rates.
    ///   - host: nil: an address, which has no circuit breaker.
    mutating func start(_ paced: [String], host: HostName?, at now: UInt64) -> Result<CircuitBreaker.Ticket?, Hold> {
        for name in paced {
            if let hold = rules[name]?.room(at: now) ?? rules[name]?.request(at: now) { return .failure(hold) }
        }
        guard let breaker, let host else { return .success(nil) }
        if breakers.count >= Self.mostBreakers, breakers[host] == nil { forgetQuiet(at: now) }
        switch breakers[host, default: CircuitBreaker(breaker)].ask(at: now) {
        case .ask(let ticket): return .success(ticket)
        case .wait(let time): return .failure(Hold(cause: .circuit, nanoseconds: time))
        }
    }

    private mutating func forgetQuiet(at now: UInt64) {
        for name in breakers.keys where breakers[name]?.isQuiet(at: now) == true { breakers[name] = nil }
        // As many that fail at once are made up too.
        if breakers.count >= Self.mostBreakers { breakers = [:] }
    }

    /// Bytes of bodies that went either way, under rules with these rates. For so many nanoseconds no more may be read.
    public mutating func passed(_ count: Int, _ paced: [String], at now: UInt64) -> UInt64 {
        let count = UInt64(count)
        var wait = session.spend(count, at: now)
        for name in paced { wait = max(wait, rules[name]?.spend(count, at: now) ?? 0) }
        return wait
    }

    /// What became of a request that was let go on: once for each.
    public mutating func ended(_ ticket: CircuitBreaker.Ticket, host: HostName, _ outcome: CircuitBreaker.Outcome, at now: UInt64) {
        breakers[host]?.ended(ticket, outcome, at: now)
    }
}
