// Names in other letters: vectors of UTS #46, RFC 3492 and RFC 5892, what is no name, and what deceives the eye.

import IDNA
import Testing
import Vocabulary

@Suite struct IDNATests {
    @Test(arguments: [
        ("api.openai.com", "api.openai.com"), ("API.OpenAI.com.", "api.openai.com"),
        ("_dmarc.bücher.example", "_dmarc.xn--bcher-kva.example"),
        ("r3---sn-x.example", "r3---sn-x.example"),
        // Deviations: kept, not mapped to ss and σ.
        ("faß.de", "xn--fa-hia.de"), ("straße.de", "xn--strae-oqa.de"), ("ẞ.de", "ss.de"), ("βόλος.com", "xn--nxasmm1c.com"),
        ("bücher.example", "xn--bcher-kva.example"), ("BÜCHER.example", "xn--bcher-kva.example"), ("ü.de", "xn--tda.de"),
        ("bu\u{308}cher.de", "xn--bcher-kva.de"), ("ａ.com", "a.com"), ("a\u{3002}com", "a.com"), ("ﬁle.com", "file.com"),
        ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"), ("例え.テスト", "xn--r8jz45g.xn--zckzah"), ("ガス.jp", "xn--mck0a.jp"),
        ("他们为什么不说中文.example", "xn--ihqwcrb4cv8a8dqg056pqjye.example"), ("हिन्दी.com", "xn--j2bd4cyah0f.com"),
        ("אבג.com", "xn--4dbcd.com"), ("l·l.cat", "xn--ll-0ea.cat"),
        // Joiners where RFC 5892 appendix A calls for them.
        ("क्\u{200d}ष.com", "xn--11b2ezcw70k.com"), ("نامه\u{200c}ای.com", "xn--mgba3gch31f060k.com"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
    ])
    func name(_ text: String, _ name: String) throws {
        #expect(try IDNA.name(text).text == name)
        #expect(try IDNA.isWellFormed(IDNA.name(text)))
    }

    @Test(
        arguments: [
            ("☃.net", .character), ("💩.la", .character), ("xn--ls8h.la", .character), ("a\u{2024}com", .character),
            ("a\u{200d}b.com", .context), ("a\u{200c}b.com", .context), ("क\u{200d}ष.com", .context), ("xn--ab-j1t.com", .context),
            ("a1א.com", .direction), ("אבa.com", .direction), ("123א.com", .direction), ("-ü.com", .hyphen), ("ü-.com", .hyphen),
            ("xn--.com", .encoding), ("xn--abc-.com", .encoding), ("xn--a.com", .encoding), ("xn--bcher-kv.example", .encoding),
            ("", .other), ("a..b", .other), ("１.２.３.４", .other), ("1.2.3.4", .other), ("a b.com", .other), ("a\u{0}.com", .other),
            ("ü\u{0}.com", .other), ("*.a.com", .other), ("a:443", .other), ("ü/x", .character),
        ] as [(String, IDNA.Fault)])
    func none(_ text: String, _ fault: IDNA.Fault) {
        #expect(throws: fault) { try IDNA.name(text) }
    }

    @Test func lengths() throws {
        // 63 octets of an A-label at most, 253 of a name.
        #expect(throws: IDNA.Fault.other) { try IDNA.name(String(repeating: "ü", count: 64) + ".com") }
        #expect(throws: IDNA.Fault.other) { try IDNA.name(String(repeating: "ü", count: 100_000)) }
        let label = String(repeating: "ü", count: 50)
        #expect(try IDNA.name(label + ".com").text.utf8.count < 70)
        #expect(throws: IDNA.Fault.other) { try IDNA.name(Array(repeating: label, count: 9).joined(separator: ".")) }
    }

    /// What arrives as A-labels already.
    @Test(arguments: [
        ("xn--bcher-kva.example", true), ("plain.example", true), ("a--b.example", true), ("xn--a.com", false),
        ("xn--ls8h.la", false),
        ("a.xn--bcher-kv.example", false), ("xn--ab-j1t.com", false),
        // Encodes a capital letter, which no client would have left.
        ("xn--bcher-d6a.example", false),
    ])
    func whatComesBackAsItWent(_ name: String, _ isWellFormed: Bool) throws {
        #expect(IDNA.isWellFormed(try #require(HostName(name))) == isWellFormed)
    }

    @Test func lettersForPeople() throws {
        #expect(IDNA.unicode(try #require(HostName("a.xn--bcher-kva.example"))) == "a.bücher.example")
    }

    @Test(arguments: [
        ("аррӏе.com", "'xn--80ak6aa92e' is written in Cyrillic and looks like 'apple'"),
        ("аpple.com", "'xn--pple-43d' mixes the scripts Cyrillic and Latin"),
        ("www.gοogle.com", "'xn--gogle-rce' mixes the scripts Greek and Latin"), ("раураӏ-1.com", "looks like 'paypal-1'"),
    ])
    func doubtful(_ text: String, _ words: String) throws {
        let doubts = IDNA.doubts(try IDNA.name(text))
        #expect(doubts.count == 1 && doubts[0].hasSuffix(words), "\(doubts)")
    }

    @Test(arguments: [
        "bücher.example", "пример.испытание", "例え.テスト", "api.openai.com", "東京tower.jp", "한국kr.com", "βόλος.com", "l·l.cat",
    ])
    func plain(_ text: String) throws { #expect(IDNA.doubts(try IDNA.name(text)) == []) }
}
