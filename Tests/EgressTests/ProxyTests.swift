// Real HTTPS through egress, end to end: what the upstream gets, what the agent gets, what the log gets.

import Events
import NIOHTTP1
import Testing
import Vocabulary
import Wire

@testable import Egress

@Suite struct ProxyTests {
    static let completion =
        #"{"id":"x","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"write to bob.smith@corp.example"}}],"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120}}"#

    static func post(_ path: String, host: String, _ body: String, headers: String = "authorization: Bearer sk-test\r\n") -> String
    {
        "POST \(path) HTTP/1.1\r\nhost: \(host)\r\ncontent-type: application/json\r\n\(headers)content-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    static func chat(_ text: String, extra: String = "") -> String {
        post(
            "/v1/chat/completions", host: Harness.openai,
            #"{"model":"gpt-4o","messages":[{"role":"user","content":"\#(text)"}],"max_tokens":50\#(extra)}"#)
    }

    @Test func plainAnswerIsRedactedBothWaysAndSettled() throws {
        let harness = try Harness { _ in .init([Self.completion]) }
        defer { harness.end() }
        let text = try harness.exchange(Harness.openai, Self.chat("I am jane.doe@example.com"))
        #expect(Answer.status(text) == 200)
        #expect(text.contains("«EMAIL»") && !text.contains("bob.smith"))
        let sent = try #require(harness.upstream.requests.first)
        #expect(String(decoding: sent.body, as: UTF8.self).contains("I am «EMAIL»"))
        #expect(sent.head.headers.first(name: "host") == Harness.openai)
        #expect(sent.head.headers.first(name: "accept-encoding") == "identity")
        #expect(harness.supervisor.waitForRecords(.requestOutcome, count: 1) != nil)
        let settlement = try #require(harness.supervisor.settlements.first)
        #expect(settlement.usageKnown && settlement.usage.input == 100 && settlement.usage.output == 20)
        #expect(settlement.cost > .zero)
        #expect(harness.supervisor.violation == nil)
    }

    @Test func keepAliveServesRequestsInOrder() throws {
        let harness = try Harness { request in .init([#"{"path":"\#(request.head.uri)"}"#]) }
        defer { harness.end() }
        let client = try harness.connect("files.example")
        client.send("GET /1 HTTP/1.1\r\nhost: files.example\r\n\r\nGET /2 HTTP/1.1\r\nhost: files.example\r\n\r\n")
        let text = client.wait { $0.contains("/2") }
        client.close()
        #expect(
            text.firstRange(of: "/1").map { $0.lowerBound } ?? text.endIndex < text.firstRange(of: "/2")?.lowerBound
                ?? text.startIndex)
        #expect(harness.upstream.requests.map(\.head.uri) == ["/1", "/2"])
        // One connection upstream for both.
        #expect(Set(harness.upstream.requests.map(\.connection)).count == 1)
    }

    @Test func aValueSplitOverDeltasIsRedactedInAStream() throws {
        func delta(_ text: String) -> String {
            #"data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"\#(text)"},"finish_reason":null}]}"#
                + "\n\n"
        }
        let stop =
            #"data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#
            + "\n\n"
        let usage =
            #"data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}"#
            + "\n\n"
        let pieces = [
            delta("hello "), delta("mail carol.jo"), delta("nes@cor"), delta("p.example n"), delta("ow"), stop, usage,
            "data: [DONE]\n\n",
        ]
        let harness = try Harness { request in
            #expect(String(decoding: request.body, as: UTF8.self).contains(#""include_usage":true"#))
            return .init(pieces, type: "text/event-stream", isChunked: true)
        }
        defer { harness.end() }
        let text = try harness.exchange(Harness.openai, Self.chat("again", extra: #","stream":true"#))
        let body = Answer.dechunked(text)
        #expect(body.contains("«EMAIL»") && !body.contains("carol") && body.hasSuffix("data: [DONE]\n\n"))
        #expect(!body.contains("usage"), "the chunk that only we asked for is taken out again")
        #expect(harness.supervisor.waitForRecords(.requestOutcome, count: 1) != nil)
        #expect(harness.supervisor.settlements.first?.usage.output == 3)
    }

    @Test func theFirstEventArrivesBeforeTheStreamEnds() throws {
        let event =
            #"data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"first words of many, "},"finish_reason":null}]}"#
            + "\n\n"
        let harness = try Harness { _ in .init([event, nil, "data: [DONE]\n\n"], type: "text/event-stream", isChunked: true) }
        defer { harness.end() }
        let client = try harness.connect(Harness.openai)
        client.send(Self.chat("x", extra: #","stream":true"#))
        #expect(client.wait { $0.contains("first words") }.contains("first words"))
        harness.upstream.release()
        #expect(client.wait { $0.hasSuffix("0\r\n\r\n") }.contains("[DONE]"))
        client.close()
    }

    @Test func theBrokersKeyReplacesThePlaceholderOnItsHostsOnly() throws {
        let host = try #require(HostName(Harness.openai))
        let secret = TestKey(variable: "A", placeholder: "akios-placeholder-1", value: "sk-real-key", hosts: [host])
        let harness = try Harness(secrets: [secret]) { _ in .init([Self.completion]) }
        defer { harness.end() }
        let asked = Self.post(
            "/v1/chat/completions", host: Harness.openai, #"{"model":"gpt-4o","messages":[],"max_tokens":5}"#,
            headers: "authorization: Bearer akios-placeholder-1\r\n")
        #expect(Answer.status(try harness.exchange(Harness.openai, asked)) == 200)
        #expect(harness.upstream.requests.first?.head.headers["authorization"] == ["Bearer sk-real-key"])
        let stray = try harness.exchange(
            "files.example", "GET /x HTTP/1.1\r\nhost: files.example\r\nauthorization: Bearer akios-placeholder-1\r\n\r\n")
        #expect(Answer.status(stray) == 403)
        #expect(harness.upstream.requests.count == 1)
    }

    @Test func aSecondKeyOnAPinnedHostIsRefused() throws {
        let harness = try Harness { _ in .init([Self.completion]) }
        defer { harness.end() }
        #expect(Answer.status(try harness.exchange(Harness.openai, Self.chat("one"))) == 200)
        let foreign = Self.post(
            "/v1/chat/completions", host: Harness.openai, #"{"model":"gpt-4o","messages":[],"max_tokens":5}"#,
            headers: "authorization: Bearer sk-other\r\n")
        let text = try harness.exchange(Harness.openai, foreign)
        #expect(Answer.status(text) == 400 && text.contains("akios_foreign_key"))
        #expect(harness.upstream.requests.count == 1)
    }

    @Test func expectContinueIsAnsweredByEgress() throws {
        let harness = try Harness { _ in .init(["{}"]) }
        defer { harness.end() }
        let client = try harness.connect("files.example")
        client.send("PUT /x HTTP/1.1\r\nhost: files.example\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n")
        #expect(client.wait { $0.contains("100 Continue") }.hasPrefix("HTTP/1.1 100"))
        client.send("text")
        #expect(client.wait { $0.contains("200 OK") }.contains("200 OK"))
        client.close()
        #expect(harness.upstream.requests.first.map { String(decoding: $0.body, as: UTF8.self) } == "text")
        #expect(harness.upstream.requests.first?.head.headers["expect"] == [])
    }

    @Test func headHasNoBodyAndLargeAnswersPassWhole() throws {
        let large = String(repeating: "0123456789abcdef", count: 65_536)
        let harness = try Harness { _ in
            .init(
                [large], type: "application/octet-stream",
                headers: [("alt-svc", "h3=\":443\""), ("connection", "x-hop"), ("x-hop", "1")])
        }
        defer { harness.end() }
        let text = try harness.exchange("files.example", "GET /big HTTP/1.1\r\nhost: files.example\r\n\r\n")
        #expect(Answer.body(text) == large)
        #expect(!text.lowercased().contains("alt-svc") && !text.lowercased().contains("x-hop"))
    }
}
