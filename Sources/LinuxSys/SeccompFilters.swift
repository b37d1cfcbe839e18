// SeccompFilters: the three filters of a session. The agent's comes from the profile; init's and egress' are fixed,
// because each of them is one program of ours.

import Glibc

/// The agent's filter: a list of what passes. What is known and not in it gets EPERM; what is unknown, and the newer
/// calls whose arguments no filter can see, get ENOSYS.
public struct AgentFilter: Sendable, Hashable {
    public enum Base: String, Sendable, Hashable, CaseIterable { case strict, standard }

    public var base: Base
    /// Names or `@group` that a profile adds and takes away; taking away wins.
    public var allow: [String]
    public var deny: [String]
    /// Whether `socket(AF_UNIX)` exists. `socketpair` always does.
    public var unixSockets: Bool
    /// Whether `memfd_create` exists: false where the kernel cannot forbid to execute such memory (before 6.3).
    public var memoryFiles: Bool
    /// Tier `contained`: every `connect` asks the supervisor, and nothing else may carry a destination.
    public var capturesConnect: Bool

    public init(
        base: Base, allow: [String] = [], deny: [String] = [], unixSockets: Bool = false, memoryFiles: Bool = true,
        capturesConnect: Bool = false
    ) {
        self.base = base
        self.allow = allow
        self.deny = deny
        self.unixSockets = unixSockets
        self.memoryFiles = memoryFiles
        self.capturesConnect = capturesConnect
    }

    /// The names that pass, whatever their arguments must be; sorted.
    public func granted(by tables: SyscallTables) throws(SeccompError) -> [String] {
        var names = Set<String>()
        for word in base == .strict ? tables.strict : tables.standard { names.formUnion(try tables.expand(word)) }
        let forbidden = tables.ungrantable
        for word in allow {
            for name in try tables.expand(word) {
                if forbidden.contains(name) { throw .neverGranted(name) }
                _ = try SyscallNumber(name: name)
                names.insert(name)
            }
        }
        for word in deny {
            for name in try tables.expand(word) {
                _ = try SyscallNumber(name: name)
                names.remove(name)
            }
        }
        if !memoryFiles { names.subtract(["memfd_create", "memfd_secret"]) }
        return names.sorted()
    }

    /// The filter as `struct sock_filter` bytes. Equal values give equal bytes.
    public func program(_ tables: SyscallTables) throws(SeccompError) -> [UInt8] { try program(tables, judgedElsewhere: []) }

    /// - Parameter judgedElsewhere: calls whose arguments another filter of the same process tests.
    func program(_ tables: SyscallTables, judgedElsewhere: [String]) throws(SeccompError) -> [UInt8] {
        var rules: [SyscallRule] = []
        for name in try granted(by: tables) {
            if name == "connect" && capturesConnect {
                rules.append(SyscallRule(name: name, action: .notify))
            } else {
                let tests = judgedElsewhere.contains(name) ? nil : AgentArguments.alternatives(name, self)
                rules.append(SyscallRule(name: name, alternatives: tests ?? []))
            }
        }
        for name in tables.groups["@absent"] ?? [] { rules.append(SyscallRule(name: name, action: .errno(ENOSYS))) }
        return try SeccompProgram.compile(rules, refusing: AgentArguments.terminalInjection)
    }
}

/// The filter of pid 1 after it has started the agent: it waits, forwards signals, hands the terminal over and reports.
public enum InitFilter {
    private static let calls = [
        "read", "readv", "write", "writev", "recvmsg", "sendmsg", "recvfrom", "sendto", "close", "poll", "ppoll", "epoll_wait",
        "epoll_pwait",
        "wait4", "waitid", "kill", "tgkill", "pidfd_send_signal", "setpgid", "getpgid", "getpid", "gettid",
        "rt_sigreturn", "rt_sigaction", "rt_sigprocmask", "rt_sigtimedwait", "rt_sigsuspend", "rt_sigpending", "sigaltstack",
        "pause",
        "clock_gettime", "clock_nanosleep", "nanosleep", "restart_syscall", "exit", "exit_group",
    ]

