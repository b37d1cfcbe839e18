// One spelling of every host name: what is folded, and what is refused.

import Testing
import Vocabulary

@Suite struct HostNameTests {
    @Test(arguments: [
        ("api.openai.com", "api.openai.com"), ("API.OpenAI.com.", "api.openai.com"), ("_dmarc.example.com", "_dmarc.example.com"),
        ("localhost", "localhost"), ("a-b.c1", "a-b.c1"), ("1password.com", "1password.com"), ("3com", "3com"),
    ])
    func canonical(_ raw: String, _ text: String) {
        #expect(HostName(raw)?.text == text)
        #expect(HostName(text).map { HostName($0.text) == $0 } == true)
    }

    @Test(arguments: [
        "", ".", "..", "a..b", ".a", "a.b..", "-a.com", "a-.com", "a b.com", "a\u{0}.com", "a/b", "a:443", "https://a.com",
        "*.a.com", "a%2ecom",
        "1.2.3.4", "127.1", "0x7f.1", "10.0.0.0x1", "2130706433", "::1", "[::1]", "a.com\n", "ａ.com", "a\u{3002}com",
        "a\u{200b}b.com", "a\u{ad}b.com", "bu\u{308}cher.de", "か\u{3099}す.jp", "\u{1112}\u{1161}.kr", "ﬁle.com", "xª.com", "aʰ.com",
        "☃.net", "a@b.com", "a\u{00a0}b", "bücher.example", "пример.испытание",
    ])
    func refused(_ raw: String) { #expect(HostName(raw) == nil) }

    @Test func lengths() {
        let label = String(repeating: "a", count: 63)
        #expect(HostName(label + ".com") != nil)
        #expect(HostName(label + "a.com") == nil)
        let longest = [label, label, label, String(repeating: "b", count: 61)].joined(separator: ".")
        #expect(longest.utf8.count == 253)
        #expect(HostName(longest) != nil)
        #expect(HostName(longest + ".") != nil)
        #expect(HostName(longest + "b") == nil)
        #expect(HostName(String(repeating: "ü", count: 100_000)) == nil)
    }

    @Test func bytesOfAPacketAreASCII() {
        #expect(HostName(ascii: Array("Example.COM".utf8))?.text == "example.com")
        #expect(HostName(ascii: Array("bücher.de".utf8)) == nil)
        #expect(HostName(ascii: [0x61, 0x00, 0x2e, 0x62]) == nil)
    }

    @Test func patterns() throws {
        let below = try #require(HostPattern(".example.com"))
        #expect(HostPattern("*.example.com") == below)
        #expect(below.description == ".example.com")
        for (host, matches) in [
            ("a.example.com", true), ("a.b.example.com", true), ("example.com", false), ("badexample.com", false),
        ] {
            #expect(below.matches(try #require(HostName(host))) == matches, "\(host)")
        }
        for bad in ["*", "*.", "**.a.com", "a.*.com", "..a.com", "*a.com", "", ".1.2.3.4"] {
            #expect(HostPattern(bad) == nil, "\(bad)")
        }
    }
}
