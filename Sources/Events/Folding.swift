// Folding: makes few records of many alike. The first of a kind is told at once, those that follow are counted and told
// together, each time after twice the time, so that a flood makes a number and not a long log. Pure.

public struct Folding<Kind: Hashable & Sendable>: Sendable {
    /// How many of what kind; no kind: those that came when there were too many kinds to tell apart.
    public struct Told: Sendable {
        public var kind: Kind?
        public var count: UInt64
    }

    /// Nanoseconds until what was counted is told; doubled with each telling.
    public static var firstQuiet: UInt64 { 5_000_000_000 }

    private struct Counter {
        var count: UInt64 = 0
        var next: UInt64
        var quiet = Folding.firstQuiet
    }

    private let mostKinds: Int
    private var counters: [Kind?: Counter] = [:]

    public init(mostKinds: Int) { self.mostKinds = mostKinds }

    /// Counts one of `kind` and returns what is to be told now. `now` in nanoseconds of a clock that does not go back.
    public mutating func take(_ kind: Kind, at now: UInt64) -> Told? {
        let key: Kind? = counters[kind] != nil || counters.count < mostKinds ? kind : nil
        guard var counter = counters[key] else {
            counters[key] = Counter(next: Self.later(now, Self.firstQuiet))
            return Told(kind: key, count: 1)
        }
        counter.count += 1
        defer { counters[key] = counter }
        guard now >= counter.next else { return nil }
        let told = Told(kind: key, count: counter.count)
        counter.count = 0
        counter.quiet = Self.later(counter.quiet, counter.quiet)
        counter.next = Self.later(now, counter.quiet)
        return told
    }

    /// What was counted and not told; at the end. Nothing is left then.
    public mutating func rest() -> [Told] {
        defer { counters = [:] }
        return counters.filter { $0.value.count > 0 }.map { Told(kind: $0.key, count: $0.value.count) }
    }

    private static func later(_ time: UInt64, _ span: UInt64) -> UInt64 {
        let (sum, overflow) = time.addingReportingOverflow(span)
        return overflow ? .max : sum
    }
}
