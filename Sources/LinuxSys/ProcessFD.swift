// ProcessFD: processes by descriptor, so that a number used twice never means a stranger.

import CLinux
import Glibc

/// How a process ended.
public enum ProcessEnd: Sendable, Hashable {
    case exited(Int32)
    case signalled(Int32)
}

public enum ProcessFD {
    /// ESRCH when it has ended.
    public static func signal(_ process: borrowing OwnedFD, _ number: Int32) throws(SysError) {
        let fd = process.raw
        try syscall("pidfd_send_signal") { akios_pidfd_send_signal(fd, number) }
    }

    /// Waits for a child's end and collects it.
    public static func wait(_ process: borrowing OwnedFD) throws(SysError) -> ProcessEnd {
        let fd = process.raw
        var code: Int32 = 0
        var status: Int32 = 0
        try syscall("waitid") { akios_pidfd_wait(fd, WEXITED, &code, &status) }
        return code == 1 /* CLD_EXITED */ ? .exited(status) : .signalled(status)
    }
}

/// Whether this process' memory may be read by others with its ids (PR_SET_DUMPABLE). Without it nobody, itself
/// included, opens what belongs to its children below /proc: write their id maps first.
public func setDumpable(_ on: Bool) throws(SysError) {
    try syscall("prctl") { akios_set_dumpable(on ? 1 : 0) }
}
