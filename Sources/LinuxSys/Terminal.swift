// Terminal: whose group has it.

import CLinux
import Glibc

public enum Terminal {
    /// Whether `fd` is this session's controlling terminal and this process' group has the foreground.
    public static func isForeground(_ fd: Int32 = 0) -> Bool { isatty(fd) == 1 && tcgetpgrp(fd) == getpgrp() }

    /// Makes `group` the foreground group, without stopping a caller that is in the background.
    public static func give(_ fd: Int32 = 0, to group: Int32) throws(SysError) {
        try syscall("tcsetpgrp") { akios_tcsetpgrp_quietly(fd, group) }
    }
}
