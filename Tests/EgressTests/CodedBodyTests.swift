// Bodies in content codings, both ways: read like any other, sent on plain, and refused where they are damaged or bombs.

import Coding
import Events
import JSONBytes
import NIOHPACK
import NIOHTTP1
import Profile
import Testing
import Vocabulary
import Wire

@testable import Egress

@Suite struct CodedBodyTests {
    private static func post(_ host: String, _ path: String, _ body: [UInt8], _ headers: String) -> [UInt8] {
        let head =
            "POST \(path) HTTP/1.1\r\nhost: \(host)\r\ncontent-type: application/json\r\nauthorization: Bearer sk-test\r\n\(headers)"
        return Array("\(head)content-length: \(body.count)\r\n\r\n".utf8) + body
    }

    private func ask(_ harness: Harness, _ host: String, _ request: [UInt8]) throws -> String {
        let client = try harness.connect(host)
        client.send(request)
        let text = client.wait(Answer.isWhole)
        client.close()
        return text
    }

    private static let chat = Array(
        #"{"model":"gpt-4o","messages":[{"role":"user","content":"I am jane.doe@example.com"}],"max_tokens":50}"#.utf8)

    // MARK: Requests

    @Test(arguments: [[.gzip], [.deflate], [.br], [.zstd], [.zstd, .gzip]] as [[ContentCoding]])
    func aModelCallIsReadAndLeavesPlain(_ codings: [ContentCoding]) throws {
        let harness = try Harness { _ in .init([ProxyTests.completion]) }
        defer { harness.end() }
        let body = try codings.reduce(Self.chat) { try Encoder.encode($0, $1) }
        let names = codings.map(\.rawValue).joined(separator: ", ")
        let text = try ask(
            harness, Harness.openai,
            Self.post(
                Harness.openai, "/v1/chat/completions", body, "content-encoding: \(names)\r\ncontent-digest: sha-256=:AA==:\r\n"))
        #expect(Answer.status(text) == 200)
        let sent = try #require(harness.upstream.requests.first)
        #expect(String(decoding: sent.body, as: UTF8.self).contains("I am «EMAIL»"))
        #expect(sent.head.headers["content-encoding"] == [] && sent.head.headers["content-digest"] == [])
        let intent = try #require(harness.supervisor.waitForRecords(.requestIntent, count: 1)?.first)
        #expect(intent["redactions"]?["EMAIL"]?.intValue == 1 && intent["bytes"]?.intValue == Int64(sent.body.count))
    }

    @Test func anHTTP2StreamIsDecodedToo() throws {
        let harness = try Harness { _ in .init([ProxyTests.completion]) }
        defer { harness.end() }
        let client = try harness.connectHTTP2(Harness.openai)
        let head =
            HTTP2Client.head("POST", Harness.openai, "/v1/chat/completions") + [
                ("content-type", "application/json"), ("authorization", "Bearer sk-test"), ("content-encoding", "zstd"),
            ]
        let stream = try client.request(head, open: true)
        let body = try Encoder.encode(Self.chat, .zstd)
        stream.send(Array(body.prefix(9)))
        stream.send(Array(body.dropFirst(9)), end: true)
        #expect(stream.wait().heads.last?.first(name: ":status") == "200")
        client.close()
        let sent = try #require(harness.upstream.requests.first)
        #expect(String(decoding: sent.body, as: UTF8.self).contains("I am «EMAIL»"))
        #expect(sent.head.headers["content-encoding"] == [])
    }

    @Test func whatCannotBeReadIsRefusedAndTold() throws {
        let harness = try Harness({ $0.network.limits.body = ByteSize(bytes: 4 << 20) }) { _ in .init(["{}"]) }
        defer { harness.end() }
        let plain = Array(#"{"a":"b"}"#.utf8)
        let whole = try Encoder.encode(plain, .gzip)
        let cases: [(coding: String, body: [UInt8], status: Int, reason: String)] = [
            ("compress", whole, 415, "not known"), ("gzip, br, gzip", whole, 415, "more than 2"),
            ("gzip", plain, 400, "damaged"), ("gzip", whole.dropLast(), 400, "ends early"), ("gzip", whole + [0], 400, "follow"),
            // A body of its own size is refused by its size, its bytes being as many as allowed.
            ("br", try Encoder.encode([UInt8](repeating: 0x20, count: 64 << 20), .br), 413, "beyond measure"),
            (
                "gzip", try Encoder.encode(Array(repeating: Array(0...255), count: 20 << 10).flatMap(\.self), .gzip), 413,
                "too large"
            ),
        ]
        for (number, one) in cases.enumerated() {
            let text = try ask(
                harness, "files.example", Self.post("files.example", "/x", one.body, "content-encoding: \(one.coding)\r\n"))
            #expect(Answer.status(text) == one.status, "\(one.coding), \(one.reason): \(text)")
            let records = try #require(harness.supervisor.waitForRecords(.requestRefused, count: number + 1))
            #expect(records[number]["reason"]?.stringValue?.contains(one.reason) == true, "\(records[number])")
        }
        #expect(harness.upstream.requests.isEmpty)
        // The probe, and that the next request is served.
        let text = try ask(
            harness, "files.example", Self.post("files.example", "/x", whole, "content-encoding: gzip\r\n"))
        #expect(Answer.status(text) == 200 && harness.upstream.requests.first?.body == plain)
    }

    @Test func aCodingWithoutABodyIsNoMatter() throws {
        let harness = try Harness { _ in .init(["{}"]) }
        defer { harness.end() }
        let text = try harness.exchange(
            "files.example", "GET /x HTTP/1.1\r\nhost: files.example\r\ncontent-encoding: compress\r\n\r\n")
        #expect(Answer.status(text) == 200)
        let empty = try ask(harness, "files.example", Self.post("files.example", "/x", [], "content-encoding: gzip\r\n"))
        #expect(Answer.status(empty) == 200)
    }

    // MARK: Answers

    @Test(arguments: ContentCoding.allCases) func aStreamedAnswerIsReadEventByEvent(_ coding: ContentCoding) throws {
        func delta(_ text: String) -> String {
            #"data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"\#(text)"},"finish_reason":null}]}"#
                + "\n\n"
        }
        var encoder = try Encoder(coding)
        let first = try encoder.feed(Array((delta("hello, ") + delta("bob.smith@cor")).utf8)) + encoder.flush()
        var rest = try encoder.feed(Array((delta("p.example is his address, ") + "data: [DONE]\n\n").utf8))
        rest += try encoder.finish()
        let pieces = [first, nil, rest]
        let harness = try Harness { _ in
            .init(bytes: pieces, type: "text/event-stream", isChunked: true, headers: [("content-encoding", coding.rawValue)])
        }
        defer { harness.end() }
        let client = try harness.connect(Harness.openai)
        client.send(ProxyTests.chat("x", extra: #","stream":true"#))
        #expect(client.wait { $0.contains("hello") }.contains("hello"))
        harness.upstream.release()
        let text = client.wait(Answer.isWhole)
        client.close()
        let body = Answer.dechunked(text)
        #expect(body.contains("«EMAIL»") && !body.contains("bob") && body.hasSuffix("data: [DONE]\n\n"), "\(body)")
        #expect(!text.contains("content-encoding"))
    }

    @Test func aWholeAnswerIsReadOrNotPassedOn() throws {
        let whole = try Encoder.encode(Array(ProxyTests.completion.utf8), .gzip)
        let bomb = try Encoder.encode([UInt8](repeating: 0x20, count: 64 << 20), .zstd)
        let harness = try Harness { _ in .init(bytes: [whole], headers: [("content-encoding", "gzip")]) }
        defer { harness.end() }
        let text = try harness.exchange(Harness.openai, ProxyTests.chat("x"))
        #expect(Answer.status(text) == 200 && text.contains("«EMAIL»") && !text.contains("content-encoding"))
        #expect(harness.supervisor.waitForRecords(.requestOutcome, count: 1) != nil)
        #expect(harness.supervisor.settlements.first?.usage.output == 20)
        for (number, bad) in [(bomb, "zstd"), (whole.dropLast(), "gzip"), (whole, "br"), (whole, "compress")].enumerated() {
            harness.upstream.answer { _ in .init(bytes: [bad.0], headers: [("content-encoding", bad.1)]) }
            let text = try harness.exchange(Harness.openai, ProxyTests.chat("x"))
            #expect(Answer.status(text) >= 400 && text.contains("could not be checked"), "\(bad.1): \(text)")
            let outcomes = try #require(harness.supervisor.waitForRecords(.requestOutcome, count: number + 2))
            #expect(outcomes[number + 1]["cut"]?.stringValue != nil)
        }
    }

    /// What is not read stays as it is, coding and all.
    @Test func anAnswerThatIsNotReadPasses() throws {
        let body = try Encoder.encode(Array("{}".utf8), .gzip)
        let harness = try Harness { _ in .init(bytes: [body], headers: [("content-encoding", "gzip"), ("etag", "\"1\"")]) }
        defer { harness.end() }
        let text = try harness.exchange(
            "files.example", "GET /x HTTP/1.1\r\nhost: files.example\r\naccept-encoding: gzip\r\n\r\n",
            until: { $0.contains("\r\n\r\n") })
        #expect(text.contains("content-encoding: gzip") && text.contains("etag") && text.contains("content-length: \(body.count)"))
        #expect(harness.upstream.requests.first?.head.headers["accept-encoding"] == ["gzip"])
    }

    @Test func anAnswerWithoutABodyNamesACodingInVain() throws {
        let host = try #require(HostName("files.example"))
        let secret = TestKey(variable: "A", placeholder: "sk-akios-1", value: "sk-real-key-123", hosts: [host])
        let harness = try Harness(secrets: [secret]) { _ in
            .init(bytes: [], status: .notModified, headers: [("content-encoding", "gzip")])
        }
        defer { harness.end() }
        let text = try harness.exchange(
            "files.example", "GET /x HTTP/1.1\r\nhost: files.example\r\n\r\n", until: { $0.contains("\r\n\r\n") })
        #expect(Answer.status(text) == 304)
    }
}
