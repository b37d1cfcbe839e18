// Each type by what it must find and what it must leave alone. The second list is the longer one: developers' text is full of
// digits and hashes that are nobody's secret.

import Profile
import Testing

@testable import Redaction

@Suite struct DetectorTests {
    let engine: Engine
    init() throws { engine = try makeEngine() }

    @Test(arguments: [
        ("mail jane.doe@example.com now", "mail «EMAIL» now"), ("<Bob.O'Neil+x@mail.corp.example>", "<«EMAIL»>"),
        ("a@b.co,c@d.org", "«EMAIL»,«EMAIL»"), ("to:x_y%z@sub.domain.museum.", "to:«EMAIL»."), ("jörg@exämple.de", "«EMAIL»"),
        ("email='a.b@c.io'", "email='«EMAIL»'"), ("mailto:a@b.xn--p1ai?x", "mailto:«EMAIL»?x"),
        ("postgres://u:pa55@db.example.com/x", "postgres://u:«EMAIL»/x"),
        ("SSN 442-01-9821.", "SSN «SSN»."), ("442 01 9821", "«SSN»"), ("my ssn is 442019821", "my ssn is «SSN»"),
        ("SSN: 442.01.9821", "SSN: «SSN»"),
        ("card 4111-1111-1111-1111", "card «CREDIT_CARD»"), ("4111 1111 1111 1111", "«CREDIT_CARD»"),
        ("4111111111111111", "«CREDIT_CARD»"),
        ("amex 3782 822463 10005", "amex «CREDIT_CARD»"), ("order 2024 5555 5555 5555 4444 ok", "order 2024 «CREDIT_CARD» ok"),
        ("6011111111111117, 3530111333300000", "«CREDIT_CARD», «CREDIT_CARD»"), ("2223003122003222", "«CREDIT_CARD»"),
        ("pay DE89370400440532013000", "pay «IBAN»"), ("GB29 NWBK 6016 1331 9268 19 x", "«IBAN» x"),
        ("IBAN: NL91 ABNA 0417 1643 00.", "IBAN: «IBAN»."),
        ("FR14 2004 1010 0505 0001 3M02 606", "«IBAN»"), ("MT84 MALT 0110 0001 2345 MTLC AST0 01S", "«IBAN»"),
        ("nl91abna0417164300", "«IBAN»"),
        ("NO93 8601 1117 947", "«IBAN»"),
        ("call +1 (555) 123-4567", "call «PHONE»"), ("(555) 123-4567", "«PHONE»"), ("555-123-4567", "«PHONE»"),
        ("+33612345678", "«PHONE»"),
        ("+49 (0) 30 1234567", "«PHONE»"), ("tel 0612345678", "tel «PHONE»"), ("06 12 34 56 78", "«PHONE»"),
        ("020 7946 0958", "«PHONE»"),
        ("030/1234567", "«PHONE»"), ("phone: 555 123 4567", "phone: «PHONE»"), ("1-800-555-0199", "«PHONE»"),
        ("0033 6 12 34 56 78", "«PHONE»"),
        ("host 10.1.2.3:80", "host «IP_ADDRESS»:80"), ("http://192.168.1.20/x", "http://«IP_ADDRESS»/x"),
        ("(203.0.113.7)", "(«IP_ADDRESS»)"),
        ("10.20.30.0/24", "«IP_ADDRESS»/24"), ("server 1.2.3.4", "server «IP_ADDRESS»"),
        ("2001:db8::8a2e:370:7334", "«IP_ADDRESS»"),
        ("[fe80::1%eth0]", "[«IP_ADDRESS»%eth0]"), ("::ffff:192.0.2.128", "«IP_ADDRESS»"),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334.", "«IP_ADDRESS»."),
        ("key \(Planted.openAI)!", "key «OPENAI_KEY»!"), ("OPENAI_API_KEY=\(Planted.openAIOld)", "OPENAI_API_KEY=«OPENAI_KEY»"),
        ("x-api-key: \(Planted.anthropic)", "x-api-key: «ANTHROPIC_KEY»"), ("id \(Planted.aws);", "id «AWS_ACCESS_KEY»;"),
        ("aws_secret_access_key = \(Planted.awsSecret)", "aws_secret_access_key = «AWS_ACCESS_KEY»"),
        ("\"SecretAccessKey\": \"\(Planted.awsSecret)\"", "\"SecretAccessKey\": \"«AWS_ACCESS_KEY»\""),
        ("AWS_SECRET_KEY='\(Planted.awsSecret)'", "AWS_SECRET_KEY='«AWS_ACCESS_KEY»'"),
        ("https://\(Planted.gitHub)@github.com/x", "https://«GITHUB_TOKEN»/x"), ("t=\(Planted.gitHubFine)", "t=«GITHUB_TOKEN»"),
        ("Bearer \(Planted.jwt).", "Bearer «JWT»."), ("a\n\(Planted.pem)\nb", "a\n«PRIVATE_KEY»\nb"),
    ]) func finds(text: String, redacted: String) throws {
        #expect(try engine.text(text) == redacted)
        // What was redacted holds nothing more to be found.
        #expect(try engine.text(redacted) == redacted)
    }

