// RateLimiter: at most so many requests in any minute, for network_access.limits.requests_per_minute.

/// A sliding minute over a clock that is passed in. Exact: it keeps the times of the last `perMinute` requests.
public struct RateLimiter: Sendable {
    private let perMinute: Int
    private var times: [UInt64] = []
    private var first = 0

    /// - Parameter perMinute: 0 lets nothing through.
    public init(perMinute: UInt32) { self.perMinute = Int(perMinute) }

    /// nil: go ahead (and it counts). Else the time in milliseconds from which on it may be asked again; `.max`: never.
    public mutating func take(at now: UInt64) -> UInt64? {
        guard perMinute > 0 else { return .max }
        if times.count < perMinute {
            times.append(now)
            return nil
        }
        let free = times[first] + 60_000
        guard free <= now else { return free }
        times[first] = now
        first = (first + 1) % perMinute
        return nil
    }
}
