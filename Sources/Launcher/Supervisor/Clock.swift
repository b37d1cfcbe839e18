// Clock: the two times the launcher uses, behind one type so that tests bring their own.

import Glibc

struct Clock: Sendable {
    /// Nanoseconds since 1970 (CLOCK_REALTIME), for records.
    var wall: @Sendable () -> Int64
    /// Milliseconds that only grow (CLOCK_BOOTTIME, which goes on in suspend), for deadlines and windows.
    var monotonic: @Sendable () -> Int64

    static let system = Clock(
        wall: { read(CLOCK_REALTIME) },
        monotonic: { read(CLOCK_BOOTTIME) / 1_000_000 })

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
