// Moment: the two clocks a log needs, read together. What takes a Moment reads no clock, so tests bring their own.

public import Events
import Glibc

public struct Moment: Sendable, Hashable {
    /// What records say.
    public var wall: Timestamp
    /// Nanoseconds that only grow, for deadlines.
    public var monotonic: Int64

    public init(wall: Timestamp, monotonic: Int64) {
        self.wall = wall
        self.monotonic = monotonic
    }

    public static var now: Moment { Moment(wall: Timestamp(nanoseconds: read(CLOCK_REALTIME)), monotonic: read(CLOCK_BOOTTIME)) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension SessionID {
    /// A new id for a session that starts at `start`, with bits of the kernel's generator.
    public static func fresh(at start: Timestamp) -> SessionID {
        var generator = SystemRandomNumberGenerator()
        return SessionID(at: start, random: generator.next())
    }
}