    @Test(arguments: [
        "café id 12345", "at 1718000000 and 1718000000123 and 1718000000123456789", "2024-01-15T12:34:56.789Z",
        "2024-01-15 12:34:56",
        "550e8400-e29b-41d4-a716-446655440000", "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "sha256:e3b0c44298fc1c149afbf4c8996fb924",
        "v1.2.3.4", "version 10.15.7.1", "Chrome/120.0.0.0 Safari/537.36", "pip install x==10.4.0.2", "1.2.3.4.5", "1.2.3",
        "1.2.3.4", "127.0.0.1:8080",
        "0.0.0.0", "255.255.255.0", "256.1.1.1", "10.0.0.1-beta", "000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567",
        "123-45-0000",
        "442019821", "part 1234-442-01-9821", "442-01-98210", "3 200 20 3000 4", "4111111111111112", "0.4111111111111111",
        "a4111111111111111",
        "4111-1111 1111-1111", "1234567890", "order 5551234567", "12345678", "555 123 4567", "100-200-3000", "x = 3.14159265358979",
        "DE89370400440532013001", "GB00 NWBK 6016 1331 9268 19", "@decorator", "git@github.com:apple/swift.git", "icon@2x.png",
        "a@b", "x@1.2.3",
        "A@B.transpose(0)", "user@localhost", "std::vector<int>::iterator", "x[1::2]", "a::b", "12:34:56", "::1",
        "aa:bb:cc:dd:ee:ff", "10::20",
        "class sk-fading-circle sk-cube-grid", "sk-test", "risk-assessment-for-the-department-of-everything", "AKIA", "AKIAshort",
        "ghp_short",
        "eyJhbGciOiJIUzI1NiJ9", "eyJub3QiOiJqd3QifQ.eyJhIjoxfQ.c2ln", "if \"-----BEGIN PRIVATE KEY-----\" in text: raise",
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0B\n-----END CERTIFICATE-----",
        "git hash in base64 d0ZBd2t6c0hRb1pCeEpRa0xkTnRwWmFHVnlZV3hzYjNjPQ==", "for i in range(1000000): print(i)", "10,000,000.00",
        "+1", "1 + 2 + 3",
        "THIS IS ALL UPPER CASE TEXT 2024", "ISBN 978-3-16-148410-0", "#1a2b3c", "0xdeadbeefcafebabe", "port 8080 8443 9090 3000",
    ]) func leavesAlone(text: String) throws {
        #expect(try engine.text(text) == text)
    }

