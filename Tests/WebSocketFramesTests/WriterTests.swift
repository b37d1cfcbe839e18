// Writing frames: the shortest form, masked by clients only, compressed as agreed, and read back as it was.

import TestKit
import Testing

@testable import WebSocketFrames

@Suite struct WriterTests {
    @Test func examplesOfTheStandard() throws {
        var server = WebSocketWriter(as: .server, deflate: nil) { 0 }
        var client = WebSocketWriter(as: .client, deflate: nil) { 0x37fa_213d }
        let hello = Array("Hello".utf8)
        #expect(try server.text(hello) == hex("81 05 48656c6c6f"))
        #expect(try client.text(hello) == hex("81 85 37fa213d 7f9f4d5158"))
        #expect(server.ping(hello) == hex("89 05 48656c6c6f"))
        #expect(client.pong(hello) == hex("8a 85 37fa213d 7f9f4d5158"))
        for (count, head) in [(125, "82 7d"), (126, "82 7e 007e"), (65535, "82 7e ffff"), (65536, "82 7f 0000000000010000")] {
            let payload = [UInt8](repeating: 9, count: count)
            #expect(try server.binary(payload) == hex(head) + payload)
        }
        var compressing = WebSocketWriter(as: .server, deflate: DeflateAgreement()) { 0 }
        #expect(try compressing.text(hello) == hex("c1 07 f248cdc9c90700"))
        #expect(try compressing.text(hello) == hex("c1 05 f200110000"))
        #expect(compressing.ping(hello) == hex("89 05 48656c6c6f"))
    }

    @Test func closing() {
        let writer = WebSocketWriter(as: .server, deflate: nil) { 0 }
        #expect(writer.close(nil) == hex("88 00"))
        #expect(writer.close(.normal, reason: "bye") == hex("88 05 03e8 627965"))
        // Cut between two characters: 61 of two bytes, not 61 and a half.
        let long = writer.close(.normal, reason: String(repeating: "é", count: 100))
        #expect(long.count == 2 + 2 + 122)
        #expect(read(long) == [.close(.normal, reason: String(repeating: "é", count: 61))])
        #expect(writer.ping([UInt8](repeating: 1, count: 126)).count == 2 + 125)
    }

    @Test(arguments: [8, 9, 15], [true, false]) func roundTrips(windowBits: Int, keepsContext: Bool) throws {
        var random = SplitMix(seed: UInt64(windowBits))
        var agreed = DeflateAgreement()
        agreed.client.windowBits = windowBits
        agreed.client.keepsContext = keepsContext
        var masks = SplitMix(seed: 5)
        var writer = WebSocketWriter(as: .client, deflate: agreed) { UInt32(truncatingIfNeeded: masks.next()) }
        var reader = WebSocketReader(from: .client, deflate: agreed, limit: 1 << 20)
        for round in 0..<40 {
            let payload = round == 3 ? [] : random.bytes(random.below(90)) + Array(repeating: 0x61, count: random.below(70_000))
            let bytes = try writer.binary(payload)
            #expect(bytes[0] == (windowBits > 8 ? 0xc2 : 0x82))
            var events: [WebSocketEvent] = []
            for piece in random.pieces(bytes) { events += reader.feed(piece) }
            #expect(events == [.binary(payload)])
        }
    }
}
