// Content-Encoding as a list.

import Coding
import Testing

@Suite struct ListTests {
    @Test func lists() throws {
        for (values, codings) in [
            ([], []), ([""], []), (["identity"], []), (["gzip"], [.gzip]), (["X-GZip"], [.gzip]), ([" br\t"], [.br]),
            (["deflate, identity ,, zstd"], [.deflate, .zstd]), (["gzip", "br"], [.gzip, .br]),
        ] as [([String], [ContentCoding])] {
            #expect(try ContentCoding.list(values) == codings, "\(values)")
        }
    }

    @Test func refusedLists() {
        for value in ["compress", "gzip;q=1", "gz ip", "aws-chunked", "br, snappy", "*", "\u{212A}zip"] {
            #expect(throws: CodingFault.unknownCoding, "\(value)") { try ContentCoding.list([value]) }
        }
        #expect(throws: CodingFault.tooManyLayers) { try ContentCoding.list(["gzip, br", "gzip"]) }
        #expect(throws: CodingFault.tooManyLayers) {
            try Decoder.decode([], [.gzip, .gzip, .gzip], limits: .init(output: 1))
        }
    }
}
