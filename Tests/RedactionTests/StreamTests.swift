// A stream gives what the whole text gives, however it is cut, and holds back only what it must.

import Profile
import Testing

@testable import Redaction

@Suite struct StreamTests {
    let engine: Engine
    init() throws { engine = try makeEngine() }

    private func run(_ engine: Engine, _ pieces: [[UInt8]]) throws -> (text: [UInt8], findings: [Finding]) {
        var stream = StreamRedactor(engine)
        var output: [UInt8] = []
        for piece in pieces { output += try stream.feed(piece) }
        output += try stream.finish()
        return (output, stream.findings)
    }

    @Test func acceptancePieces() throws {
        let output = try run(engine, ["mail carol.jo", "nes@cor", "p.example n", "ow"].map { Array($0.utf8) })
        #expect(String(decoding: output.text, as: UTF8.self) == "mail «EMAIL» now")
        #expect(output.findings == [Finding(type: "EMAIL", category: .personal, start: 5, end: 29, validated: false)])
    }

    /// Bytes one by one, also within characters.
    @Test func dripped() throws {
        let text = "é a@b.co, 4111 1111 1111 1111\n\(Planted.pem)\n😀 tel 0612345678 \(Planted.jwt) end"
        let output = try run(engine, text.utf8.map { [$0] })
        #expect(String(decoding: output.text, as: UTF8.self) == (try engine.text(text)))
        #expect(output.findings == (try engine.redactText(Array(text.utf8)).findings))
    }

    @Test(arguments: 0..<8) func streamEqualsBatch(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for round in 0..<150 {
            let text = Array((round % 2 == 0 ? random.soup(pieces: 14) : random.text(pieces: 6)).utf8)
            let whole = try engine.redactText(text)
            var pieces: [[UInt8]] = []
            var at = 0
            while at < text.count {
                let end = min(text.count, at + 1 + random.below([2, 9, 60][random.below(3)]))
                pieces.append(Array(text[at..<end]))
                at = end
            }
            let output = try run(engine, pieces)
            #expect(output.text == whole.body, "seed \(seed), round \(round): \(String(decoding: text, as: UTF8.self))")
            #expect(output.findings == whole.findings)
            let detected = try run(makeEngine(mode: .detect), pieces)
            #expect(detected.text == text)
            #expect(detected.findings == whole.findings)
        }
    }

    /// Bytes that are no text at all: nothing traps, and nothing depends on the pieces.
    @Test func anyBytes() throws {
        var random = SeededGenerator(seed: 3)
        let alphabet =
            Array("0123456789 .-()+@:/\\nueyJaAzZ%'=\"".utf8) + [
                0, 0x0a, 0x80, 0xc3, 0xa9, 0xe2, 0x80, 0x8b, 0xf0, 0x9f, 0xff, 0xed, 0xa0,
            ]
        for _ in 0..<400 {
            let bytes = (0..<random.below(300)).map { _ in
                random.below(8) == 0 ? UInt8(random.below(256)) : alphabet[random.below(alphabet.count)]
            }
            let whole = try engine.redactText(bytes)
            let cut = random.below(bytes.count + 1)
            #expect(try run(engine, [Array(bytes[..<cut]), Array(bytes[cut...])]).text == whole.body)
            #expect(try run(engine, bytes.map { [$0] }).text == whole.body)
            _ = try engine.redactForm(bytes)
            _ = try engine.scanURL(String(decoding: bytes, as: UTF8.self))
        }
    }

    /// A run longer than the limit is cut at the same places.
    @Test func longRuns() throws {
        var random = SeededGenerator(seed: 99)
        var text: [UInt8] = []
        while text.count < 3 * Segment.limit {
            text += Array("abc1234567@x.co/4111111111111111-a:".utf8.prefix(1 + random.below(35)))
        }
        let whole = try engine.redactText(text)
        for size in [1000, 4097] {
            let pieces = stride(from: 0, to: text.count, by: size).map { Array(text[$0..<min(text.count, $0 + size)]) }
            #expect(try run(engine, pieces).text == whole.body)
        }
        var stream = StreamRedactor(engine)
        _ = try stream.feed(Array(repeating: UInt8(ascii: "a"), count: 100_000))
        #expect(stream.heldBack < Segment.limit)
    }

    /// Of plain words only the last, unfinished one waits.
    @Test func cleanTextIsNotHeldBack() throws {
        var stream = StreamRedactor(engine)
        #expect(String(decoding: try stream.feed("Hello, wor"), as: UTF8.self) == "Hello, ")
        #expect(String(decoding: try stream.feed("ld. It is "), as: UTF8.self) == "world. It is ")
        #expect(String(decoding: try stream.feed("2024 "), as: UTF8.self) == "")
        #expect(String(decoding: try stream.feed("now\n"), as: UTF8.self) == "2024 now\n")
        #expect(String(decoding: try stream.feed("谢谢"), as: UTF8.self) == "谢谢")
        #expect(stream.heldBack == 0)
        #expect(try stream.finish().isEmpty)
    }

    /// A private key's marker goes out when it begins, and its bytes are not kept.
    @Test func keysAreSwallowed() throws {
        var stream = StreamRedactor(engine)
        var output = try stream.feed("-----BEGIN " + "PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B")
        output += try stream.feed(String(repeating: "AQEFAASCBKcwggSjAgEAAoIBAQ\n", count: 1000))
        #expect(String(decoding: output, as: UTF8.self) == "«PRIVATE_KEY»")
        #expect(stream.heldBack < 200)
        #expect(String(decoding: try stream.feed("-----END " + "PRIVATE KEY----- after "), as: UTF8.self) == " after ")
        #expect(stream.findings.map(\.type) == ["PRIVATE_KEY"])
    }
}
