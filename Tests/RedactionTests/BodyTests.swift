// Bodies: JSON stays valid and untouched outside the findings, whatever escapes hide a value; forms and URLs likewise.

import JSONBytes
import Profile
import Testing

@testable import Redaction

@Suite struct BodyTests {
    let engine: Engine
    init() throws { engine = try makeEngine() }

    @Test func chatBody() throws {
        let body = #"""
            {"model": "gpt-4o",  "messages":[{"role":"user","content":"I am jane.doe@example.com, SSN 442-01-9821,\n card 4111-1111-1111-1111, caf\u00e9 id 12345"}], "n": 1}
            """#
        #expect(
            try engine.json(body)
                == #"{"model": "gpt-4o",  "messages":[{"role":"user","content":"I am «EMAIL», SSN «SSN»,\n card «CREDIT_CARD», caf\u00e9 id 12345"}], "n": 1}"#
        )
        let findings = try engine.redactJSON(Array(body.utf8)).findings
        #expect(findings.map(\.type) == ["EMAIL", "SSN", "CREDIT_CARD"])
        #expect(findings.map(\.pointer) == Array(repeating: "/messages/0/content", count: 3))
        let original = Array(body.utf8)
        #expect(String(decoding: original[findings[1].start..<findings[1].end], as: UTF8.self) == "442-01-9821")
    }

    @Test(arguments: [
        (#"["jane\u0040example.com"]"#, #"["«EMAIL»"]"#), (#"["\u006a\u0061ne@example.com\n"]"#, #"["«EMAIL»\n"]"#),
        (#"["a\njane@example.com\tb"]"#, #"["a\n«EMAIL»\tb"]"#), (#"["\u0034111 1111 1111 1111"]"#, #"["«CREDIT_CARD»"]"#),
        (#"["j\u043ehn@example.com \ud83d\ude00"]"#, #"["«EMAIL» \ud83d\ude00"]"#),
        (#"["x\\jane@example.com"]"#, #"["x\\«EMAIL»"]"#),
        (#"["jane\u200b@example.com"]"#, #"["«EMAIL»"]"#), (#"["http:\/\/10.1.2.3\/x"]"#, #"["http:\/\/«IP_ADDRESS»\/x"]"#),
        (#"["030\/1234567"]"#, #"["«PHONE»"]"#), (#"{"ssn":"442019821","n":"442019821"}"#, #"{"ssn":"«SSN»","n":"442019821"}"#),
        (#"{"phone":"5551234567"}"#, #"{"phone":"«PHONE»"}"#), (#"{"card":4111111111111111}"#, #"{"card":"«CREDIT_CARD»"}"#),
        (#"{"created":4111111111111111,"t":1718000000123}"#, #"{"created":4111111111111111,"t":1718000000123}"#),
        // JSON within JSON stays JSON.
        (#"["{\"t\":\"hi\\njane@example.com\\t555-123-4567\"}"]"#, #"["{\"t\":\"hi\\n«EMAIL»\\t«PHONE»\"}"]"#),
        (#"["\\u00e9jane@example.com \\\\nora@example.com"]"#, #"["\\u00e9«EMAIL» \\\\«EMAIL»"]"#),
        (#"{"a@b.co":1,"c@d.co":2}"#, #"{"«EMAIL»":1,"«EMAIL:2»":2}"#),
        (#"{"a@b.co":1,"«EMAIL»":2}"#, #"{"«EMAIL:2»":1,"«EMAIL»":2}"#),
        (#"{"a@b.co":{"a@b.co":1}}"#, #"{"«EMAIL»":{"«EMAIL»":1}}"#),
    ]) func escapesHideNothing(body: String, redacted: String) throws {
        #expect(try engine.json(body) == redacted)
    }

    /// Two bytes of a body cost thirty in the index: what can be sent must not be what fills the memory.
    @Test(arguments: ["1,", "[],", "null,", "\"\",", "{},"]) func valuesAreCounted(value: String) throws {
        let many = "[" + String(repeating: value, count: JSONLimits.strict.values + 1) + "1]"
        #expect(throws: ScanError.malformed("\(JSONError(.tooMany, at: many.utf8.count))")) {
            try engine.redactJSON(Array(many.utf8))
        }
    }

    /// A mailbox is looked at 128 bytes back and in runs of 8 KiB: neither cut may leave half a character behind.
    @Test func noCharacterIsCutInTwo() throws {
        for filler in ["é", "aé", "éa"] {
            for count in [40, 64, 100, 5000] {
                let text = "x \(String(repeating: filler, count: count))a@example.com y"
                let redacted = try engine.json(#"["\#(text)"]"#)
                #expect(redacted.hasSuffix("«EMAIL» y\"]"), "\(filler) × \(count)")
                #expect(String(validating: try engine.redactText(Array(text.utf8)).body, as: UTF8.self) != nil)
            }
        }
        for shift in 0..<4 {
            let before = String(repeating: "a", count: 8170 + shift)
            let text = "\(before)+b@c.\(String(repeating: "é", count: 12)) y"
            #expect(String(validating: try engine.redactText(Array(text.utf8)).body, as: UTF8.self) != nil, "\(shift)")
        }
    }

    @Test func awsSecretUnderItsKey() throws {
        #expect(try engine.json(#"{"SecretAccessKey":"\#(Planted.awsSecret)"}"#) == #"{"SecretAccessKey":"«AWS_ACCESS_KEY»"}"#)
        let pem = Planted.pem.split(separator: "\n").joined(separator: "\\n")
        #expect(try engine.json(#"{"k":"\#(pem)","b":"x"}"#) == #"{"k":"«PRIVATE_KEY»","b":"x"}"#)
    }

    /// Fields that must not change: reported where a finding stands in an id, not looked at where the bytes are opaque.
    @Test func fieldsThatStay() throws {
        let opaque = String(repeating: "QUJD", count: 12)
        let body =
            #"{"id":"a@b.co","thinking":"write a@b.co","signature":"\#(opaque)","data":"mail a@b.co","content":[{"id":"x","text":"a@b.co"}]}"#
        let redacted = try engine.redactJSON(Array(body.utf8))
        let expected =
            #"{"id":"a@b.co","thinking":"write a@b.co","signature":"\#(opaque)","data":"mail «EMAIL»","content":[{"id":"x","text":"«EMAIL»"}]}"#
        #expect(String(decoding: redacted.body, as: UTF8.self) == expected)
        #expect(redacted.findings.filter(\.kept).map(\.pointer) == ["/id", "/thinking"])
        #expect(try engine.json(body, filter: .none).contains("a@b.co") == false)
    }

    @Test func notJSONIsRefusedWithoutItsText() {
        for bad in [#"{"a":"jane@example.com","a":1}"#, "jane@example.com", #"{"a":"jane@example.com"} x"#] {
            #expect {
                try engine.redactJSON(Array(bad.utf8))
            } throws: { error in
                if case ScanError.malformed = error { !"\(error)".contains("jane") } else { false }
            }
        }
    }

    @Test func workIsBounded() {
        let digits = Array(String(repeating: "555 123 4567 ", count: 50).utf8)
        #expect { try engine.redactText(digits, budget: ScanBudget(units: 100)) } throws: { $0 as? ScanError == .budget }
    }

    @Test func forms() throws {
        let form = "name=Jane+Doe&mail=jane%40example.com&card=4111+1111+1111+1111&phone=%2B33612345678&x=%zz"
        let redacted = try engine.redactForm(Array(form.utf8))
        #expect(redacted.findings.map(\.type) == ["EMAIL", "CREDIT_CARD", "PHONE"])
        #expect(
            String(decoding: redacted.body, as: UTF8.self)
                == "name=Jane+Doe&mail=%C2%ABEMAIL%C2%BB&card=%C2%ABCREDIT_CARD%C2%BB&phone=%C2%ABPHONE%C2%BB&x=%zz")
    }

    @Test(arguments: [
        ("/v1/users/jane%40example.com/x", ["EMAIL"]), ("/search?q=ssn+442-01-9821", ["SSN"]),
        ("/a/4111-1111-1111-1111?k=a%40b.co", ["CREDIT_CARD", "EMAIL"]),
        ("/x?m=jane%2540example.com", ["EMAIL"]), ("/x?m=jane%25254%30example.com", ["EMAIL"]), ("/x?m=jane%4%30b.co", ["EMAIL"]),
        ("/x?q=100%25+of+5%2B5", []),
        ("/v1/chat/completions?api-version=2024-02-01", []),
        ("/repos/apple/swift/commits/9fceb02d0ae598e95dc970b74767f19372d61af8", []),
        ("/x?t=1718000000123&id=550e8400-e29b-41d4-a716-446655440000", []),
    ]) func urls(target: String, types: [String]) throws {
        #expect(try engine.scanURL(target).map(\.type) == types)
    }

    /// Random damage to bodies with values in them: valid in, valid out; nothing of a value is left; twice is once.
    @Test func randomBodies() throws {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<400 {
            let text = random.text(pieces: 6)
            let members = [
                JSONValue.Member("content", .string(text)), JSONValue.Member("n", .integer(Int64(random.below(1 << 40)))),
                JSONValue.Member("list", .array([.string(random.text(pieces: 2)), .null])),
            ]
            var body = JSONValue.object(members).canonical()
            if random.below(2) == 0 { body = random.escaped(body) }
            let once = try engine.redactJSON(body)
            let tree = try JSONValue.parse(once.body)
            for value in random.planted { #expect(tree["content"]?.stringValue?.contains(value) == false) }
            #expect(tree["content"]?.stringValue == (try engine.text(text)))
            #expect(try engine.redactJSON(once.body).body == once.body)
        }
    }
}