    public static func program() throws(SeccompError) -> [UInt8] {
        let terminal: [[ArgumentTest]] = [0x540F, 0x5410].map { [.int(1, is: $0)] }  // TIOCGPGRP, TIOCSPGRP
        return try SeccompProgram.compile(
            calls.map { SyscallRule(name: $0) } + [SyscallRule(name: "ioctl", alternatives: terminal)])
    }
}

/// The filter of the proxy once it holds all it will ever need: sockets, memory, clocks and threads. It opens no
/// file, starts no program, gets no executable memory and binds no address: `listen` is for the sockets it was given.
public enum EgressFilter {
    private static let calls = [
        // Connections.
        "connect", "accept", "accept4", "listen", "getsockname", "getpeername", "getsockopt", "setsockopt", "shutdown",
        "read", "readv", "write", "writev", "recvfrom", "recvmsg", "recvmmsg", "sendto", "sendmsg", "sendmmsg", "close", "fcntl",
        "fstat", "lseek",
        // Waiting.
        "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "eventfd2",
        "timerfd_create", "timerfd_settime", "timerfd_gettime",
        // Memory; mmap and mprotect stand below.
        "brk", "munmap", "mremap", "madvise",
        // Threads and time.
        "futex", "set_robust_list", "rseq", "set_tid_address", "sched_yield", "sched_getaffinity", "gettid", "getpid", "tgkill",
        "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "restart_syscall",
        "rt_sigreturn", "rt_sigaction", "rt_sigprocmask", "sigaltstack", "getrandom", "getuid", "geteuid", "getgid", "getegid",
        "sysinfo", "uname", "exit", "exit_group",
    ]

    /// Load it with ``SECCOMP_FILTER_FLAG_TSYNC``: threads that exist already must have it too.
    public static func program() throws(SeccompError) -> [UInt8] {
        let threadFlags: UInt32 = 0x0001_0000 | 0x0000_0800 | 0x0000_0100  // THREAD, SIGHAND, VM
        let executable: UInt32 = 4
        let sockets: [[ArgumentTest]] = [AgentArguments.Family.inet, AgentArguments.Family.inet6].flatMap { family in
            [(1, 0), (1, 6), (2, 0), (2, 17)].map { type, number in
                [.int(0, is: family), .bits(0xF, of: 1, are: type), .int(2, is: number)]
            }
        }
        let limited = [
            SyscallRule(name: "socket", alternatives: sockets),
            SyscallRule(name: "mmap", alternatives: [[.bits(executable, of: 2)]]),
            SyscallRule(name: "mprotect", alternatives: [[.bits(executable, of: 2)]]),
            SyscallRule(
                name: "clone", alternatives: [[.bits(threadFlags | AgentArguments.namespaceFlags, of: 0, are: threadFlags)]]),
            // The C library takes ENOSYS for "use clone", whose flags a filter can read.
            SyscallRule(name: "clone3", action: .errno(ENOSYS)),
            // Names of threads and of memory; and to hide from core dumps, which waits for the supervisor's `go` (see Egress).
            SyscallRule(
                name: "prctl",
                alternatives: [[.int(0, is: 15)], [.int(0, is: 16)], [.int(0, is: 0x5356_4D41)], [.int(0, is: 4), .int(1, is: 0)]]),
            // To read a limit; the fourth argument's pointer cannot be told from a null one otherwise.
            SyscallRule(name: "prlimit64", alternatives: [[ArgumentTest(index: 2, mask: .max, value: 0)]]),
            SyscallRule(name: "getrlimit"),
        ]
        return try SeccompProgram.compile(calls.map { SyscallRule(name: $0) } + limited)
    }
}
