// SocketNotices: what the cage's socket filter asks about. There is one answer, EPERM, so that reading is refusing.

import CLinux

/// A call that no profile of the session lets pass, by the numbers the agent gave.
public struct RefusedSocket: Sendable, Hashable {
    /// `socketpair` instead of `socket`.
    public var pair: Bool
    public var family: UInt32
    /// Without SOCK_CLOEXEC and SOCK_NONBLOCK.
    public var type: UInt32
    public var proto: UInt32

    public init(pair: Bool = false, family: UInt32, type: UInt32, proto: UInt32) {
        self.pair = pair
        self.family = family
        self.type = type
        self.proto = proto
    }
}

public enum SocketNotices {
    /// Refuses the next call that waits for its answer; nil if none waits. Never blocks.
    /// - Throws: EPIPE once nobody is left who could call.
    public static func refuseNext(on listener: borrowing OwnedFD) throws(SysError) -> RefusedSocket? {
        let number = listener.raw
        var call = akios_refused()
        let count = try syscall("ioctl", on: "socket filter") { akios_refuse_next(number, &call) }
        guard count > 0 else { return nil }
        // SOCK_CLOEXEC and SOCK_NONBLOCK change nothing about what was asked for.
        return RefusedSocket(
            pair: call.pair != 0, family: call.family, type: call.type & ~0o2004000, proto: call.protocol)
    }
}