    @Test func checksumsAreTold() throws {
        func validated(_ text: String) throws -> [Bool] { try engine.redactText(Array(text.utf8)).findings.map(\.validated) }
        #expect(try validated("4111111111111111 DE89370400440532013000 \(Planted.jwt)") == [true, true, true])
        #expect(try validated("a@b.co \(Planted.gitHub)") == [false, false])
        let sum = Detectors.crc32(Planted.gitHubBody.utf8)
        var digits: [Character] = []
        var rest = sum
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        for _ in 0..<6 {
            digits.insert(alphabet[Int(rest % 62)], at: 0)
            rest /= 62
        }
        #expect(try validated("gh" + "p_" + Planted.gitHubBody + String(digits)) == [true])
        #expect(Detectors.crc32("123456789".utf8) == 0xcbf4_3926)
    }

    /// Look-alikes are matched, and the original span is replaced, not the folded one.
    @Test(arguments: [
        ("j\u{43e}hn@ex\u{430}mple.com!", "«EMAIL»!"), ("jane\u{200b}.doe\u{200d}@example.com", "«EMAIL»"),
        ("４１１１ １１１１ １１１１ １１１１", "«CREDIT_CARD»"),
        ("442\u{2011}01\u{2011}9821 é", "«SSN» é"), ("jane＠example．com", "«EMAIL»"),
        ("4111\u{a0}1111\u{a0}1111\u{a0}1111 \u{20ac}", "«CREDIT_CARD» €"),
        ("😀jane@example.com😀", "😀«EMAIL»😀"), ("请联系jane@example.com谢谢", "请联系«EMAIL»谢谢"), ("“jane@example.com”", "“«EMAIL»”"),
    ]) func seesThroughDisguise(text: String, redacted: String) throws {
        #expect(try engine.text(text) == redacted)
    }

    @Test func privateKeys() throws {
        let open = "x -----BEGIN EC " + "PRIVATE KEY-----\nMHcCAQEEIIGlRHFqbGNzdGF0ZW1lbnQ"
        #expect(try engine.text(open + "\nand all that follows") == "x «PRIVATE_KEY»")
        #expect(try engine.text(Planted.pem + " mid a@b.co " + Planted.pem) == "«PRIVATE_KEY» mid «EMAIL» «PRIVATE_KEY»")
        let escaped = Planted.pem.split(separator: "\n").joined(separator: "\\n")
        #expect(try engine.text("K=\"\(escaped)\"") == "K=\"«PRIVATE_KEY»\"")
        let encrypted =
            "-----BEGIN RSA " + "PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES\n\nabcd\n-----END RSA "
            + "PRIVATE KEY-----."
        #expect(try engine.text(encrypted) == "«PRIVATE_KEY».")
    }

    /// Spans that overlap become their hull: no byte of either is left.
    @Test func overlapsLeaveNothing() throws {
        let text = "https://\(Planted.gitHub)@example.com"
        let findings = try engine.redactText(Array(text.utf8)).findings
        #expect(findings.map(\.type) == ["GITHUB_TOKEN"])
        #expect(findings.first?.end == text.utf8.count)
    }

    @Test func typesAndScopes() throws {
        let text = "a@b.co 4111111111111111 10.1.2.3 \(Planted.aws)"
        #expect(try makeEngine(types: ["EMAIL"]).text(text) == "«EMAIL» 4111111111111111 10.1.2.3 «AWS_ACCESS_KEY»")
        #expect(try makeEngine(types: ["financial", "network"]).text(text) == "a@b.co «CREDIT_CARD» «IP_ADDRESS» «AWS_ACCESS_KEY»")
        #expect(try makeEngine(types: ["all"]).text(text) == "«EMAIL» «CREDIT_CARD» «IP_ADDRESS» «AWS_ACCESS_KEY»")
        #expect(try makeEngine(types: []).text(text) == "a@b.co 4111111111111111 10.1.2.3 «AWS_ACCESS_KEY»")
        #expect(try engine.text(text, scope: .secrets) == "a@b.co 4111111111111111 10.1.2.3 «AWS_ACCESS_KEY»")
        let detect = try makeEngine(mode: .detect).redactText(Array(text.utf8))
        #expect(String(decoding: detect.body, as: UTF8.self) == text)
        #expect(detect.findings.counts == ["EMAIL": 1, "CREDIT_CARD": 1, "IP_ADDRESS": 1, "AWS_ACCESS_KEY": 1])
    }
}
