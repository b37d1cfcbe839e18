// What stands beside a placeholder, places that servers keep, several keys in one request, and conditions that a signature covers.

import Events
import JSONBytes
import NIOHTTP1
import Providers
import Testing
import Vocabulary

@testable import Egress

@Suite struct KeyPlaceTests {
    private let files = "files.example"

    private func secret(_ number: Int, _ host: String, placeholder: String? = nil, header: String? = nil) throws -> TestKey {
        TestKey(
            variable: "KEY_\(number)", placeholder: placeholder ?? "sk-akios-\(number)", value: "real-\(number)",
            hosts: [try #require(HostName(host))], header: header)
    }

    private func ask(_ harness: Harness, _ headers: String, method: String = "GET") throws -> Int {
        let length = method == "GET" ? "" : "content-length: 0\r\n"
        return Answer.status(
            try harness.exchange(files, "\(method) /x HTTP/1.1\r\nhost: \(files)\r\n\(length)\(headers)\r\n"))
    }

    private func model(_ harness: Harness, _ headers: String) throws -> Int {
        Answer.status(
            try harness.exchange(
                Harness.openai,
                ProxyTests.post(
                    "/v1/chat/completions", host: Harness.openai, #"{"model":"gpt-4o","messages":[],"max_tokens":5}"#,
                    headers: headers)))
    }

    private static func basic(_ login: String) -> String { "authorization: Basic \(Base64.encode(Array(login.utf8)))" }

    @Test func aKeyBesideThePlaceholderIsASecondOne() throws {
        let harness = try Harness(secrets: [secret(1, Harness.openai)]) { _ in .init([ProxyTests.completion]) }
        defer { harness.end() }
        for header in [
            "authorization: Bearer FOREIGN sk-akios-1", "authorization: Bearer sk-akios-1 FOREIGN",
            "authorization: FOREIGN sk-akios-1", "authorization: FOREIGN-sk-akios-1", "x-api-key: FOREIGN,sk-akios-1",
            "x-api-key: FOREIGN sk-akios-1", Self.basic("FOREIGN:sk-akios-1"), Self.basic("sk-akios-1:FOREIGN"),
            Self.basic("sk-akios-1FOREIGN:"),
        ] { #expect(try model(harness, header + "\r\n") == 400, "\(header)") }
        #expect(harness.upstream.requests.isEmpty)
        for header in [
            "authorization: bearer sk-akios-1", "x-api-key: sk-akios-1", Self.basic("sk-akios-1:"), Self.basic(":sk-akios-1"),
        ] { #expect(try model(harness, header + "\r\n") == 200, "\(header)") }
    }

    @Test func aCredentialsOwnHeaderCarriesAKey() throws {
        let harness = try Harness(secrets: [secret(1, Harness.openai, header: "x-plain")]) { _ in .init([ProxyTests.completion]) }
        defer { harness.end() }
        #expect(try model(harness, "x-plain: FOREIGN\r\n") == 400)
        #expect(try model(harness, "X-Plain:\r\n") == 200)
        #expect(harness.upstream.requests.map { $0.head.headers["x-plain"] } == [["real-1"]])
    }

    /// What a server stores with an object or remembers it shows to others.
    @Test(arguments: [
        "x-goog-meta-key", "x-ms-meta-token", "X_Object_Meta_Secret", "Idempotency-Key", "x-idempotency-key", "Set-Cookie",
        "cookie",
        "cookie2", "Proxy-Authorization", "sec-websocket-key",
    ]) func aPlaceThatIsKeptIsNone(_ name: String) throws {
        let harness = try Harness(secrets: [secret(1, files)]) { _ in .init(["{}"]) }
        defer { harness.end() }
        #expect(try ask(harness, "\(name): sk-akios-1\r\n") == 403)
        #expect(harness.upstream.requests.isEmpty)
    }

    /// What reads as a login is one, whatever it looks like before it is decoded.
    @Test func theKeyGoesWhereItWasSeenOnly() throws {
        let placeholder = Base64.encode(Array("sk-akios-123".utf8))
        let harness = try Harness(secrets: [secret(1, files, placeholder: placeholder)]) { _ in .init(["{}"]) }
        defer { harness.end() }
        #expect(try ask(harness, "private-token: \(placeholder)\r\nx-info: Basic \(placeholder)\r\n") == 200)
        #expect(try ask(harness, "private-token: \(placeholder)\r\nx-token: Basic \(placeholder)\r\n") == 200)
        let seen = harness.upstream.requests.map(\.head.headers)
        #expect(seen.map { $0["private-token"] } == [["real-1"], ["real-1"]])
        #expect(seen.map { $0["x-info"] + $0["x-token"] } == [["Basic \(placeholder)"], ["Basic \(placeholder)"]])
    }

    @Test func twoCredentialsInOneRequest() throws {
        let harness = try Harness(secrets: [secret(1, files), secret(2, files)]) { _ in .init(["{}"]) }
        defer { harness.end() }
        #expect(try ask(harness, "dd-api-key: sk-akios-2\r\ndd-application-key: sk-akios-1\r\n") == 200)
        let seen = try #require(harness.upstream.requests.first?.head.headers)
        #expect(seen["dd-api-key"] == ["real-2"] && seen["dd-application-key"] == ["real-1"])
        let log = try #require(harness.supervisor.waitForRecords(.requestIntent, count: 1))
        #expect(log.first?["credential"]?.stringValue == "KEY_1,KEY_2")
    }

    private let conditions = "if-match: \"1\"\r\nif-none-match: *\r\nrange: bytes=0-1\r\nif-range: \"1\"\r\n"

    @Test func aConditionIsDroppedWhereItOnlySavesBytes() throws {
        let harness = try Harness(secrets: [secret(1, files)]) { _ in .init(["{}"]) }
        defer { harness.end() }
        for method in ["PUT", "POST", "GET"] { #expect(try ask(harness, conditions, method: method) == 200) }
        let kept = harness.upstream.requests.map { request in
            ["if-match", "if-none-match", "range", "if-range"].flatMap { request.head.headers[$0] }
        }
        let all = ["\"1\"", "*", "bytes=0-1", "\"1\""]
        #expect(kept == [all, all, []])
    }

    @Test func aSignedConditionLeavesOrTheRequestDoesNot() throws {
        let name = try #require(HostName(files))
        let harness = try Harness(secrets: [
            TestKey(variable: "AWS_ACCESS_KEY_ID", placeholder: "AKIAPLACEHOLDER2345A", value: "AKIDEXAMPLE", hosts: [name]),
            TestKey(
                variable: "AWS_SECRET_ACCESS_KEY", placeholder: String(repeating: "s", count: 40), value: "wJalrXUtnFEMI",
                hosts: [name]),
            secret(1, files),
        ]) { _ in .init(["{}"]) }
        defer { harness.end() }
        let signed = { (more: String) in
            "authorization: AWS4-HMAC-SHA256 Credential=AKIAPLACEHOLDER2345A/20261121/us-east-1/s3/aws4_request, "
                + "SignedHeaders=host;if-none-match;x-amz-date;x-api-key, Signature=00\r\nx-amz-date: 20261121T101112Z\r\n"
                + "if-none-match: *\r\n\(more)"
        }
        #expect(try ask(harness, signed(""), method: "GET") == 400)
        #expect(try ask(harness, signed("connection: if-none-match\r\n"), method: "PUT") == 400)
        #expect(harness.upstream.requests.isEmpty)
        // A key of an API beside the signature is under it.
        #expect(try ask(harness, signed("x-api-key: sk-akios-1\r\n"), method: "PUT") == 200)
        let seen = try #require(harness.upstream.requests.first?.head)
        #expect(seen.headers["if-none-match"] == ["*"] && seen.headers["x-api-key"] == ["real-1"])
        let authorization = try #require(seen.headers.first(name: "authorization"))
        let read = try #require(try AWSSignature.read(authorization))
        #expect(read.signedHeaders == ["host", "if-none-match", "x-amz-date", "x-api-key"])
        let again = AWSRequest(method: "PUT", target: seen.uri, headers: seen.headers.map { ($0.name, $0.value) }, body: [])
        let key = AWSRequest.signingKey(seeded: Array("AWS4wJalrXUtnFEMI".utf8), read, mac: KeyRing.mac)
        #expect(
            again.authorization(read, keyID: "AKIDEXAMPLE", signingKey: key, hash: KeyRing.hash, mac: KeyRing.mac)
                == authorization)
    }
}
