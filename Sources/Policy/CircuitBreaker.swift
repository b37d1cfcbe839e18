// CircuitBreaker: whether a host that keeps failing is asked at all. Closed: asked. Open: not asked for a while. Half-open:
// one request goes as a probe, and its end decides. A state machine without a clock: times are passed in, nanoseconds.

public import Profile
import Vocabulary

public struct CircuitBreaker: Sendable {
    /// Given with a yes, and back with what became of the request: exactly once.
    public struct Ticket: Sendable, Hashable { fileprivate let round: UInt64 }

    public enum Answer: Sendable, Hashable {
        case ask(Ticket)
        /// The host is not to be asked for so many nanoseconds.
        case wait(UInt64)
    }

    public enum Outcome: Sendable, Hashable {
        case answered, failed
        /// Nothing is known: the agent went away, or the session ended.
        case unknown
    }

    private enum State {
        case closed
        case open(until: UInt64)
        /// `probe`: one is under way, and is given up at that time.
        case halfOpen(probe: UInt64?)
    }

    private let settings: NetworkAccess.Breaker
    private var state = State.closed
    /// Changes with the state: what was asked before tells nothing about now.
    private var round: UInt64 = 0
    private var inARow: UInt32 = 0
    private var failed: SlidingCount
    private var answered: SlidingCount

    public init(_ settings: NetworkAccess.Breaker) {
        self.settings = settings
        let window = Self.nanoseconds(settings.window.milliseconds)
        failed = SlidingCount(span: window, parts: 10)
        answered = SlidingCount(span: window, parts: 10)
    }

    public mutating func ask(at now: UInt64) -> Answer {
        switch state {
        case .closed: return .ask(Ticket(round: round))
        case .open(let until):
            guard now >= until else { return .wait(until - now) }
            return probe(at: now)
        case .halfOpen(let until?) where now < until: return .wait(until - now)
        case .halfOpen: return probe(at: now)
        }
    }

    /// Nothing has failed within the window, and nothing is held against the host.
    mutating func isQuiet(at now: UInt64) -> Bool {
        guard case .closed = state else { return false }
        failed.advance(to: now)
        return failed.total == 0
    }

    private mutating func probe(at now: UInt64) -> Answer {
        enter(.halfOpen(probe: now.addingClamped(openFor)))
        return .ask(Ticket(round: round))
    }

    public mutating func ended(_ ticket: Ticket, _ outcome: Outcome, at now: UInt64) {
        guard ticket.round == round else { return }
        switch (state, outcome) {
        case (.open, _): break
        case (.halfOpen, .answered): close()
        case (.halfOpen, .failed): open(at: now)
        case (.halfOpen, .unknown): enter(.halfOpen(probe: nil))
        case (.closed, .unknown): break
        case (.closed, .answered):
            inARow = 0
            count(&answered, at: now)
        case (.closed, .failed):
            inARow += 1
            count(&failed, at: now)
            if inARow >= settings.failures || isBurning(at: now) { open(at: now) }
        }
    }

    /// Whether so large a share of so many requests failed within the window.
    private mutating func isBurning(at now: UInt64) -> Bool {
        answered.advance(to: now)
        let all = failed.total + answered.total
        return all >= UInt64(settings.requests) && failed.total * 100 >= all * UInt64(settings.percent)
    }

    private func count(_ counter: inout SlidingCount, at now: UInt64) {
        counter.advance(to: now)
        counter.add(1)
    }

    private mutating func enter(_ next: State) {
        state = next
        round += 1
    }

    private mutating func open(at now: UInt64) { enter(.open(until: now.addingClamped(openFor))) }

    private mutating func close() {
        enter(.closed)
        inARow = 0
        failed.clear()
        answered.clear()
    }

    private var openFor: UInt64 { Self.nanoseconds(settings.open.milliseconds) }
    private static func nanoseconds(_ milliseconds: UInt64) -> UInt64 { min(milliseconds, 86_400_000) * 1_000_000 }
}

extension UInt64 {
    func addingClamped(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
