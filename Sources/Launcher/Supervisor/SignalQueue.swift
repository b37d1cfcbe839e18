// SignalQueue: the signals the supervisor lives with, read from a descriptor in its poll loop. No handler ever
// runs, so no code here has to be async-signal-safe.

import CLinux
import Glibc
import LinuxSys

struct SignalQueue: ~Copyable {
    let fd: OwnedFD

    /// INT, QUIT and TSTP arrive only when the terminal sends them to our group while the agent's group is not in
    /// front; they are the agent's, and are passed on. TERM and HUP ask us to end.
    static let numbers: [Int32] = [SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH, SIGUSR1, SIGUSR2]

    /// Blocks the signals first: a child that is cloned later must reset its mask.
    init() throws(SysError) {
        // A writer that ignores a closed pipe reads EPIPE; dying of it would leave the agent without a supervisor.
        try syscall("sigaction") { akios_ignore_signal(SIGPIPE) }
        // A size limit of the caller's must show as a full log, not as our death.
        try syscall("sigaction") { akios_ignore_signal(SIGXFSZ) }
        // Written to from a background group, the terminal would stop us.
        try syscall("sigaction") { akios_ignore_signal(SIGTTOU) }
        // Blocked, even an ignored signal arrives: what nohup(1) keeps from us stays unblocked.
        let ignored = Surroundings.ignoredSignals
        let numbers = Self.numbers.filter { $0 != SIGHUP || ignored >> UInt64(SIGHUP - 1) & 1 == 0 }
        fd = OwnedFD(owning: try syscall("signalfd") { akios_signalfd(numbers, Int32(numbers.count)) })
    }

    /// The first waiting signal that asks a program to end, as it does before the agent runs; others are of no use then.
    borrowing func ending() throws(SysError) -> Int32? {
        while let signal = try next() {
            if [SIGTERM, SIGHUP, SIGINT, SIGQUIT].contains(signal) { return signal }
        }
        return nil
    }

    borrowing func next() throws(SysError) -> Int32? {
        let number = fd.raw
        let signal = try syscall("read", on: "signalfd") { akios_signalfd_next(number) }
        return signal == 0 ? nil : signal
    }
}
