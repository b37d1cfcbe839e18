// Reading frames: the examples of RFC 6455 §5.7 and RFC 7692 §7.2.3, and one refusal for each rule.

import Coding
import TestKit
import Testing

@testable import WebSocketFrames

func hex(_ text: String) -> [UInt8] {
    let digits = text.utf8.filter { $0 != 0x20 }
    return stride(from: 0, to: digits.count, by: 2).compactMap {
        UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16)
    }
}

func read(
    _ bytes: [UInt8], from peer: WebSocketSide = .server, deflate: DeflateAgreement? = nil, limit: Int = 1 << 20
) -> [WebSocketEvent] {
    var reader = WebSocketReader(from: peer, deflate: deflate, limit: limit)
    return reader.feed(bytes)
}

/// A frame without a mask, whatever it says.
func frame(_ first: UInt8, _ payload: [UInt8] = []) -> [UInt8] {
    let length = payload.count < 126 ? [UInt8(payload.count)] : [126, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
    return [first] + length + payload
}

@Suite struct ReaderTests {
    private let hello = Array("Hello".utf8)

    @Test func examplesOfTheStandard() {
        #expect(read(hex("81 05 48656c6c6f")) == [.text(hello)])
        #expect(read(hex("81 85 37fa213d 7f9f4d5158"), from: .client) == [.text(hello)])
        #expect(read(hex("01 03 48656c 80 02 6c6f")) == [.text(hello)])
        #expect(read(hex("89 05 48656c6c6f")) == [.ping(hello)])
        #expect(read(hex("8a 85 37fa213d 7f9f4d5158"), from: .client) == [.pong(hello)])
        let short = [UInt8](repeating: 7, count: 256)
        #expect(read(hex("82 7e 0100") + short) == [.binary(short)])
        let long = [UInt8](repeating: 7, count: 1 << 16)
        #expect(read(hex("82 7f 0000000000010000") + long) == [.binary(long)])
    }

    @Test func compressedExamplesOfTheStandard() {
        let agreed = DeflateAgreement()
        #expect(read(hex("c1 07 f248cdc9c90700"), deflate: agreed) == [.text(hello)])
        #expect(read(hex("41 03 f248cd 80 04 c9c90700"), deflate: agreed) == [.text(hello)])
        #expect(read(hex("c1 07 f248cdc9c90700 c1 05 f200110000"), deflate: agreed) == [.text(hello), .text(hello)])
        #expect(read(hex("c1 0b 000500faff48656c6c6f00"), deflate: agreed) == [.text(hello)])
        #expect(read(hex("c1 08 f348cdc9c9070000"), deflate: agreed) == [.text(hello)])
        #expect(read(hex("c1 0d f24805000000ffffcac9c90700"), deflate: agreed) == [.text(hello)])
        // A message may stay uncompressed.
        #expect(read(hex("81 05 48656c6c6f"), deflate: agreed) == [.text(hello)])
        var fresh = agreed
        fresh.server.keepsContext = false
        #expect(
            read(hex("c1 07 f248cdc9c90700 c1 05 f200110000"), deflate: fresh) == [.text(hello), .failed(.compressed(.malformed))])
    }

    @Test func controlFramesBetweenFragments() {
        let bytes = frame(0x01, [0x48]) + frame(0x89, [1]) + frame(0x00) + frame(0x8a) + frame(0x80, [0x69])
        #expect(read(bytes) == [.ping([1]), .pong([]), .text([0x48, 0x69])])
    }

    @Test func closing() throws {
        #expect(read(frame(0x88)) == [.close(nil, reason: "")])
        #expect(read(frame(0x88, [0x03, 0xe8])) == [.close(.normal, reason: "")])
        #expect(read(frame(0x88, [0x03, 0xf0] + Array("né".utf8))) == [.close(.policyViolation, reason: "né")])
        // What comes behind it is not read, not even as a fault.
        #expect(read(frame(0x88) + [0xff, 0xff]) == [.close(nil, reason: "")])
        #expect(read(frame(0x88, [0x03])) == [.failed(.closeFrame)])
        for code: UInt16 in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] {
            #expect(read(frame(0x88, [UInt8(code >> 8), UInt8(code & 0xff)])) == [.failed(.closeFrame)], "\(code)")
        }
        for code: UInt16 in [1000, 1003, 1007, 1014, 3000, 4999] {
            let expected = try #require(CloseCode(rawValue: code))
            #expect(read(frame(0x88, [UInt8(code >> 8), UInt8(code & 0xff)])) == [.close(expected, reason: "")])
        }
        #expect(read(frame(0x88, [0x03, 0xe8, 0xff])) == [.failed(.notUTF8)])
    }

    @Test(
        arguments: [
            ("a0 00", .reservedBits), ("90 00", .reservedBits), ("c1 00", .reservedBits), ("83 00", .unknownOpcode),
            ("87 00", .unknownOpcode), ("8b 00", .unknownOpcode), ("8f 00", .unknownOpcode), ("82 7e 007d", .length),
            ("82 7f 000000000000ffff", .length), ("82 7f 8000000000000000", .length), ("09 00", .controlFrame),
            ("89 7e 007e", .controlFrame), ("08 00", .controlFrame), ("81 80 00000000", .masking), ("80 00", .fragments),
            ("00 00", .fragments), ("01 00 81 00", .fragments), ("01 00 02 00", .fragments),
        ] as [(String, WebSocketFault)]) func refusals(_ bytes: String, _ fault: WebSocketFault)
    {
        #expect(read(hex(bytes)) == [.failed(fault)])
        #expect(fault.closeCode == .protocolError)
    }

    @Test func refusalsWithDeflate() {
        let agreed = DeflateAgreement()
        // RSV1 on a control frame, on a continuation; RSV2 beside it; a mask that is missing.
        for bytes in ["c9 00", "41 01 00 c0 00", "e1 00"] {
            #expect(read(hex(bytes), deflate: agreed).last == .failed(.reservedBits), "\(bytes)")
        }
        #expect(read(hex("81 00"), from: .client) == [.failed(.masking)])
        #expect(read(hex("c1 03 f248cd"), deflate: agreed) == [.failed(.compressed(.truncated))])
        #expect(WebSocketFault.compressed(.truncated).closeCode == .invalidData)
    }

    /// Valid or not as a whole: a character may be cut by a fragment's border.
    @Test func text() {
        let word = Array("κόσμε😀".utf8)
        for cut in 1..<word.count {
            #expect(read(frame(0x01, Array(word[..<cut])) + frame(0x80, Array(word[cut...]))) == [.text(word)])
            let end = read(frame(0x81, Array(word[..<cut])))
            #expect(
                end == (String(validating: word[..<cut], as: UTF8.self) == nil ? [.failed(.notUTF8)] : [.text(Array(word[..<cut]))])
            )
        }
        // A surrogate, an overlong form, beyond Unicode, a lone byte. Binary may hold anything.
        for bad in ["eda080", "c0af", "f4908080", "80", "fffe"] {
            #expect(read(frame(0x81, hex(bad))) == [.failed(.notUTF8)], "\(bad)")
            #expect(read(frame(0x82, hex(bad))) == [.binary(hex(bad))])
        }
        #expect(WebSocketFault.notUTF8.closeCode == .invalidData)
    }

    @Test func sizes() throws {
        let payload = [UInt8](repeating: 0x61, count: 1000)
        #expect(read(frame(0x82, payload), limit: 1000) == [.binary(payload)])
        // Refused by its head alone, and over fragments.
        #expect(read(Array(frame(0x82, payload).prefix(4)), limit: 999) == [.failed(.tooLarge)])
        #expect(read(frame(0x02, payload) + frame(0x80, [1]), limit: 1000) == [.failed(.tooLarge)])
        #expect(read(hex("82 7f 7fffffffffffffff"), limit: 1000) == [.failed(.tooLarge)])
        var deflater = MessageDeflater(keepsContext: false, windowBits: 15)
        let small = try deflater.message(payload.span.bytes)
        #expect(read(frame(0xc2, small), deflate: DeflateAgreement(), limit: 1000) == [.binary(payload)])
        #expect(read(frame(0xc2, small), deflate: DeflateAgreement(), limit: 999) == [.failed(.compressed(.tooLarge))])
        #expect(WebSocketFault.compressed(.tooLarge).closeCode == .tooBig)
        // Each message has the limit for itself.
        #expect(read(frame(0x82, payload) + frame(0x82, payload), limit: 1000) == [.binary(payload), .binary(payload)])
    }

    /// Damaged bytes never crash, and give the same however they are cut.
    @Test(arguments: 0..<4) func damage(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for _ in 0..<300 {
            let deflate = random.below(2) == 0 ? DeflateAgreement() : nil
            var writer = WebSocketWriter(as: .client, deflate: deflate) { 0x37fa_213d }
            var bytes: [UInt8] = []
            for _ in 0..<4 {
                let payload = random.below(2) == 0 ? random.bytes(random.below(300)) : Array("text 😀 text 😀 text".utf8)
                switch random.below(4) {
                case 0: bytes += try writer.text(payload)
                case 1: bytes += try writer.binary(payload)
                case 2: bytes += writer.ping(payload)
                default: bytes += writer.pong(payload)
                }
            }
            for _ in 0..<random.below(4) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            var reader = WebSocketReader(from: .client, deflate: deflate, limit: 2000)
            var events: [WebSocketEvent] = []
            for piece in random.pieces(bytes) { events += reader.feed(piece) }
            #expect(events == read(bytes, from: .client, deflate: deflate, limit: 2000))
        }
    }
}
