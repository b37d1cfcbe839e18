// Three packets as a kernel logged them (one datagram of group 1: UDP to 8.8.8.8:443, UDP to [2001:db8::1]:9 and a SYN to
// the proxy's own port), and everything that can be cut off or bent in such a datagram.

import Testing
import Vocabulary

@testable import Egress

private let logged: [UInt8] = bytes(
    "6400000000040000000000000000000002000001080001000800030005000a0000000000080005000000000108000b000000000008000e0000000000"
        + "2500090045000021691440004011b19808080808080808089c4001bb000d203e68656c6c6f000000"
        + "7c0000000004000000000000000000000a0000010800010086dd030005000a0000000000080005000000000108000b000000000008000e0000000000"
        + "3f0009006000e5d7001311400000000000000000000000000000000120010db80000000000000000000000019c41000900132ddf68656c6c6f20776f726c6400"
        + "7c00000000040000000000000000000002000001080001000800030005000a0000000000080005000000000108000b000000000008000e0000000000"
        + "400009004500003c5c1540004006e0a47f0000017f000001e4280001c974595200000000a002ffd7fe3000000204ffd70402080a43e1a02f0000000001030"
        + "30a1400000003000000000000000000000000000001")

private func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex.utf8).map { $0 > 0x39 ? $0 - 0x57 : $0 - 0x30 }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// One logged message around an IP packet.
private func message(_ packet: [UInt8]) -> [UInt8] {
    let padding = [UInt8](repeating: 0, count: (4 - packet.count % 4) % 4)
    let total = 16 + 4 + 4 + packet.count + padding.count
    return [UInt8(total & 255), UInt8(total >> 8), 0, 0, 0, 4] + [UInt8](repeating: 0, count: 10) + [2, 0, 0, 1]
        + [UInt8((packet.count + 4) & 255), UInt8((packet.count + 4) >> 8), 9, 0] + packet + padding
}

@Suite struct FencedPacketTests {
    @Test func readsWhatTheKernelWrote() throws {
        let packets = FencedPacket.parse(logged)
        #expect(packets.count == 3)
        let expected: [(String, String, UInt16)] = [("udp", "8.8.8.8", 443), ("udp", "2001:db8::1", 9), ("tcp", "127.0.0.1", 1)]
        for (packet, want) in zip(packets, expected) {
            #expect(packet.proto == want.0)
            #expect(packet.destination == IPAddress(want.1))
            #expect(packet.port == want.2)
        }
    }

    @Test func everyPrefixGivesItsWholePacketsOnly() {
        let whole = FencedPacket.parse(logged)
        for length in 0...logged.count {
            let packets = FencedPacket.parse(Array(logged.prefix(length)))
            #expect(packets == Array(whole.prefix(packets.count)))
            #expect(packets.count == (length >= 348 ? 3 : length >= 224 ? 2 : length >= 100 ? 1 : 0), "length \(length)")
        }
    }

    @Test func lengthsThatLieEndTheDatagram() {
        for claimed: UInt8 in [0, 1, 15] {
            var bent = logged
            bent[0] = claimed
            #expect(FencedPacket.parse(bent).isEmpty)
        }
        var beyond = logged
        beyond[3] = 0x7f
        #expect(FencedPacket.parse(beyond).isEmpty)
        var attribute = logged
        attribute[20] = 3
        #expect(FencedPacket.parse(attribute).count == 2, "the other messages stand")
    }

    @Test func laterFragmentsHaveNoPort() {
        var head: [UInt8] = [0x45, 0, 0, 60, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 2, 3, 4]
        #expect(FencedPacket.parse(message(head)).first?.port == 0x0304)
        head[7] = 1
        #expect(FencedPacket.parse(message(head)).count == 1)
        #expect(FencedPacket.parse(message(head)).first?.port == 0)
    }

    @Test func headersBeforeTheTransportAreSkipped() {
        let fixed: [UInt8] = [0x60, 0, 0, 0, 0, 24, 0, 64] + [UInt8](repeating: 0, count: 31) + [1]
        let hopByHop: [UInt8] = [60, 0, 0, 0, 0, 0, 0, 0]
        let options: [UInt8] = [132, 0, 0, 0, 0, 0, 0, 0]
        let sctp: [UInt8] = [0x10, 0x01, 0x20, 0x02]
        let packet = FencedPacket.parse(message(fixed + hopByHop + options + sctp)).first
        #expect(packet?.proto == "sctp")
        #expect(packet?.port == 0x2002)
        let cut = FencedPacket.parse(message(fixed + [60, 200, 0, 0, 0, 0, 0, 0])).first
        #expect(cut?.proto == "60")
        #expect(cut?.port == 0)
    }

    @Test func otherVersionsAreLeftOut() {
        #expect(FencedPacket.parse(message([0x55] + [UInt8](repeating: 0, count: 30))).isEmpty)
        #expect(FencedPacket.parse(message([])).isEmpty)
    }
}
