// SeccompArguments: which arguments a granted call may carry in a cage. Every table is a list of what passes;
// the rest gets EPERM. Constants are the kernel's, written out where they differ between no architectures we build for.

enum AgentArguments {
    /// Alternatives for a call, or nil when any arguments will do.
    static func alternatives(_ name: String, _ options: AgentFilter) -> [[ArgumentTest]]? {
        switch name {
        case "clone": [[.bits(namespaceFlags, of: 0)]]
        case "chmod", "fchmod", "creat", "mkdir", "mknod": [[.bits(setIDBits, of: 1)]]
        case "fchmodat", "fchmodat2", "mkdirat", "mknodat": [[.bits(setIDBits, of: 2)]]
        // The mode is read only when a file may be made; otherwise it is whatever the register held.
        case "open": [[.bits(creating, of: 1)], [.bits(setIDBits, of: 2)]]
        case "openat": [[.bits(creating, of: 2)], [.bits(setIDBits, of: 3)]]
        case "socket": sockets(options)
        case "socketpair": [[.int(0, is: Family.unix)]]
        case "prctl": prctlOptions.map { [.int(0, is: $0)] }
        case "personality": personalities.map { [.int(0, is: $0)] }
        // A fast-open carries its destination past `connect`, which is what asks the supervisor there.
        case "sendto" where options.capturesConnect: [[.bits(fastOpen, of: 3)]]
        case "sendmsg" where options.capturesConnect: [[.bits(fastOpen, of: 2)]]
        case "sendmmsg" where options.capturesConnect: [[.bits(fastOpen, of: 3)]]
        default: nil
        }
    }

    /// NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. NEWTIME is clone3's alone: its bit is a signal number here.
    static let namespaceFlags: UInt32 = 0x7E02_0000
    /// S_ISUID and S_ISGID: a file made through an id-mapped mount belongs to the owner on disk, so that a set-id
    /// program left there would run as root on the host.
    static let setIDBits: UInt32 = 0o6000
    private static let fastOpen: UInt32 = 0x2000_0000

    #if arch(x86_64) || arch(arm64)
        /// O_CREAT and the bit of O_TMPFILE that is not O_DIRECTORY's.
        private static let creating: UInt32 = 0o100 | 0o2000_0000
    #endif

    enum Family {
        static let unix: UInt32 = 1
        static let inet: UInt32 = 2
        static let inet6: UInt32 = 10
        static let netlink: UInt32 = 16
    }

    /// TCP and UDP over IP, routing netlink, and Unix sockets where the profile has them. Families outside every
    /// namespace (vsock), raw sockets, MPTCP and the kernel's crypto sockets are not in the list and so not there.
    private static func sockets(_ options: AgentFilter) -> [[ArgumentTest]] {
        // Above the type's four bits stand SOCK_CLOEXEC and SOCK_NONBLOCK.
        let typeBits: UInt32 = 0xF
        let stream: (type: UInt32, protocols: [UInt32]) = (1, [0, 6])
        let datagram: (type: UInt32, protocols: [UInt32]) = (2, [0, 17])
        var allowed: [[ArgumentTest]] = [[.int(0, is: Family.netlink), .int(2, is: 0)]]
        for family in [Family.inet, Family.inet6] {
            for kind in options.capturesConnect ? [stream] : [stream, datagram] {
                for number in kind.protocols {
                    allowed.append([.int(0, is: family), .bits(typeBits, of: 1, are: kind.type), .int(2, is: number)])
                }
            }
        }
        if options.unixSockets { allowed.append([.int(0, is: Family.unix)]) }
        return allowed
    }

    /// TIOCSTI, TIOCLINUX and TIOCCONS put words into a terminal that outlives the cage.
    static let terminalInjection = RefusedValues(name: "ioctl", index: 1, values: [0x5412, 0x541C, 0x541D])

    private static let prctlOptions: [UInt32] = [
        1, 2,  // SET/GET_PDEATHSIG
        3, 4,  // GET/SET_DUMPABLE
        7, 8,  // GET/SET_KEEPCAPS
        13,  // GET_TIMING
        15, 16,  // SET/GET_NAME
        21, 22,  // GET/SET_SECCOMP
        23, 24,  // CAPBSET_READ/DROP
        27, 28,  // GET/SET_SECUREBITS
        29, 30,  // SET/GET_TIMERSLACK
        36, 37,  // SET/GET_CHILD_SUBREAPER
        38, 39,  // SET/GET_NO_NEW_PRIVS
        40,  // GET_TID_ADDRESS
        41, 42,  // SET/GET_THP_DISABLE
        47,  // CAP_AMBIENT
        50, 51,  // SVE_SET/GET_VL
        52, 53,  // GET/SET_SPECULATION_CTRL
        54, 55, 56,  // PAC_RESET_KEYS, SET/GET_TAGGED_ADDR_CTRL
        65, 66,  // SET/GET_MDWE
        0x4155_5856,  // GET_AUXV
        0x5356_4D41,  // SET_VMA: names for memory, by C libraries and Java
        0x5961_6D61,  // SET_PTRACER: crash reporters; ptrace itself is another matter
    ]

    /// The native one, 32-bit addresses with or without another name, and the query. None that makes readable memory executable.
    private static let personalities: [UInt32] = [0, 0x8, 0x2_0000, 0x2_0008, 0xFFFF_FFFF]
}
