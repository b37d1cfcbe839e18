// Encoding: other programs read what is written, and a flush lets a reader have all that was fed.

import Coding
import TestKit
import Testing

@Suite struct EncoderTests {
    private let roomy = Decoder.Limits(output: 64 << 20, ratio: 1 << 20)

    @Test(arguments: ContentCoding.allCases, [0, 1, 200, 70_000, 1_000_000]) func roundTrips(_ coding: ContentCoding, size: Int)
        throws
    {
        var random = SplitMix(seed: UInt64(size))
        let body = size == 0 ? [] : random.body(size)
        var encoder = try Encoder(coding)
        var encoded: [UInt8] = []
        for piece in random.pieces(body) { encoded += try encoder.feed(piece) }
        encoded += try encoder.finish()
        #expect(try Decoder.decode(encoded, [coding], limits: roomy) == body)
        if size > 70_000 { #expect(encoded.count < body.count) }
    }

    @Test(arguments: [
        (ContentCoding.gzip, ["gzip", "-dc"]), (.br, ["brotli", "-dc"]), (.zstd, ["zstd", "-dc"]),
        (.deflate, ["python3", "-c", "import sys,zlib; sys.stdout.buffer.write(zlib.decompress(sys.stdin.buffer.read()))"]),
    ]) func othersRead(_ coding: ContentCoding, command: [String]) throws {
        var random = SplitMix(seed: 7)
        let body = random.body(300_000)
        #expect(try Fixture.through(command, Encoder.encode(body, coding)) == body)
    }

    @Test(arguments: [
        (ContentCoding.gzip, ["gzip", "-c"]), (.br, ["brotli", "-c", "-w", "24"]), (.zstd, ["zstd", "-19", "-c"]),
        (.deflate, ["python3", "-c", "import sys,zlib; sys.stdout.buffer.write(zlib.compress(sys.stdin.buffer.read()))"]),
    ]) func othersAreRead(_ coding: ContentCoding, command: [String]) throws {
        var random = SplitMix(seed: 8)
        let body = random.body(1_000_000)
        #expect(try Decoder.decode(Fixture.through(command, body), [coding], limits: roomy) == body)
    }

    @Test(arguments: ContentCoding.allCases) func flushedEvents(_ coding: ContentCoding) throws {
        var encoder = try Encoder(coding)
        var decoder = try Decoder([coding], limits: roomy)
        for number in 0..<50 {
            let event = Array("data: {\"number\":\(number)}\n\n".utf8)
            let written = try encoder.feed(event) + encoder.flush()
            #expect(try decoder.feed(written) == event)
            // A second flush has nothing to say.
            #expect(try decoder.feed(encoder.flush()) == [])
        }
        #expect(try decoder.feed(encoder.finish()) == [])
        try decoder.finish()
    }
}
