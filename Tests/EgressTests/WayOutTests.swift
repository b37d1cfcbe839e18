// Ways out past redaction: places, labels and spellings in which data could leave unread. Each test first shows that the
// plain request passes, or that its harmless twin does.

import Events
import JSONBytes
import NIOHTTP1
import Profile
import Testing
import Vocabulary
import Wire

@testable import Egress

@Suite struct WayOutTests {
    private func post(_ type: String, _ body: String, headers: String = "") -> [UInt8] {
        post(type, Array(body.utf8), headers: headers)
    }

    private func post(_ type: String, _ body: [UInt8], headers: String = "") -> [UInt8] {
        Array(
            "POST /x HTTP/1.1\r\nhost: files.example\r\ncontent-type: \(type)\r\n\(headers)content-length: \(body.count)\r\n\r\n"
                .utf8)
            + body
    }

    /// Statuses of requests to an ordinary host, each on a connection of its own, and what reached the upstream.
    private func ask(_ requests: [[UInt8]], _ change: (inout Spec) -> Void = { _ in }) throws -> ([Int], [Upstream.Request]) {
        let harness = try Harness(change) { _ in .init(["{}"]) }
        defer { harness.end() }
        let statuses = try requests.map { request in
            let client = try harness.connect("files.example")
            client.send(request)
            let text = client.wait(Answer.isWhole)
            client.close()
            return Answer.status(text)
        }
        return (statuses, harness.upstream.requests)
    }

    private func get(_ target: String, _ headers: String = "") -> [UInt8] {
        Array("GET \(target) HTTP/1.1\r\nhost: files.example\r\n\(headers)\r\n".utf8)
    }

    @Test func headersAreScannedButThoseOfALogin() throws {
        let key = Planted.openAI
        let (statuses, seen) = try ask([
            get(
                "/1",
                "x-note: nothing\r\nauthorization: Bearer \(key)\r\nprivate-token: \(key)\r\ncookie: id=jane.doe@example.com\r\n"),
            get("/2", "x-note: jane.doe@example.com\r\n"),
            get("/3", "user-agent: agent (\(key))\r\n"),
            get("/4", "jane.doe: 1\r\nx-a: \(key)\r\n"),
        ])
        #expect(statuses == [200, 403, 403, 403])
        #expect(seen.map(\.head.uri) == ["/1"])
    }

    /// What clients send of themselves: versions with four parts, dates, traces, ids.
    @Test func ordinaryHeadersPass() throws {
        let harness = try Harness { _ in .init([ProxyTests.completion]) }
        defer { harness.end() }
        let headers = [
            "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
            "sec-ch-ua: \"Chromium\";v=\"130.0.6723.91\", \"Not?A_Brand\";v=\"99.0.0.0\"",
            "x-stainless-package-version: 1.99.3", "x-stainless-runtime-version: 3.13.0", "x-stainless-retry-count: 0",
            "x-stainless-read-timeout: 600", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "x-request-id: 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "if-modified-since: Wed, 21 Oct 2026 07:28:00 GMT",
            "if-none-match: \"33a64df551425fcc55e4d42a148795d9f25f89d4\"", "x-amz-date: 20261121T073622Z",
            "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "anthropic-version: 2023-06-01", "anthropic-beta: fine-grained-tool-streaming-2025-05-14,context-1m-2025-08-07",
            "openai-organization: org-AbC123", "openai-project: proj_AbC123", "x-app: cli", "accept-language: en-US,en;q=0.5",
            "idempotency-key: stainless-python-retry-3f2504e0-4f89-11d3-9a0c-0305e82c3301", "range: bytes=0-1023",
            "git-protocol: version=2", "pragma: no-cache", "referer: https://files.example/simple/a%20b/",
            "user-agent: pip/25.0 {\"ci\":null,\"cpu\":\"x86_64\",\"distro\":{\"id\":\"bookworm\",\"libc\":{\"lib\":\"glibc\",\"version\":\"2.36\"}}}",
            "x-goog-api-client: gl-python/3.13.0 grpc/1.71.0 gax/2.24.1", "traceloop: 1718000000123",
        ].joined(separator: "\r\n")
        let plain = try harness.exchange("files.example", "GET /x HTTP/1.1\r\nhost: files.example\r\n\(headers)\r\n\r\n")
        #expect(Answer.status(plain) == 200, "\(plain)")
        let asked = ProxyTests.post(
            "/v1/chat/completions", host: Harness.openai, #"{"model":"gpt-4o","messages":[],"max_tokens":5}"#,
            headers: "authorization: Bearer k\r\n\(headers)\r\n")
        let model = try harness.exchange(Harness.openai, asked)
        #expect(Answer.status(model) == 200, "\(model)")
    }

    @Test func aLabelDoesNotTurnTheScannerAway() throws {
        let binary: [UInt8] = [0x1f, 0x8b, 0, 1, 2]
        let (statuses, seen) = try ask([
            post("text/plain", "plain words"),
            post("text/event-stream", binary), post("application/x-www-form-urlencoded", binary), post("text/plain", binary),
            post("text/plain", [0x91, 0x81, 0x95, 0x85, 0x7c, 0x85]),
            post("text/plain; charset=utf-7", "jane.doe+AEA-example.com"), post("text/plain; charset=\"IBM037\"", "words"),
        ])
        #expect(statuses[0] == 200)
        #expect(statuses.dropFirst().allSatisfy { (400..<500).contains($0) }, "\(statuses)")
        #expect(seen.count == 1)
    }

