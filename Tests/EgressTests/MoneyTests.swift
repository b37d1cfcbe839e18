// Money under attack: calls that race for the last of the budget, and answers that would reach the agent unread.

import Events
import NIOHTTP1
import Profile
import Redaction
import Testing
import Vocabulary
import Wire

@testable import Egress

@Suite struct MoneyTests {
    @Test func sixtyFourCallsAtOnceCannotSpendMoreThanThereIs() throws {
        let harness = try Harness { _ in .init([ProxyTests.completion, nil]) }
        defer { harness.end() }
        harness.supervisor.change { $0.affords = 3 }
        let clients = try (0..<64).map { _ in try harness.connect(Harness.openai) }
        for client in clients { client.send(ProxyTests.chat("x")) }
        let asked = harness.supervisor.wait { seen in
            seen.messages.filter { if case .admit = $0 { true } else { false } }.count == 64 ? true : nil
        }
        #expect(asked == true)
        var refused = 0
        for client in clients {
            let text = client.wait { $0.contains("\r\n\r\n") && !$0.isEmpty || harness.upstream.requests.count >= 3 && $0.isEmpty }
            if Answer.status(text) == 400 { refused += 1 }
        }
        #expect(harness.supervisor.wait { $0.messages.count >= 64 ? true : nil } == true)
        #expect(harness.upstream.requests.count == 3)
        harness.upstream.release()
        for client in clients { client.wait(Answer.isWhole) }
        #expect(clients.filter { Answer.status($0.text) == 200 }.count == 3)
        #expect(clients.filter { Answer.status($0.text) == 400 && $0.text.contains("akios_budget_exceeded") }.count == 61)
        #expect(harness.upstream.requests.count == 3 && refused <= 61)
        for client in clients { client.close() }
    }

