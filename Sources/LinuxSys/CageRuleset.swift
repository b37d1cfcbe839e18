// CageRuleset: profiles/cage.nft as one transaction. The text is for people and for the test that compares what both
// leave in the kernel; this is what runs. No connection tracking, no NAT: an agent could exhaust the one for the
// whole host, and the other can lie about where a connection was going.

import Glibc

public enum CageRuleset {
    /// Acknowledgements that a successful load brings: the last rule's. A refused message answers with an error instead.
    public static let expectedAcknowledgements = 1

    /// The ruleset as netlink messages for a NETLINK_NETFILTER socket, to be sent in one datagram into a namespace that
    /// has no table `akios` yet.
    /// - Parameters:
    ///   - proxyPort: the transparent listener's port on 127.0.0.1 and ::1.
    ///   - services: ports of the cage's 127.0.0.1 and ::1 that are the proxy's too, because the host's are meant.
    /// - Throws: ENOMEM only.
    public static func batch(proxyPort: UInt16 = 1, services: [UInt16] = []) throws(SysError) -> [UInt8] {
        var batch = NftBatch(table: "akios")
        try batch.addTable()
        try batch.addCounter("direct")
        try batch.addCounter("fenced")
        let mangle: Int32 = -150
        let (prerouting, output): (UInt32, UInt32) = (0, 3)
        let (drop, accept): (UInt32, UInt32) = (0, 1)
        try batch.addChain("capture", hook: prerouting, priority: mangle, policy: accept)
        try batch.addChain("fence", hook: output, priority: 0, policy: drop)
        try capture(&batch, proxyPort, services)
        try fence(&batch, proxyPort)
        return batch.finished()
    }

    // Every TCP connection, to anywhere, is the proxy's; port 53 is the resolver's; the cage's loopback is its own.
    private static func capture(_ batch: inout NftBatch, _ proxyPort: UInt16, _ services: [UInt16]) throws(SysError) {
        try batch.addProtocolSet("__set%d", id: 1, [tcp, udp])
        try batch.addRule(
            "capture", [.layer4Protocol, .memberOf(set: "__set%d", id: 1)] + destinationPort(53) + [.accept])
        // Whatever the agent binds there: the socket is found by the proxy's address, not by the one that was dialled.
        for port in services {
            let toPort = isProtocol(tcp) + destinationPort(port)
            try batch.addRule(
                "capture",
                toLocalhost4 + toPort + [.transparentProxy(family: ipv4, address: localhost4, port: proxyPort), .accept])
            try batch.addRule(
                "capture",
                toLoopback6 + toPort + [.transparentProxy(family: ipv6, address: localhost6, port: proxyPort), .accept])
        }
        try batch.addRule("capture", toLoopback4 + [.accept])
        try batch.addRule("capture", toLoopback6 + [.accept])
        try batch.addRule(
            "capture", isProtocol(tcp) + [.transparentProxy(family: ipv4, address: localhost4, port: proxyPort), .accept])
        try batch.addRule(
            "capture", isProtocol(tcp) + [.transparentProxy(family: ipv6, address: localhost6, port: proxyPort), .accept])
    }

    // What may be sent at all. The proxy's own port is reached by being captured only, never by name.
    private static func fence(_ batch: inout NftBatch, _ proxyPort: UInt16) throws(SysError) {
        let packets = NftExpression.log(group: 1, bytes: 64)
        for loopback in [toLoopback4, toLoopback6] {
            try batch.addRule(
                "fence", loopback + isProtocol(tcp) + destinationPort(proxyPort) + [.counter("direct"), packets, .rejectWithReset])
        }
        try batch.addRule("fence", isProtocol(tcp) + [.accept])
        try batch.addRule("fence", isProtocol(udp) + destinationPort(53) + [.accept])
        try batch.addRule("fence", isProtocol(udp) + [.transportHeader(offset: 0, length: 2), .compare(.equal, [0, 53]), .accept])
        for loopback in [toLoopback4, toLoopback6] {
            let anyPort: [NftExpression] = [
                .transportHeader(offset: 2, length: 2), .compare(.atLeast, [0, 1]), .compare(.atMost, [0xFF, 0xFF]),
            ]
            try batch.addRule("fence", loopback + isProtocol(udp) + anyPort + [.accept])
        }
        try batch.addRule("fence", isFamily(ipv4) + isUnreachable(icmp, type: 3) + [.accept])
        try batch.addRule("fence", isFamily(ipv6) + isUnreachable(icmp6, type: 1) + [.accept])
        try batch.addRule("fence", [.limitPerSecond(50, burst: 200), packets])
        try batch.addRule("fence", [.counter("fenced"), .rejectProhibited], acknowledged: true)
    }

    private static let (ipv4, ipv6): (UInt32, UInt32) = (2, 10)
    private static let (icmp, tcp, udp, icmp6): (UInt8, UInt8, UInt8, UInt8) = (1, 6, 17, 58)
    private static let localhost4: [UInt8] = [127, 0, 0, 1]
    private static let localhost6 = [UInt8](repeating: 0, count: 15) + [1]

    private static func isFamily(_ family: UInt32) -> [NftExpression] {
        [.family, .compare(.equal, [UInt8(truncatingIfNeeded: family)])]
    }
    private static func isProtocol(_ number: UInt8) -> [NftExpression] { [.layer4Protocol, .compare(.equal, [number])] }
    private static func destinationPort(_ port: UInt16) -> [NftExpression] {
        [.transportHeader(offset: 2, length: 2), .compare(.equal, [UInt8(port >> 8), UInt8(truncatingIfNeeded: port)])]
    }
    private static func isUnreachable(_ number: UInt8, type: UInt8) -> [NftExpression] {
        isProtocol(number) + [.transportHeader(offset: 0, length: 1), .compare(.equal, [type])]
    }
    /// 127.0.0.0/8: the first byte of the destination.
    private static let toLoopback4: [NftExpression] =
        isFamily(ipv4) + [.networkHeader(offset: 16, length: 1), .compare(.equal, [127])]
    private static let toLocalhost4: [NftExpression] =
        isFamily(ipv4) + [.networkHeader(offset: 16, length: 4), .compare(.equal, localhost4)]
    private static let toLoopback6: [NftExpression] =
        isFamily(ipv6) + [.networkHeader(offset: 24, length: 16), .compare(.equal, localhost6)]
}
