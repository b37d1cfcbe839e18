// How answers end when somebody goes away: the agent, the upstream, or the session.

import Events
import JSONBytes
import NIOHTTP1
import Testing
import Vocabulary
import Wire

@testable import Egress

@Suite struct EndingTests {
    private static let delta =
        #"data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"some words to be read, "},"finish_reason":null}]}"#
        + "\n\n"
    private static let usage =
        #"data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}"#
        + "\n\ndata: [DONE]\n\n"

    private func streaming(_ pieces: [String?], breaksOff: Bool = false) throws -> Harness {
        try Harness { _ in .init(pieces, type: "text/event-stream", isChunked: true, breaksOff: breaksOff) }
    }

    @Test func anAgentThatHangsUpIsSettledByTheRealUsage() throws {
        let harness = try streaming([Self.delta, nil, Self.usage])
        defer { harness.end() }
        let client = try harness.connect(Harness.openai)
        client.send(ProxyTests.chat("x", extra: #","stream":true"#))
        client.wait { $0.contains("some words") }
        client.close()
        harness.upstream.release()
        let outcome = try #require(harness.supervisor.waitForRecords(.requestOutcome, count: 1)?.first)
        #expect(outcome["cut"]?.stringValue == "client_gone")
        let settlement = try #require(harness.supervisor.settlements.first)
        #expect(settlement.usageKnown && settlement.usage.output == 3)
    }

    @Test func anUpstreamThatBreaksOffLeavesTheReservationSpent() throws {
        let harness = try streaming([Self.delta], breaksOff: true)
        defer { harness.end() }
        let text = try harness.exchange(Harness.openai, ProxyTests.chat("x", extra: #","stream":true"#))
        #expect(Answer.dechunked(text).contains("broke off"), "the turn is ended in the protocol's own way")
        #expect(harness.supervisor.waitForRecords(.requestOutcome, count: 1) != nil)
        let settlement = try #require(harness.supervisor.settlements.first)
        #expect(!settlement.usageKnown && settlement.cost > .zero)
    }

    @Test func aStopEndsOpenAnswersAndRefusesTheRest() throws {
        let harness = try streaming([Self.delta, nil, Self.usage])
        defer { harness.end() }
        let client = try harness.connect(Harness.openai)
        client.send(ProxyTests.chat("x", extra: #","stream":true"#))
        client.wait { $0.contains("some words") }
        harness.supervisor.say(.stop(why: .budgetExceeded, told: "akios-exec: budget used up, stopping"))
        let text = client.wait { $0.hasSuffix("0\r\n\r\n") }
        #expect(Answer.dechunked(text).contains("budget used up") && text.contains("[DONE]"))
        #expect(harness.supervisor.waitForRecords(.requestOutcome, count: 1)?.first?["cut"]?.stringValue == "stopped")
        let after = try harness.exchange(Harness.openai, ProxyTests.chat("y"))
        #expect(Answer.status(after) == 400 && after.contains("budget used up"))
        #expect(harness.upstream.requests.count == 1)
    }

    @Test func finishSettlesWhatIsOpenSendsTotalsAndCloses() throws {
        let harness = try Harness { _ in .init([ProxyTests.completion]) }
        #expect(Answer.status(try harness.exchange(Harness.openai, ProxyTests.chat("to jane.doe@example.com"))) == 200)
        harness.end()
        let totals = try #require(
            harness.supervisor.wait { seen -> EgressTotals? in
                guard seen.ended else { return nil }
                return seen.messages.compactMap { if case .totals(let totals) = $0 { totals } else { nil } }.last
            })
        #expect(totals.requests == 1 && totals.denied == 0 && totals.hosts == [Harness.openai: 1])
        #expect(totals.redactions == ["EMAIL": 2], "one out, one in")
        #expect(totals.bytesOut > 0 && totals.bytesIn > 0)
        #expect(harness.supervisor.violation == nil)
    }
}