    @Test func escapesAreUndoneWhateverTheLabel() throws {
        let hidden = #"{"to":"jane.doe\u0040example.com"}"#
        let (_, seen) = try ask([
            post("text/plain", hidden), post("application/x-www-form-urlencoded", #"{"to":"jane.doe@example.com"}"#),
            post("application/x-ndjson", hidden + "\n" + hidden),
            post("multipart/form-data; boundary=b", "--b\r\n\r\n\(hidden)\r\n--b--"),
            post("application/octet-stream", "[section]\nkey = 1\n"),
        ])
        let bodies = seen.map { String(decoding: $0.body, as: UTF8.self) }
        #expect(bodies == [#"{"to":"«EMAIL»"}"#, #"{"to":"«EMAIL»"}"#, "[section]\nkey = 1\n"])
    }

    @Test func headersThatSayTwoThingsAreRefused() throws {
        let (statuses, seen) = try ask([
            post("text/plain", "a", headers: "content-type: application/json\r\n"),
            post("text/plain", "a", headers: "content-encoding: identity\r\ncontent-encoding: compress\r\n"),
            post("text/plain", "a", headers: "content-encoding: identity, gzip, gzip, gzip\r\n"),
            post("text/plain", "a", headers: "content-encoding: identity\r\n"),
        ])
        #expect(statuses == [400, 415, 415, 200])
        #expect(seen.count == 1)
    }

    @Test func doublyEncodedQueriesAreRead() throws {
        let (statuses, seen) = try ask([
            get("/q?a=b%2520c"), get("/q?m=jane.doe%2540example.com"), get("/q?m=jane.doe%252540example.com"),
        ])
        #expect(statuses == [200, 403, 403])
        #expect(seen.count == 1)
    }

    @Test func headersThatMakeAnotherRequestOfItStayHere() throws {
        let (statuses, seen) = try ask([
            get(
                "/x",
                "x-http-method-override: DELETE\r\nX-HTTP-Method: PUT\r\nx_method_override: PUT\r\nx-original-url: /admin\r\nx-rewrite-url: /admin\r\nx-forwarded-host: evil.example\r\nforwarded: host=evil.example\r\nx-kept: 1\r\n"
            )
        ])
        #expect(statuses == [200])
        let names = try #require(seen.first).head.headers.map { $0.name.lowercased() }
        #expect(names.contains("x-kept"))
        #expect(
            names.allSatisfy {
                !$0.contains("override") && !$0.contains("url") && !$0.contains("forwarded") && $0 != "x-http-method"
            })
    }

    @Test func refusedPathsAreNotWrittenDown() throws {
        let harness = try Harness { _ in .init(["{}"]) }
        defer { harness.end() }
        for (host, path) in [
            ("files.example", "/u/jane.doe@example.com"), ("evil.example", "/\(Planted.openAI)/x"),
            ("evil.example", "/jane.doe%40example.com"),
        ] {
            #expect(Answer.status(try harness.exchange(host, "GET \(path) HTTP/1.1\r\nhost: \(host)\r\n\r\n")) == 403)
        }
        let model = ProxyTests.post(
            "/v1/chat/completions", host: Harness.openai, #"{"model":"jane.doe@example.com","messages":[]}"#)
        #expect(Answer.status(try harness.exchange(Harness.openai, model)) == 400)
        let records = try #require(harness.supervisor.waitForRecords(.requestRefused, count: 4))
        for record in records {
            let text = String(decoding: record.canonical(), as: UTF8.self)
            #expect(!text.contains("jane") && !text.contains("aB3dE6"), "\(text)")
        }
    }

    @Test func fieldsThatMustNotChangeAreNoTunnel() throws {
        let harness = try Harness { _ in .init([ProxyTests.completion]) }
        defer { harness.end() }
        func chat(_ message: String) throws -> Int {
            let body = #"{"model":"gpt-4o","max_tokens":5,"messages":[\#(message)]}"#
            return Answer.status(
                try harness.exchange(Harness.openai, ProxyTests.post("/v1/chat/completions", host: Harness.openai, body)))
        }
        func messages(_ block: String) throws -> Int {
            let body = #"{"model":"claude-sonnet-4-5","max_tokens":5,"messages":[{"role":"user","content":[\#(block)]}]}"#
            return Answer.status(
                try harness.exchange(
                    "api.anthropic.com",
                    ProxyTests.post("/v1/messages", host: "api.anthropic.com", body, headers: "x-api-key: k\r\n")))
        }
        #expect(try chat(#"{"role":"tool","tool_call_id":"call_1","content":"x"}"#) == 200)
        #expect(try chat(#"{"role":"tool","tool_call_id":"jane.doe@example.com","content":"x"}"#) == 400)
        #expect(try chat(#"{"role":"tool","tool_call_id":"\#(Planted.openAI)","content":"x"}"#) == 400)
        #expect(try messages(#"{"type":"thinking","thinking":"x","signature":"\#(Planted.openAI)"}"#) == 403)
        #expect(try messages(#"{"type":"thinking","thinking":"x","signature":"\#(String(repeating: "QUJD", count: 20))"}"#) == 200)
        // A tool's own argument is none of the protocol's fields, whatever its name.
        #expect(
            try messages(
                #"{"type":"tool_use","id":"toolu_1","name":"f","input":{"id":"jane.doe@example.com","thinking":"bob@corp.example"}}"#
            ) == 200)
        let sent = String(decoding: try #require(harness.upstream.requests.last).body, as: UTF8.self)
        #expect(sent.contains(#""id":"toolu_1""#) && sent.contains(#"{"id":"«EMAIL»","thinking":"«EMAIL»"}"#))
        #expect(harness.upstream.requests.count == 3)
    }
}

/// Secret in shape only; in pieces, so that no scanner of repositories takes this file for a leak.
enum Planted {
    static let openAI = "sk-" + "proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7aB3dE6gH9jK2mN5"
}
