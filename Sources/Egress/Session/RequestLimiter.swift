// RequestLimiter: `limits.requests_per_minute` against the loop's clock.

import Metering
import NIOCore

struct RequestLimiter {
    private var limiter: RateLimiter?

    init(perMinute: UInt32?) { limiter = perMinute.map { RateLimiter(perMinute: $0) } }

    /// nil: go on; else how many seconds to wait.
    mutating func take(at now: NIODeadline) -> UInt32? {
        let milliseconds = now.uptimeNanoseconds / 1_000_000
        guard let free = limiter?.take(at: milliseconds) else { return nil }
        return UInt32(clamping: free == .max ? 60 : (free - milliseconds + 999) / 1000)
    }
}
