// FencedPacket: what the kernel's packet log (nfnetlink_log) says of a packet that the cage's ruleset rejected. Reads by
// declared lengths only; a message that does not fit its lengths is left out. Pure.

import Vocabulary

struct FencedPacket: Sendable, Hashable {
    /// `udp`, `icmp`, …, or the protocol's number.
    var proto: String
    var destination: IPAddress
    /// 0 where the protocol has none.
    var port: UInt16

    /// All packets of one datagram of the log.
    static func parse(_ datagram: [UInt8]) -> [FencedPacket] {
        var found: [FencedPacket] = []
        var rest = datagram[...]
        // nlmsghdr: length u32, type u16, flags u16, sequence u32, port u32, in the host's order; aligned to 4.
        while rest.count >= 16 {
            let length = Int(native32(rest))
            guard length >= 16, length <= rest.count else { break }
            let isPacket = native16(rest.dropFirst(4)) == 4 << 8  // NFNL_SUBSYS_ULOG, NFULNL_MSG_PACKET
            if isPacket, let payload = payload(rest.prefix(length).dropFirst(20)), let packet = FencedPacket(ip: payload) {
                found.append(packet)
            }
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return found
    }

    /// The attribute NFULA_PAYLOAD (9) among `attributes`: length u16, type u16, each aligned to 4.
    private static func payload(_ attributes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var rest = attributes
        while rest.count >= 4 {
            let length = Int(native16(rest))
            guard length >= 4, length <= rest.count else { return nil }
            if native16(rest.dropFirst(2)) & 0x3fff == 9 { return rest.prefix(length).dropFirst(4) }
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return nil
    }

    /// From the first bytes of an IP packet (RFC 791, RFC 8200).
    init?(ip: ArraySlice<UInt8>) {
        let bytes = Array(ip.prefix(64))
        guard let first = bytes.first else { return nil }
        var code: UInt8
        var header: Int
        var isFirst = true
        switch first >> 4 {
        case 4:
            header = Int(first & 15) * 4
            guard header >= 20, bytes.count >= 20 else { return nil }
            code = bytes[9]
            isFirst = (UInt16(bytes[6]) << 8 | UInt16(bytes[7])) & 0x1fff == 0
            destination = .v4(bytes[16..<20].reduce(0) { $0 << 8 | UInt32($1) })
        case 6:
            guard bytes.count >= 40 else { return nil }
            (code, header, isFirst) = Self.transport(bytes)
            destination = .v6(
                high: bytes[24..<32].reduce(0) { $0 << 8 | UInt64($1) }, low: bytes[32..<40].reduce(0) { $0 << 8 | UInt64($1) })
        default: return nil
        }
        proto = SocketNames.internetProtocol(UInt32(code))
        let hasPorts = isFirst && [6, 17, 132, 136].contains(code) && bytes.count >= header + 4
        port = hasPorts ? UInt16(bytes[header + 2]) << 8 | UInt16(bytes[header + 3]) : 0
    }

    /// Past the extension headers (RFC 8200 §4) of an IPv6 packet: the protocol, where it starts, and whether this is the
    /// first or only fragment. A chain that the log cut off ends at its last whole header.
    private static func transport(_ bytes: [UInt8]) -> (code: UInt8, header: Int, isFirst: Bool) {
        let (hopByHop, routing, fragment, options): (UInt8, UInt8, UInt8, UInt8) = (0, 43, 44, 60)
        var code = bytes[6]
        var header = 40
        while [hopByHop, routing, fragment, options].contains(code), bytes.count >= header + 8 {
            let length = code == fragment ? 8 : (Int(bytes[header + 1]) + 1) * 8
            let later = code == fragment && (UInt16(bytes[header + 2]) << 8 | UInt16(bytes[header + 3])) & 0xfff8 != 0
            code = bytes[header]
            header += length
            if later { return (code, header, false) }
        }
        return (code, header, true)
    }

    private static func native16(_ bytes: ArraySlice<UInt8>) -> UInt16 {
        bytes.prefix(2).withUnsafeBytes { $0.count == 2 ? $0.loadUnaligned(as: UInt16.self) : 0 }
    }

    private static func native32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.prefix(4).withUnsafeBytes { $0.count == 4 ? $0.loadUnaligned(as: UInt32.self) : 0 }
    }
}
