// Canonical JSON: one spelling, read back as written, and nothing else accepted.

import Testing

@testable import Profile

@Suite struct CanonicalJSONTests {
    private let mark = Mark(file: "t")

    @Test func everyTextComesBack() throws {
        let texts = ["", "a", "\"\\/", "\u{8}\u{9}\u{a}\u{c}\u{d}\u{1}\u{1f}\u{7f}", "é«EMAIL»\u{1f600}", "\u{2028}"]
        for text in texts {
            let node = Node(
                .mapping([.init(key: text, keyMark: mark, value: Node(.sequence([.text(text, mark: mark)]), mark: mark))]),
                mark: mark)
            let back = try CanonicalJSONReader.read(CanonicalJSON.write(node))
            #expect(back.means(node))
            #expect(CanonicalJSON.write(back) == CanonicalJSON.write(node))
        }
        #expect(String(decoding: CanonicalJSON.write(.text("\u{1}\n\"é", mark: mark)), as: UTF8.self) == "\"\\u0001\\n\\\"é\"")
    }

    @Test func keysStandInTheOrderOfUTF16() {
        // U+FB33 sorts behind U+1F600, whose first UTF-16 unit is smaller.
        let entries = ["\u{fb33}", "\u{1f600}", "b", "a", "€"].map {
            Node.Entry(key: $0, keyMark: mark, value: .text("", mark: mark))
        }
        let text = String(decoding: CanonicalJSON.write(Node(.mapping(entries), mark: mark)), as: UTF8.self)
        #expect(text == "{\"a\":\"\",\"b\":\"\",\"€\":\"\",\"\u{1f600}\":\"\",\"\u{fb33}\":\"\"}")
    }

    @Test(arguments: [
        "", "{", "[\"a\"", "{\"a\"}", "{\"b\":\"\",\"a\":\"\"}", "{\"a\":\"\",\"a\":\"\"}", "1", "true", "null", "\"a\" ", " \"a\"",
        "[ ]", "\"\\u0041\"",
        "\"\\x\"", "\"\u{1}\"", "\"a", "{\"a\":[}", "[\"a\",]", "\"\\u00\"", "\"\\u+001\"",
    ])
    func refused(_ text: String) {
        #expect(throws: ProfileError.self) { try CanonicalJSONReader.read(Array(text.utf8)) }
    }

    @Test func depthIsLimited() {
        let bytes = Array((String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)).utf8)
        #expect(throws: ProfileError.self) { try CanonicalJSONReader.read(bytes) }
    }
}

@Suite struct NearestTests {
    @Test(
        arguments: [
            ("netwrok_access", "network_access"), ("budjet", "budget"), ("Require", "require"), ("audits", "audit"), ("xyz", nil),
            ("", nil),
            (String(repeating: "a", count: 100_000), nil),
        ] as [(String, String?)])
    func words(_ text: String, _ word: String?) {
        #expect(nearest(text, in: ["require", "network_access", "budget", "audit"]) == word)
    }
}
