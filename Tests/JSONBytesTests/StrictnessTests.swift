// What strict means: every text that two parsers may read differently is refused, at the right byte.

import JSONBytes
import Testing

@Suite struct StrictnessTests {
    static let refused: [(String, JSONError.Kind)] = [
        ("", .empty), ("  \n", .empty), ("\u{feff}{}", .byteOrderMark), ("{} {}", .trailingBytes), ("1 2", .trailingBytes),
        ("[1,]", .unexpectedByte), ("{\"a\":1,}", .unexpectedByte), ("{,}", .unexpectedByte), ("[", .truncated),
        ("{\"a\"", .truncated),
        ("{\"a\":", .truncated), ("\"abc", .truncated), ("{'a':1}", .unexpectedByte), ("{a:1}", .unexpectedByte),
        ("[1 2]", .unexpectedByte),
        ("{\"a\" 1}", .unexpectedByte), ("[}", .unexpectedByte), ("{\"a\":1]", .unexpectedByte), ("01", .badNumber),
        ("-", .truncated),
        ("-x", .badNumber), ("1.", .truncated), ("[1.]", .badNumber), ("1e+", .truncated), ("+1", .unexpectedByte),
        (".5", .unexpectedByte),
        ("NaN", .unexpectedByte), ("tru", .truncated), ("trux", .unexpectedByte), ("\"\u{1}\"", .controlCharacter),
        ("\"tab\there\"", .controlCharacter), ("\"\\x\"", .badEscape), ("\"\\u12g4\"", .badEscape), ("\"\\ud800\"", .loneSurrogate),
        ("\"\\ud800\\u0041\"", .loneSurrogate), ("\"\\udc00\"", .loneSurrogate), ("\"\\u00\",[]", .badEscape),
        ("\"\\u00", .truncated),
        ("// no\n1", .unexpectedByte), ("{\"a\":1,\"a\":2}", .duplicateKey), ("{\"model\":1,\"\\u006dodel\":2}", .duplicateKey),
        ("[{\"a\":{\"b\":1,\"b\":1}}]", .duplicateKey),
    ]

    @Test(arguments: refused) func refuses(text: String, kind: JSONError.Kind) {
        #expect { try JSONValue.parse(Array(text.utf8)) } throws: { ($0 as? JSONError)?.kind == kind }
        #expect { try JSONLeaves.scan(Array(text.utf8)) } throws: { ($0 as? JSONError)?.kind == kind }
    }

    @Test(
        arguments: [
            [0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xe0, 0x80, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22],
            [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22], [0x22, 0xe2, 0x82, 0x22], [0x22, 0xf0, 0x9f, 0x98],
        ] as [[UInt8]]) func refusesBadUTF8(bytes: [UInt8])
    {
        #expect { try JSONValue.parse(bytes) } throws: { ($0 as? JSONError)?.kind == .badUTF8 }
    }

    @Test func depthIsBounded() throws {
        let ok = String(repeating: "[", count: 256) + String(repeating: "]", count: 256)
        _ = try JSONValue.parse(Array(ok.utf8))
        #expect { try JSONValue.parse(Array(("[" + ok + "]").utf8)) } throws: { ($0 as? JSONError) == JSONError(.tooDeep, at: 256) }
    }

    /// Keys repeat within an object, not across objects, and large objects are checked too.
    @Test func repeatedKeys() throws {
        _ = try JSONValue.parse(Array(#"[{"a":1},{"a":2,"b":{"a":3}}]"#.utf8))
        let many = (0..<500).map { "\"key\($0)\":\($0)" }.joined(separator: ",")
        #expect(try JSONValue.parse(Array("{\(many)}".utf8)).members?.count == 500)
        for again in [0, 23, 24, 25, 499] {
            #expect { try JSONValue.parse(Array("{\(many),\"key\(again)\":0}".utf8)) } throws: {
                ($0 as? JSONError)?.kind == .duplicateKey
            }
        }
    }

    @Test func errorsTellThePlaceAndNoText() {
        #expect {
            try JSONValue.parse(Array(#"{"secret-key": hunter2}"#.utf8))
        } throws: { error in
            let text = "\(error)"
            return text.contains("15") && !text.contains("hunter") && !text.contains("secret")
        }
    }

    /// Every prefix of a valid text is refused, whatever the position of the cut to the SIMD chunks.
    @Test func everyPrefixIsRefused() {
        let text = Array(
            #"{"model":"gpt","n":[1,-2.5e3,true,null],"long":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaé\n\ud83d\ude00"}"#.utf8)
        #expect(throws: Never.self) { try JSONValue.parse(text) }
        for end in 0..<text.count {
            #expect(throws: JSONError.self) { try JSONValue.parse(text[..<end]) }
        }
    }
}
