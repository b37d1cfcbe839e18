// Rates: how fast something may go: so much in any minute, and a token bucket for bytes a second. Integers only, and the
// time is passed in: nanoseconds of a clock that never goes back.

/// At most so many in any minute: requests, or bytes. Counts by the second, so it may hold back up to a second too long,
/// and never lets one too many through.
public struct PerMinute: Sendable, Hashable {
    private let most: UInt64
    private var recent = SlidingCount(span: 60_000_000_000, parts: 60)

    public init(_ most: UInt64) { self.most = most }

    /// nil: go ahead, and it counts. Else the nanoseconds to wait before asking again; `.max`: so much never fits.
    public mutating func take(_ count: UInt64, at now: UInt64) -> UInt64? {
        recent.advance(to: now)
        guard count <= most else { return .max }
        let room = most - min(most, recent.total)
        guard count > room else {
            recent.add(count)
            return nil
        }
        return wait(toLose: recent.total - (most - count), at: now)
    }

    /// Counts what has happened already. The nanoseconds until there is room for one more; 0: there is.
    public mutating func spend(_ count: UInt64, at now: UInt64) -> UInt64 {
        recent.advance(to: now)
        recent.add(count)
        guard recent.total >= most else { return 0 }
        return most == 0 ? .max : wait(toLose: recent.total - most + 1, at: now)
    }

    private func wait(toLose count: UInt64, at now: UInt64) -> UInt64 {
        guard let free = recent.time(toLose: count) else { return .max }
        return free > now ? free - now : 0
    }
}

/// Bytes a second. What was read is passed on and paid for afterwards: the bucket may be in debt by one read, and says for
/// how long nothing more may be read.
public struct TokenBucket: Sendable, Hashable {
    private static let second: UInt128 = 1_000_000_000
    private let perSecond: UInt64
    private let burst: Int64
    private var level: Int64
    /// Billionths of a token that are earned and not yet one.
    private var rest: UInt128 = 0
    private var last: UInt64?

    /// Full at first. - Parameter burst: what may go at once after a pause; nil: a quarter of a second's.
    public init(perSecond: UInt64, burst: UInt64? = nil) {
        self.perSecond = perSecond
        self.burst = Int64(clamping: max(1, burst ?? perSecond / 4))
        level = self.burst
    }

    /// The nanoseconds for which nothing more may go; 0: go on. `.max`: for ever.
    public mutating func spend(_ count: UInt64, at now: UInt64) -> UInt64 {
        refill(at: now)
        let (left, overflow) = level.subtractingReportingOverflow(Int64(clamping: count))
        level = overflow ? .min : left
        guard level < 0 else { return 0 }
        guard perSecond > 0 else { return .max }
        let owed = UInt128(level.magnitude) * Self.second - min(rest, Self.second - 1)
        return UInt64(clamping: (owed + UInt128(perSecond) - 1) / UInt128(perSecond))
    }

    private mutating func refill(at now: UInt64) {
        let since = last ?? now
        last = max(since, now)
        guard now > since, level < burst else { return }
        let earned = UInt128(now - since) * UInt128(perSecond) + rest
        let whole = Int64(clamping: earned / Self.second)
        let (sum, overflow) = level.addingReportingOverflow(whole)
        if overflow || sum >= burst {
            (level, rest) = (burst, 0)
        } else {
            (level, rest) = (sum, earned % Self.second)
        }
    }
}
