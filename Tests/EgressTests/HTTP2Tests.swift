// HTTP/2 through egress, end to end: streams side by side, each with a decision, a record and a settlement of its own;
// trailers, either protocol on either side, and what a hostile client does to a connection.

import Events
import JSONBytes
import NIOCore
import NIOHPACK
import NIOHTTP1
import Profile
import Testing
import Vocabulary
import Wire

@testable import Egress

@Suite struct HTTP2Tests {
    private static let files = "files.example"

    private static func chat(_ text: String, extra: String = "") -> [UInt8] {
        Array(#"{"model":"gpt-4o","messages":[{"role":"user","content":"\#(text)"}],"max_tokens":50\#(extra)}"#.utf8)
    }
    private static let chatHead =
        HTTP2Client.head("POST", Harness.openai, "/v1/chat/completions") + [
            ("content-type", "application/json"), ("authorization", "Bearer sk-test"),
        ]

    @Test(arguments: [["h2", "http/1.1"], ["http/1.1"]])
    func aModelCallIsRedactedAndSettledWhateverTheUpstreamSpeaks(_ protocols: [String]) throws {
        let harness = try Harness(upstreamSpeaks: protocols) { _ in .init([ProxyTests.completion]) }
        defer { harness.end() }
        let client = try harness.connectHTTP2(Harness.openai)
        let answer = try client.request(Self.chatHead, body: Self.chat("I am jane.doe@example.com")).wait()
        #expect(answer.heads.last?.first(name: ":status") == "200" && answer.ended)
        let text = String(decoding: answer.body, as: UTF8.self)
        #expect(text.contains("«EMAIL»") && !text.contains("bob.smith"))
        let sent = try #require(harness.upstream.requests.first)
        #expect(String(decoding: sent.body, as: UTF8.self).contains("I am «EMAIL»"))
        #expect(sent.head.version == (protocols[0] == "h2" ? .http2 : .http1_1))
        #expect(sent.head.headers["host"] == [Harness.openai])
        #expect(harness.supervisor.waitForRecords(.requestOutcome, count: 1) != nil)
        #expect(harness.supervisor.settlements.first?.usage.output == 20)
        #expect(harness.supervisor.violation == nil)
    }

    @Test func aHostThatSpeaksHTTP2OnlyIsKnownByItsAlert() {
        struct Alert: Error, CustomStringConvertible { let description = "handshakeFailed: TLSV1_ALERT_NO_APPLICATION_PROTOCOL" }
        #expect(UpstreamFailure(Alert()).refusesProtocols)
        #expect(!UpstreamFailure(ChannelError.connectTimeout(.seconds(1))).refusesProtocols)
    }

    @Test func streamsShareUpstreamConnectionsAndHaveADecisionEach() throws {
        let harness = try Harness { request in .init([#"{"path":"\#(request.head.uri)"}"#]) }
        defer { harness.end() }
        let client = try harness.connectHTTP2(Self.files)
        let streams = try (0..<50).map { try client.get(Self.files, "/\($0)") }
        let denied = try client.request(HTTP2Client.head("DELETE", Self.files, "/x"))
        for (number, stream) in streams.enumerated() {
            stream.wait()
            #expect(stream.status == 200 && stream.text == #"{"path":"/\#(number)"}"#)
        }
        #expect(denied.wait().ended && denied.status == 403)
        #expect(harness.upstream.requests.count == 50)
        // Two with wide windows and few streams, then one with narrow windows for all others.
        #expect(Set(harness.upstream.requests.map(\.connection)).count <= 3)
        #expect(harness.supervisor.waitForRecords(.requestOutcome, count: 50) != nil)
        #expect(harness.supervisor.records(.requestRefused).count == 1)
    }

    @Test func trailersReachTheAgentWithoutKeysOrFraming() throws {
        let harness = try Harness { _ in
            var answer = Upstream.Answer(["x"], type: "application/octet-stream")
            answer.trailers = [("grpc-status", "0"), ("content-length", "7"), ("set-cookie", "a=b")]
            return answer
        }
        defer { harness.end() }
        let client = try harness.connectHTTP2(Self.files)
        let answer = try client.get(Self.files, "/t", [("te", "trailers")]).wait()
        #expect(answer.ended && answer.trailers?.first(name: "grpc-status") == "0" && answer.trailers?.count == 1)
        #expect(harness.upstream.requests.first?.head.headers["te"] == ["trailers"])
    }

    @Test func aGRPCClientReadsItsRefusalInTheTrailers() throws {
        let harness = try Harness { _ in .init(["x"]) }
        defer { harness.end() }
        let client = try harness.connectHTTP2(Self.files)
        let fields =
            HTTP2Client.head("DELETE", Self.files, "/a.B/C") + [("content-type", "application/grpc+proto"), ("te", "trailers")]
        let answer = try client.request(fields, body: [0, 0, 0, 0, 0]).wait()
        #expect(answer.heads.last?.first(name: ":status") == "200" && answer.body.isEmpty && answer.ended)
        #expect(answer.trailers?.first(name: "grpc-status") == "7")
        #expect(answer.trailers?.first(name: "grpc-message")?.contains("Ask the operator") == true)
    }

    @Test func aStreamedAnswerIsRedactedAcrossDeltas() throws {
        func delta(_ text: String) -> String {
            #"data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"\#(text)"},"finish_reason":null}]}"#
                + "\n\n"
        }
        let pieces: [String?] = [delta("mail carol.jo"), nil, delta("nes@corp.example now"), "data: [DONE]\n\n"]
        let harness = try Harness { _ in .init(pieces, type: "text/event-stream", isChunked: true) }
        defer { harness.end() }
        let client = try harness.connectHTTP2(Harness.openai)
        let stream = try client.request(Self.chatHead, body: Self.chat("x", extra: #","stream":true"#))
        #expect(
            String(decoding: stream.wait { String(decoding: $0.body, as: UTF8.self).contains("mail") }.body, as: UTF8.self)
                .contains("mail"))
        #expect(!stream.now.ended, "the first event is there before the answer's end")
        harness.upstream.release()
        let text = String(decoding: stream.wait().body, as: UTF8.self)
        #expect(text.contains("«EMAIL»") && !text.contains("carol") && text.hasSuffix("data: [DONE]\n\n"))
    }

    @Test func aResetStreamIsDrainedForItsUsageAndTheOthersGoOn() throws {
        let usage =
            #"data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}"#
            + "\n\ndata: [DONE]\n\n"
        let delta =
            #"data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"some words to be read, "},"finish_reason":null}]}"#
            + "\n\n"
        let harness = try Harness { _ in .init([delta, nil, usage], type: "text/event-stream", isChunked: true) }
        defer { harness.end() }
        let client = try harness.connectHTTP2(Harness.openai)
        let gone = try client.request(Self.chatHead, body: Self.chat("x", extra: #","stream":true"#))
        let stays = try client.request(Self.chatHead, body: Self.chat("y", extra: #","stream":true"#))
        gone.wait { !$0.body.isEmpty }
        stays.wait { !$0.body.isEmpty }
        gone.reset()
        gone.wait { $0.closed }
        harness.upstream.release()
        #expect(stays.wait().ended && stays.text.contains("some words"))
        let outcomes = try #require(harness.supervisor.waitForRecords(.requestOutcome, count: 2))
        #expect(outcomes.compactMap { $0["cut"]?.stringValue } == ["client_gone"])
        #expect(harness.supervisor.settlements.map(\.usage.output) == [3, 3])
    }

    @Test func aRefusedUploadIsAnsweredAndTheConnectionServesOn() throws {
        let harness = try Harness({ $0.network.limits.body = ByteSize(bytes: 100_000) }) { _ in .init(["ok"]) }
        defer { harness.end() }
        let client = try harness.connectHTTP2(Self.files)
        let upload = try client.request(HTTP2Client.head("PUT", Self.files, "/big"), open: true)
        upload.send([UInt8](repeating: 0x61, count: 150_000), end: false)
        #expect(upload.wait { !$0.heads.isEmpty && $0.ended }.ended && upload.status == 413)
        upload.send([0x61], end: true)
        #expect(try client.get(Self.files, "/next").wait().ended)
        #expect(harness.upstream.requests.map { $0.head.uri } == ["/next"])
    }

    @Test(arguments: [
        [(":method", "GET"), (":scheme", "http"), (":authority", "files.example"), (":path", "/")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "files.example"), (":path", "/"), ("host", "evil.example")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "files.example"), (":path", "https://evil.example/")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "files.example"), (":path", "/a b")],
        [(":method", "GET"), (":scheme", "https"), (":path", "/")],
        [
            (":method", "PUT"), (":scheme", "https"), (":authority", "files.example"), (":path", "/"), ("content-type", "a"),
            ("content-type", "b"),
        ],
        [(":method", "GET"), (":scheme", "https"), (":authority", "evil.example"), (":path", "/")],
        [(":method", "CONNECT"), (":authority", "evil.example:443")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "files.example"), (":path", "/"), ("x", "a\r\ny: b")],
        [
            (":method", "GET"), (":scheme", "https"), (":authority", "files.example"), (":path", "/"),
            ("transfer-encoding", "chunked"),
        ],
        [(":method", "GET"), (":method", "PUT"), (":scheme", "https"), (":authority", "files.example"), (":path", "/")],
    ])
    func ambiguousHeadsLeaveNothing(_ fields: [(String, String)]) throws {
        let harness = try Harness { _ in .init(["ok"]) }
        defer { harness.end() }
        let client = try harness.connectHTTP2(Self.files)
        let stream = try client.request(fields)
        stream.wait()
        #expect(stream.status == 0 || stream.status >= 400)
        // What was wrong with one of them is not what is wrong with all.
        let other = try client.get(Self.files, "/fine")
        #expect(other.wait().ended && other.status == 200)
        #expect(harness.upstream.requests.map(\.head.uri) == ["/fine"])
    }

    @Test func aRapidResetEndsTheConnectionAndEgressLivesOn() throws {
        let harness = try Harness { _ in .init(["ok"]) }
        defer { harness.end() }
        let client = try harness.connectHTTP2(Self.files)
        for number in 0..<2000 where !client.isClosed {
            guard let stream = try? client.get(Self.files, "/\(number)") else { break }
            stream.reset()
        }
        #expect(client.waitForClose())
        let again = try harness.connectHTTP2(Self.files).get(Self.files, "/after")
        #expect(again.wait().ended && again.status == 200)
        #expect(harness.supervisor.waitForRecords(.connectionRefused, count: 1) != nil)
    }

    @Test func aContinuationFloodEndsTheConnection() throws {
        let harness = try Harness { _ in .init(["ok"]) }
        defer { harness.end() }
        let client = try harness.connectHTTP2(Self.files)
        // HEADERS on stream 1 without END_HEADERS, then CONTINUATION frames for ever (CVE-2024-27316).
        client.raw([0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82])
        for _ in 0..<200 { client.raw([0, 0, 1, 9, 0, 0, 0, 0, 1, 0x84]) }
        #expect(client.waitForClose())
        #expect(try harness.connectHTTP2(Self.files).get(Self.files, "/after").wait().ended)
    }

    @Test func aStopEndsOpenStreamsInTheProtocolsOwnWay() throws {
        let delta =
            #"data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"some words to be read, "},"finish_reason":null}]}"#
            + "\n\n"
        let harness = try Harness { _ in .init([delta, nil], type: "text/event-stream", isChunked: true) }
        defer { harness.end() }
        let client = try harness.connectHTTP2(Harness.openai)
        let stream = try client.request(Self.chatHead, body: Self.chat("x", extra: #","stream":true"#))
        stream.wait { !$0.body.isEmpty }
        harness.supervisor.say(.stop(why: .budgetExceeded, told: "akios-exec: budget used up, stopping"))
        #expect(stream.wait().ended)
        #expect(stream.text.contains("budget used up"))
        #expect(stream.text.contains("[DONE]"))
        #expect(harness.supervisor.waitForRecords(.requestOutcome, count: 1)?.first?["cut"]?.stringValue == "stopped")
    }

    @Test func aStreamBeyondWhatEgressHoldsIsRefusedUnanswered() throws {
        let harness = try Harness {
            $0.network.limits.connections = 1
        } answer: { _ in
            .init(["x"])
        }
        defer { harness.end() }
        let client = try harness.connectHTTP2(Self.files)
        // Answered or not, a stream is there for as long as its request has not ended.
        let head = HTTP2Client.head("POST", Self.files, "/x")
        let open = try (0..<4).map { _ in try client.request(head, open: true) }
        for stream in open.dropFirst() { #expect(stream.wait { !$0.heads.isEmpty }.heads.count == 1) }
        let one = try client.get(Self.files, "/more")
        #expect(one.wait().error?.contains("Refused Stream") == true && one.status == 0)
        let refused = harness.supervisor.waitForRecords(.connectionRefused, count: 1)
        #expect(refused?.first?["code"]?.stringValue == "rate_limited")
    }

    @Test func anAgentThatDoesNotReadHoldsTheUpstreamNotTheMemory() throws {
        let piece = String(repeating: "x", count: 65_536)
        let harness = try Harness { _ in .init([String?](repeating: piece, count: 120), type: "application/octet-stream") }
        defer { harness.end() }
        let client = try harness.connectHTTP2(Self.files)
        let slow = try client.get(Self.files, "/slow")
        slow.setReading(false)
        let other = try client.get(Self.files, "/fast")
        #expect(other.wait().body.count == 120 * 65_536, "one slow stream does not hold the others")
        slow.setReading(true)
        #expect(slow.wait().body.count == 120 * 65_536)
    }
}