    @Test func errorsWithinAStreamAreReadToo() throws {
        let error = #"data: {"error":{"message":"write to bob.smith@corp.example","type":"server_error"}}"# + "\n\n"
        let harness = try Harness { _ in .init([error, "data: [DONE]\n\n"], type: "text/event-stream", isChunked: true) }
        defer { harness.end() }
        let body = Answer.dechunked(try harness.exchange(Harness.openai, ProxyTests.chat("x", extra: #","stream":true"#)))
        #expect(body.contains("write to «EMAIL»") && !body.contains("bob.smith"))
        harness.upstream.answer { _ in
            .init(
                [
                    "event: error\ndata: " + #"{"type":"error","error":{"type":"api_error","message":"bob.smith@corp.example"}}"#
                        + "\n\n"
                ], type: "text/event-stream", isChunked: true)
        }
        let ask = #"{"model":"claude-sonnet-4-5","max_tokens":5,"stream":true,"messages":[]}"#
        let other = Answer.dechunked(
            try harness.exchange("api.anthropic.com", ProxyTests.post("/v1/messages", host: "api.anthropic.com", ask)))
        #expect(other.contains("«EMAIL»") && !other.contains("bob.smith"))
    }

    /// What a cut stream held back never comes out raw, and choices do not mix.
    @Test func cutStreamsGiveNothingAwayAndChoicesStayApart() throws {
        func delta(_ choice: Int, _ text: String) -> String {
            #"data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":\#(choice),"delta":{"content":"\#(text)"},"finish_reason":null}]}"#
                + "\n\n"
        }
        let pieces = [
            delta(0, "zero carol.jo"), delta(1, "one dave.mi"), delta(0, "nes@corp.example "), delta(1, "ller@corp.example"),
        ]
        let harness = try Harness { _ in .init(pieces, type: "text/event-stream", isChunked: true, breaksOff: true) }
        defer { harness.end() }
        let text = try harness.exchange(Harness.openai, ProxyTests.chat("x", extra: #","stream":true,"n":2"#)) {
            $0.hasSuffix("0\r\n\r\n")
        }
        let body = Answer.dechunked(text)
        #expect(body.contains("zero ") && body.contains("«EMAIL»"))
        for part in ["carol", "dave", "corp.example", "ller"] { #expect(!body.contains(part)) }
    }

    @Test func anAnswerWithoutALabelIsReadWhereTheRuleSaysSo() throws {
        let harness = try Harness({ spec in spec.network.allow[0].redactInbound = .all }) { _ in
            .init(["bob.smith@corp.example"], type: "")
        }
        defer { harness.end() }
        let text = try harness.exchange("files.example", "GET /x HTTP/1.1\r\nhost: files.example\r\n\r\n") {
            $0.contains("EMAIL") || $0.contains("corp.example")
        }
        #expect(text.contains("«EMAIL»") && !text.contains("bob.smith"))
    }

    @Test func whatIsStoppedWhileItWaitsIsNotSent() throws {
        let harness = try Harness { _ in .init([ProxyTests.completion]) }
        defer { harness.end() }
        harness.supervisor.change { $0.holds = true }
        let client = try harness.connect(Harness.openai)
        client.send(ProxyTests.chat("x"))
        let id = try #require(harness.supervisor.wait { $0.held.first })
        harness.supervisor.say(.stop(why: .budgetExceeded, told: "akios-exec: budget used up, stopping"))
        harness.supervisor.say(.admitted(id: id))
        let text = client.wait(Answer.isWhole)
        client.close()
        #expect(Answer.status(text) == 400 && text.contains("budget used up"))
        let settled = harness.supervisor.waitForRecords(.requestOutcome, count: 1).flatMap { _ in
            harness.supervisor.settlements.first
        }
        #expect(settled?.cost == .zero)
        #expect(harness.upstream.requests.isEmpty)
    }

    /// A secret in tool arguments that come in pieces, of two calls at once; personal data in them is the tool's to see.
    @Test func toolArgumentsOfAStream() throws {
        func block(_ index: Int, _ json: String) -> String {
            "event: content_block_delta\ndata: "
                + #"{"type":"content_block_delta","index":\#(index),"delta":{"type":"input_json_delta","partial_json":"\#(json)"}}"#
                + "\n\n"
        }
        let key = Planted.openAI
        let cut = key.index(key.startIndex, offsetBy: 15)
        let pieces = [
            block(0, #"{\"k\":\"\#(key[..<cut])"#), block(1, #"{\"to\":\"bob.smith@"#), block(0, key[cut...] + #"\"}"#),
            block(1, #"corp.example\"}"#), "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        ]
        let harness = try Harness { _ in .init(pieces, type: "text/event-stream", isChunked: true) }
        defer { harness.end() }
        let ask = #"{"model":"claude-sonnet-4-5","max_tokens":5,"stream":true,"messages":[]}"#
        let body = Answer.dechunked(
            try harness.exchange("api.anthropic.com", ProxyTests.post("/v1/messages", host: "api.anthropic.com", ask)))
        #expect(body.contains("«OPENAI_KEY»") && !body.contains("aB3dE6"))
        #expect(body.contains("bob.smith@") && body.contains("message_stop"))
    }

    /// Answers that two readers frame differently: the agent gets one sound answer or a refusal, and the next request on its
    /// connection gets its own.
    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nx-a: b\rset-cookie: evil=1\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nx-a: b\r\n set-cookie: evil=1\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 30\r\n\r\n{}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        "HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\nevil",
        "HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\nevil",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: evil\r\nconnection: upgrade\r\n\r\nevil",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nx: evil\r\n\r\nHTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nx: \(String(repeating: "evil", count: 1 << 18))\r\ncontent-length: 2\r\n\r\n{}",
        "evil\r\n\r\n",
    ]) func answersThatAreFramedTwice(raw: String) throws {
        let harness = try Harness { request in
            request.head.uri == "/odd" ? .init(raw: raw) : .init([#"{"after":true}"#])
        }
        defer { harness.end() }
        func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nhost: files.example\r\n\r\n" }
        let client = try harness.connect("files.example")
        client.send(get("/odd") + get("/after"))
        let text = client.wait { $0.contains("after") }
        client.close()
        #expect(text.contains(#"{"after":true}"#) || !text.contains("HTTP/1.1 200"))
        #expect(!text.contains("evil"))
        let again = try harness.exchange("files.example", get("/after"))
        #expect(Answer.body(again) == #"{"after":true}"#)
        #expect(harness.supervisor.violation == nil)
    }

    @Test func manyHostsDoNotBreakTheTotals() throws {
        let harness = try Harness { _ in .init(["{}"]) }
        defer { harness.end() }
        var totals = EgressTotals()
        for number in 0..<4096 { Journal.count("n\(number)." + String(repeating: "x", count: 60) + ".example", in: &totals) }
        _ = try FromEgress.totals(totals).frame()
        #expect(totals.hosts.values.reduce(0, +) == 4096)
    }

    @Test func aProfileThatNamesWhatNothingLooksForDoesNotStart() throws {
        var spec = Spec()
        spec.pii.types = ["EMAIL", "personal"]
        try EgressProcess.check(spec)
        spec.pii.types = ["EMIAL"]
        #expect(throws: HandoverError.self) { try EgressProcess.check(spec) }
    }
}
