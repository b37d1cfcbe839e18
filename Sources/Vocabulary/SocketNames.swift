// SocketNames: words for the numbers of socket(2), as its man page and the kernel's headers have them without their prefix.
// What has no word here is its number.

public enum SocketNames {
    public static func family(_ number: UInt32) -> String { families[number] ?? String(number) }

    public static func type(_ number: UInt32) -> String { types[number] ?? String(number) }

    /// The third argument; what it means depends on the family.
    public static func proto(_ number: UInt32, family: UInt32) -> String {
        switch family {
        case inet, inet6: number == 0 ? "ip" : internetProtocol(number)
        case netlink: netlinkProtocols[number] ?? String(number)
        default: String(number)
        }
    }

    /// IANA's numbers of what an IP packet carries, and Linux's own beyond 255.
    public static func internetProtocol(_ number: UInt32) -> String { internetProtocols[number] ?? String(number) }

    private static let inet: UInt32 = 2
    private static let inet6: UInt32 = 10
    private static let netlink: UInt32 = 16

    private static let families: [UInt32: String] = [
        0: "unspec", 1: "unix", inet: "inet", 3: "ax25", 4: "ipx", 5: "appletalk", 9: "x25", inet6: "inet6", 15: "key",
        netlink: "netlink", 17: "packet", 21: "rds", 23: "irda", 24: "pppox", 26: "llc", 27: "ib", 29: "can", 30: "tipc",
        31: "bluetooth", 34: "rxrpc", 36: "ieee802154", 37: "caif", 38: "alg", 39: "nfc", 40: "vsock", 41: "kcm", 42: "qipcrtr",
        43: "smc", 44: "xdp", 45: "mctp",
    ]
    private static let types: [UInt32: String] = [
        1: "stream", 2: "dgram", 3: "raw", 4: "rdm", 5: "seqpacket", 6: "dccp", 10: "packet",
    ]
    private static let internetProtocols: [UInt32: String] = [
        1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 41: "ipv6", 47: "gre", 50: "esp", 51: "ah", 58: "icmpv6", 132: "sctp",
        136: "udplite", 255: "raw", 262: "mptcp",
    ]
    private static let netlinkProtocols: [UInt32: String] = [
        0: "route", 4: "sock_diag", 5: "nflog", 6: "xfrm", 7: "selinux", 8: "iscsi", 9: "audit", 10: "fib_lookup",
        11: "connector", 12: "netfilter", 15: "kobject_uevent", 16: "generic", 18: "scsitransport", 20: "rdma", 21: "crypto",
        22: "smc",
    ]
}
