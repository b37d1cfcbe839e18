// The broker's keys: in the places of a login only, on their own hosts only, and never back to the agent.

import Coding
import Events
import NIOCore
import NIOHTTP1
import Profile
import Testing
import Vocabulary
import Wire

@testable import Egress

@Suite struct KeyTests {
    private func secret(_ number: Int, _ value: String, _ host: String) throws -> EgressConfiguration.Secret {
        .init(placeholder: "sk-akios-\(number)", value: value, hosts: [try #require(HostName(host))])
    }

    @Test func aKeyThatIsEchoedDoesNotReachTheAgent() throws {
        let value = "real/key-0123456789"
        let harness = try Harness(secrets: [secret(1, value, "files.example"), secret(2, value, Harness.openai)]) { request in
            guard request.head.uri != "/pieces" else {
                return .init(["see rea", "l/k", "ey-0123456789 end rea"], type: "text/plain", isChunked: true)
            }
            let echo = request.head.headers["authorization"].joined()
            let body = #"{"error":{"message":"bad key: \#(echo), \#(echo.replacing("/", with: "\\/"))"}}"#
            guard request.head.uri != "/coded" else {
                let coded = (try? Encoder.encode(Array(body.utf8), .gzip)) ?? []
                return .init(bytes: [coded], headers: [("content-encoding", "gzip")])
            }
            return .init([body], status: .unauthorized, headers: [("x-echo", echo)])
        }
        defer { harness.end() }
        func get(_ path: String) throws -> String {
            try harness.exchange(
                "files.example",
                "GET \(path) HTTP/1.1\r\nhost: files.example\r\naccept-encoding: gzip\r\nauthorization: Bearer sk-akios-1\r\n\r\n")
        }
        let plain = try get("/whole")
        #expect(harness.upstream.requests.first?.head.headers["authorization"] == ["Bearer \(value)"])
        #expect(harness.upstream.requests.first?.head.headers["accept-encoding"] == ["identity"])
        #expect(Answer.status(plain) == 401 && plain.contains("bad key: Bearer ***") && !plain.contains("0123456789"))
        #expect(Answer.dechunked(try get("/pieces")) == "see \(String(repeating: "*", count: value.utf8.count)) end rea")
        let model = try harness.exchange(
            Harness.openai,
            ProxyTests.post(
                "/v1/chat/completions", host: Harness.openai, #"{"model":"gpt-4o","messages":[],"max_tokens":5}"#, headers: ""))
        #expect(Answer.status(model) == 401 && !model.contains("0123456789"))
        let coded = try get("/coded")
        #expect(Answer.status(coded) == 200 && Answer.dechunked(coded).contains("bad key: Bearer ***"))
        #expect(!coded.contains("0123456789"))
        #expect(harness.supervisor.violation == nil)
    }

    @Test func aMaskGivesTheSameForEveryChunking() throws {
        let text = Array("ab abcabcab-key/1 abcabcabcab-key/1 abcabcab-key\\/1 abcabcab-key/ abc".utf8)
        let whole = try #require(KeyMask(["abcabcab-key/1", "short"]))
        var once = whole
        var expected = once.feed(ByteBuffer(bytes: text))
        expected.writeImmutableBuffer(once.finish())
        let stars = { (count: Int) in String(repeating: "*", count: count) }
        #expect(String(buffer: expected) == "ab \(stars(14)) abc\(stars(14)) \(stars(15)) abcabcab-key/ abc")
        for first in 0...text.count {
            for second in stride(from: first, through: text.count, by: 3) {
                var mask = whole
                var out = ByteBuffer()
                for piece in [text[..<first], text[first..<second], text[second...]] {
                    out.writeImmutableBuffer(mask.feed(ByteBuffer(bytes: piece)))
                }
                out.writeImmutableBuffer(mask.finish())
                #expect(out == expected)
            }
        }
        var cut = whole
        #expect(cut.feed(ByteBuffer(string: "bad key abcabcab-ke")) == ByteBuffer(string: "bad key "))
        #expect(cut.finish() == ByteBuffer(string: stars(11)))
        // No text at all: every other byte stays what it is.
        #expect(
            whole.masked(ByteBuffer(bytes: [0xff, 0xc3] + Array("abcabcab-key/1".utf8) + [0x80]))
                == ByteBuffer(bytes: [0xff, 0xc3] + Array(stars(14).utf8) + [0x80]))
    }

    @Test func twoCredentialsOfOneHost() throws {
        let harness = try Harness(secrets: [secret(1, "one", "files.example"), secret(2, "two", "files.example")]) { _ in
            .init(["{}"])
        }
        defer { harness.end() }
        for number in 1...2 {
            _ = try harness.exchange(
                "files.example", "GET /x HTTP/1.1\r\nhost: files.example\r\nprivate-token: sk-akios-\(number)\r\n\r\n")
        }
        #expect(harness.upstream.requests.map { $0.head.headers["private-token"] } == [["one"], ["two"]])
    }

    /// A server shows a User-Agent to others: a key belongs where a login stands.
    @Test func aPlaceholderOutsideALoginIsRefused() throws {
        let harness = try Harness(secrets: [secret(1, "one", "files.example"), secret(2, "two", Harness.openai)]) { _ in
            .init([ProxyTests.completion])
        }
        defer { harness.end() }
        let asked = "GET /x HTTP/1.1\r\nhost: files.example\r\nuser-agent: sk-akios-1\r\n\r\n"
        #expect(Answer.status(try harness.exchange("files.example", asked)) == 403)
        let model = ProxyTests.post(
            "/v1/chat/completions", host: Harness.openai, #"{"model":"gpt-4o","messages":[],"max_tokens":5}"#,
            headers: "user-agent: sk-akios-2\r\n")
        #expect(Answer.status(try harness.exchange(Harness.openai, model)) == 400)
        #expect(harness.upstream.requests.isEmpty)
    }

    @Test func theSameKeyInAnotherSpellingIsNotASecondOne() throws {
        let harness = try Harness { _ in .init([ProxyTests.completion]) }
        defer { harness.end() }
        func ask(_ headers: String) throws -> Int {
            Answer.status(
                try harness.exchange(
                    Harness.openai,
                    ProxyTests.post(
                        "/v1/chat/completions", host: Harness.openai, #"{"model":"gpt-4o","messages":[],"max_tokens":5}"#,
                        headers: headers)))
        }
        #expect(try ask("authorization: Bearer k1\r\n") == 200)
        #expect(try ask("Authorization: bearer k2\r\n") == 400)
        #expect(try ask("x-api-key: k2\r\n") == 400)
        #expect(try ask("authorization: Bearer k1\r\nx-api-key: k2\r\n") == 400)
        #expect(try ask("authorization: Bearer k1\r\nauthorization: Bearer k2\r\n") == 400)
        #expect(harness.upstream.requests.count == 1)
    }
}
