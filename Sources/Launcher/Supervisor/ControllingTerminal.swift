// ControllingTerminal: who is in front on the controlling terminal. Quiet by design: without a terminal nothing here does anything.

import CLinux
import Glibc

enum ControllingTerminal {
    /// The controlling terminal, if one of the standard streams is it.
    private static var descriptor: Int32? { [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO].first { tcgetpgrp($0) > 0 } }

    static var isThere: Bool { descriptor != nil }

    /// A person reads and writes here: neither end is a pipe, and the keyboard is that of our own terminal.
    static var isInteractive: Bool { tcgetpgrp(STDIN_FILENO) > 0 && isatty(STDOUT_FILENO) == 1 }

    static var weAreInFront: Bool { descriptor.map { tcgetpgrp($0) == getpgrp() } ?? false }

    static func give(to group: Int32?) {
        guard let group, let descriptor else { return }
        _ = akios_tcsetpgrp_quietly(descriptor, group)
    }

    /// Our group again in front, if the agent's still is: a job that ran behind must not take the shell's terminal.
    static func takeBack(from group: Int32?) {
        guard let descriptor, let group, tcgetpgrp(descriptor) == group else { return }
        _ = akios_tcsetpgrp_quietly(descriptor, getpgrp())
    }

    /// Whether a stop on TTIN or TTOU may be answered by giving the terminal: our job is the one in front.
    static func isInFront(_ group: Int32?) -> Bool {
        guard let descriptor else { return false }
        let front = tcgetpgrp(descriptor)
        return front == getpgrp() || front == group
    }
}
