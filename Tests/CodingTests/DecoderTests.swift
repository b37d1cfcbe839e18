// Decoding: what other programs made is read; what is damaged, cut, too long or made to burst is not.

import Coding
import TestKit
import Testing

@Suite struct DecoderTests {
    private let roomy = Decoder.Limits(output: 64 << 20)

    private func fed(_ pieces: [[UInt8]], _ codings: [ContentCoding], _ limits: Decoder.Limits) throws(CodingFault) -> [UInt8] {
        var decoder = try Decoder(codings, limits: limits)
        var out: [UInt8] = []
        for piece in pieces { out += try decoder.feed(piece) }
        try decoder.finish()
        return out
    }

    @Test(arguments: Fixture.encoded) func readsOthers(_ encoded: Fixture.Encoded) throws {
        #expect(try Decoder.decode(encoded.bytes, encoded.codings, limits: roomy) == Fixture.text)
        #expect(try fed(encoded.bytes.map { [$0] }, encoded.codings, roomy) == Fixture.text)
    }

    @Test(arguments: Fixture.encoded) func cutAnywhere(_ encoded: Fixture.Encoded) {
        for length in 0..<encoded.bytes.count {
            #expect(throws: CodingFault.truncated, "\(length) bytes") {
                try Decoder.decode(Array(encoded.bytes.prefix(length)), encoded.codings, limits: roomy)
            }
        }
    }

    @Test(arguments: Fixture.encoded) func bytesBehindTheEnd(_ encoded: Fixture.Encoded) {
        for rest: [UInt8] in [Array("rest".utf8), [0, 0, 0, 0]] {
            #expect(throws: CodingFault.trailingBytes) {
                try Decoder.decode(encoded.bytes + rest, encoded.codings, limits: roomy)
            }
            #expect(throws: CodingFault.trailingBytes) {
                try fed((encoded.bytes + rest).map { [$0] }, encoded.codings, roomy)
            }
        }
    }

    @Test(arguments: Fixture.encoded) func outputLimitIsExact(_ encoded: Fixture.Encoded) throws {
        #expect(throws: CodingFault.tooLarge) {
            try Decoder.decode(encoded.bytes, encoded.codings, limits: .init(output: Fixture.text.count - 1))
        }
        let exact = try Decoder.decode(encoded.bytes, encoded.codings, limits: .init(output: Fixture.text.count))
        #expect(exact == Fixture.text)
    }

    @Test func noCodingIsLimitedToo() throws {
        #expect(try Decoder.decode([1, 2, 3], [], limits: .init(output: 3)) == [1, 2, 3])
        #expect(throws: CodingFault.tooLarge) { try Decoder.decode([1, 2, 3], [], limits: .init(output: 2)) }
    }

    /// Members of gzip and frames of zstd follow one another; the other codings have one stream.
    @Test func streamsOneAfterTheOther() throws {
        for encoded in Fixture.encoded {
            let twice = encoded.bytes + encoded.bytes
            if encoded.codings == [.gzip] || encoded.codings == [.zstd] {
                #expect(try Decoder.decode(twice, encoded.codings, limits: roomy) == Fixture.text + Fixture.text)
                #expect(try fed(twice.map { [$0] }, encoded.codings, roomy) == Fixture.text + Fixture.text)
                #expect(throws: CodingFault.truncated) { try Decoder.decode(twice.dropLast(), encoded.codings, limits: roomy) }
            } else {
                #expect(throws: CodingFault.trailingBytes) { try Decoder.decode(twice, encoded.codings, limits: roomy) }
            }
        }
    }

    @Test(arguments: ContentCoding.allCases) func bombs(_ coding: ContentCoding) throws {
        let bomb = try Encoder.encode([UInt8](repeating: 0x20, count: 32 << 20), coding)
        #expect(throws: CodingFault.bomb) { try Decoder.decode(bomb, [coding], limits: roomy) }
        // The probe itself: the same bytes are read where growth is no matter.
        #expect(try Decoder.decode(bomb, [coding], limits: .init(output: 32 << 20, ratio: 1 << 20)).count == 32 << 20)
        #expect(throws: CodingFault.tooLarge) {
            try Decoder.decode(bomb, [coding], limits: .init(output: 1 << 20, ratio: 1 << 20))
        }
        // A bomb in a bomb, whose outer coding grows as little as any text.
        let hidden = try Encoder.encode(bomb + Encoder.encode(SplitMix.noise(4000), coding), .gzip)
        #expect(throws: CodingFault.bomb) { try Decoder.decode(hidden, [coding, .gzip], limits: roomy) }
    }

    /// Blanks shrink to a thousandth; the first 4 KiB in are free.
    @Test func growthIsMeasured() throws {
        let blanks = { (count: Int) throws in try Encoder.encode([UInt8](repeating: 0x20, count: count), .gzip) }
        #expect(try Decoder.decode(blanks(1_000_000), [.gzip], limits: roomy).count == 1_000_000)
        #expect(throws: CodingFault.bomb) { try Decoder.decode(blanks(2_000_000), [.gzip], limits: roomy) }
    }

    @Test func codingsOverCodings() throws {
        for inner in ContentCoding.allCases {
            for outer in ContentCoding.allCases {
                let body = try Encoder.encode(Encoder.encode(Fixture.text, inner), outer)
                #expect(try Decoder.decode(body, [inner, outer], limits: roomy) == Fixture.text)
                #expect(throws: CodingFault.self) {
                    try Decoder.decode(Array(body.dropLast()), [inner, outer], limits: roomy)
                }
            }
        }
        // Whole outside, cut inside.
        let cut = try Encoder.encode(Array(Encoder.encode(Fixture.text, .gzip).dropLast(9)), .br)
        #expect(throws: CodingFault.truncated) { try Decoder.decode(cut, [.gzip, .br], limits: roomy) }
    }

    @Test func windowsOfHTTP() throws {
        // Header, window descriptor, one empty last block.
        let frame = { (window: UInt8) in [0x28, 0xb5, 0x2f, 0xfd, 0x00, window, 0x01, 0x00, 0x00] as [UInt8] }
        #expect(try Decoder.decode(frame(13 << 3), [.zstd], limits: roomy) == [])
        #expect(throws: CodingFault.window) { try Decoder.decode(frame(13 << 3 | 1), [.zstd], limits: roomy) }
        // brotli --large_window=26
        let large = Fixture.hex(
            "115a9803a0711ed80df41b1a1cdd88f0562bbccded69111db7be01d22d3a65741ce3c0e5dad7711e7c12de2987091765490baec76750a97d2ddb3518f492445af296162e4e393a"
        )
        #expect(throws: CodingFault.malformed) { try Decoder.decode(large, [.br], limits: roomy) }
    }

    @Test func refusedFormats() {
        // A whole frame of zstd 0.7, from before the standard; zlib with a preset dictionary; compress; gzip with a wrong check.
        var wrong = Fixture.encoded[2].bytes
        wrong[wrong.count - 8] ^= 1
        for (bytes, coding) in [
            ([0x27, 0xb5, 0x2f, 0xfd, 0, 0x20, 0xc0, 0, 0], .zstd), ([0x78, 0xbb, 0, 0, 0, 1, 3, 0], .deflate),
            ([0x1f, 0x9d, 0x90, 0, 0], .gzip), (wrong, .gzip),
        ] as [([UInt8], ContentCoding)] {
            #expect(throws: CodingFault.malformed) { try Decoder.decode(bytes, [coding], limits: roomy) }
        }
    }

    /// Random changes never crash, give the same however the bytes are cut, and keep the limit.
    @Test(arguments: 0..<4) func damage(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let limits = Decoder.Limits(output: 4000)
        for round in 0..<400 {
            let encoded = Fixture.encoded[random.below(Fixture.encoded.count)]
            var bytes = encoded.bytes
            for _ in 0...random.below(4) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            if random.below(4) == 0 { bytes = SplitMix.noise(100, seed: seed &+ UInt64(round)) }
            let whole = Result { () throws(CodingFault) in try Decoder.decode(bytes, encoded.codings, limits: limits) }
            let pieces = Result { () throws(CodingFault) in try fed(random.pieces(bytes), encoded.codings, limits) }
            #expect(whole == pieces, "\(encoded.name) \(bytes)")
            if case .success(let plain) = whole { #expect(plain.count <= limits.output) }
        }
    }

    @Test func aFaultIsFinal() throws {
        var decoder = try Decoder([.gzip], limits: roomy)
        #expect(throws: CodingFault.malformed) { try decoder.feed([0x1f, 0x8c]) }
        #expect(throws: CodingFault.malformed) { try decoder.feed(Fixture.encoded[2].bytes) }
    }
}
