// SlidingCount: how much happened within the last span of time, in parts, so that its memory does not grow with the count.

/// Times are nanoseconds of a clock that never goes back; a time before the last one counts as the last one.
struct SlidingCount: Sendable, Hashable {
    private let width: UInt64
    private var parts: [UInt64]
    /// The number of the part that is being counted in, since the clock's zero.
    private var current: UInt64 = 0
    private(set) var total: UInt64 = 0

    /// Holds at least all of the last `span`, and at most one part more.
    init(span: UInt64, parts: Int) {
        width = max(1, (span + UInt64(parts) - 1) / UInt64(parts))
        self.parts = [UInt64](repeating: 0, count: parts + 1)
    }

    mutating func advance(to now: UInt64) {
        let number = now / width
        guard number > current else { return }
        for step in 0..<min(number - current, UInt64(parts.count)) {
            let place = Int((current + 1 + step) % UInt64(parts.count))
            total -= parts[place]
            parts[place] = 0
        }
        current = number
    }

    /// Adds at the time last advanced to. What no counter holds any more stays at the most it can hold.
    mutating func add(_ count: UInt64) {
        let added = min(count, UInt64.max - total)
        total += added
        parts[Int(current % UInt64(parts.count))] += added
    }

    /// From when on at least `count` of what is held now will be gone; nil: so much is not held.
    func time(toLose count: UInt64) -> UInt64? {
        guard count > 0 else { return 0 }
        var gone: UInt64 = 0
        let most = UInt64(parts.count)
        for age in (0..<most).reversed() where current >= age {
            gone += parts[Int((current - age) % most)]
            if gone >= count { return (current - age + most) * width }
        }
        return nil
    }

    mutating func clear() {
        total = 0
        for index in parts.indices { parts[index] = 0 }
    }
}
