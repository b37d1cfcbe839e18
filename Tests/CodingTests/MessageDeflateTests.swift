// Deflate by messages: the examples of RFC 7692 §7.2.3, contexts that are kept or not, limits, damage.

import Coding
import TestKit
import Testing

@Suite struct MessageDeflateTests {
    private func inflate(_ payloads: [[UInt8]], keepsContext: Bool = true, limit: Int = 1 << 20) throws(CodingFault) -> [[UInt8]] {
        var inflater = MessageInflater(keepsContext: keepsContext, limit: limit)
        var messages: [[UInt8]] = []
        for payload in payloads {
            var message: [UInt8] = []
            for byte in payload { try inflater.feed([byte].span.bytes, into: &message) }
            try inflater.endMessage(into: &message)
            messages.append(message)
        }
        return messages
    }

    @Test func examplesOfTheStandard() throws {
        let hello = Array("Hello".utf8)
        let first = Fixture.hex("f248cdc9c90700")
        // One block; a shared window; a stored block; a final block; two blocks; an empty message.
        #expect(try inflate([first, Fixture.hex("f200110000")]) == [hello, hello])
        #expect(try inflate([Fixture.hex("000500faff48656c6c6f00")]) == [hello])
        #expect(try inflate([Fixture.hex("f348cdc9c9070000")]) == [hello])
        #expect(try inflate([Fixture.hex("f24805000000ffffcac9c90700")]) == [hello])
        #expect(try inflate([[0x00], first]) == [[], hello])
        // A message after a final block refers to what came before it.
        #expect(try inflate([Fixture.hex("f348cdc9c9070000"), Fixture.hex("f200110000")]) == [hello, hello])
        // Without a context there is nothing to refer to.
        #expect(throws: CodingFault.malformed) { try inflate([first, Fixture.hex("f200110000")], keepsContext: false) }

        var deflater = MessageDeflater(keepsContext: true, windowBits: 15)
        #expect(try deflater.message(hello.span.bytes) == first)
        #expect(try deflater.message(hello.span.bytes) == Fixture.hex("f200110000"))
        #expect(try deflater.message([UInt8]().span.bytes) == [0x00])
    }

    @Test(arguments: [9, 12, 15], [true, false]) func roundTrips(windowBits: Int, keepsContext: Bool) throws {
        var random = SplitMix(seed: UInt64(windowBits))
        var deflater = MessageDeflater(keepsContext: keepsContext, windowBits: windowBits)
        var payloads: [[UInt8]] = []
        let messages = (0..<30).map { _ in random.body(random.below(20_000)) } + [[], [1], []]
        for message in messages { payloads.append(try deflater.message(message.span.bytes)) }
        #expect(try inflate(payloads, keepsContext: keepsContext) == messages)
    }

    @Test func limits() throws {
        var deflater = MessageDeflater(keepsContext: false, windowBits: 15)
        let payload = try deflater.message([UInt8](repeating: 0x20, count: 1000).span.bytes)
        #expect(try inflate([payload, payload], limit: 1000).map(\.count) == [1000, 1000])
        #expect(throws: CodingFault.tooLarge) { try inflate([payload], limit: 999) }
        // Empty final blocks, each of two bytes.
        let finals = { (count: Int) in [[UInt8]](repeating: [0x03, 0x00], count: count).flatMap(\.self) + [0x00] }
        #expect(try inflate([finals(64)]) == [[]])
        #expect(throws: CodingFault.bomb) { try inflate([finals(65)]) }
    }

    @Test func messagesThatEndEarly() {
        let payload = Fixture.hex("f248cdc9c90700")
        for length in 1..<(payload.count - 1) {
            #expect(throws: CodingFault.self, "\(length)") { try inflate([Array(payload.prefix(length))]) }
        }
        // A final block, and nothing for the flush to stand in.
        #expect(throws: CodingFault.self) { try inflate([Fixture.hex("f348cdc9c90700")]) }
    }

    @Test func noise() {
        for seed in 0..<500 {
            let noise = SplitMix.noise(60, seed: UInt64(seed))
            if let messages = try? inflate([noise], limit: 5000) { #expect(messages[0].count <= 5000) }
        }
    }
}
