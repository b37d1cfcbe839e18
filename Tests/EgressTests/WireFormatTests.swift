// The formats of other providers through the whole of egress: what leaves, what comes back, what is settled.

import Events
import JSONBytes
import NIOHTTP1
import Profile
import Providers
import Testing
import Vocabulary
import Wire

@testable import Egress

@Suite struct WireFormatTests {
    private func granting(_ providers: ProviderID...) -> (inout Spec) -> Void {
        { spec in
            spec.providers = providers.map { ProviderGrant(id: $0) }
            spec.budget.unknownModel = .allow
            spec.budget.perCallMaxTokens = 50
        }
    }

    @Test func aResponseLosesTheSearchNobodyAskedForAndItsSecrets() throws {
        let event = { (type: String, rest: String) in
            "event: \(type)\ndata: {\"type\":\"\(type)\",\"sequence_number\":1\(rest)}\n\n"
        }
        let delta = { (text: String) in
            event("response.output_text.delta", ",\"item_id\":\"m\",\"output_index\":0,\"content_index\":0,\"delta\":\"\(text)\"")
        }
        let item = #"{"type":"message","id":"m","content":[{"type":"output_text","text":"mail carol.jones@corp.example now"}]}"#
        let pieces = [
            event("response.created", #","response":{"id":"r","model":"gpt-5","output":[]}"#), delta("mail carol.jo"),
            delta("nes@corp.example n"), delta("ow"), event("response.output_item.done", ",\"output_index\":0,\"item\":\(item)"),
            event(
                "response.completed",
                ",\"response\":{\"id\":\"r\",\"model\":\"gpt-5\",\"output\":[\(item)],\"usage\":{\"input_tokens\":7,\"output_tokens\":3}}"
            ),
        ]
        let harness = try Harness(granting(.openai)) { _ in .init(pieces, type: "text/event-stream", isChunked: true) }
        defer { harness.end() }
        let asked = #"{"model":"gpt-5","input":"hi","stream":true,"tools":[{"type":"function","name":"f"},{"type":"web_search"}]}"#
        let text = try harness.exchange(Harness.openai, ProxyTests.post("/v1/responses", host: Harness.openai, asked))
        let body = Answer.dechunked(text)
        #expect(Answer.status(text) == 200 && !body.contains("carol") && !body.contains("corp.example"))
        #expect(body.contains("response.completed") && body.contains("«EMAIL»"))
        let sent = try #require(harness.upstream.requests.first).body
        let left = String(decoding: sent, as: UTF8.self)
        #expect(left.contains(#""max_output_tokens":50"#) && left.contains(#""tools":[{"type":"function","name":"f"}]"#))
        let outcome = try #require(harness.supervisor.waitForRecords(.requestOutcome, count: 1)?.first)
        #expect(outcome["redactions"]?["EMAIL"]?.intValue == 1, "said three times, found once")
        #expect(harness.supervisor.settlements.first?.usage.output == 3)
    }

    @Test func aModelInThePathIsMetered() throws {
        let host = "generativelanguage.googleapis.com"
        let chunk =
            #"data: {"candidates":[{"content":{"parts":[{"text":"hello"}]},"index":0,"finishReason":"STOP"}],"modelVersion":"gemini-2.5-flash","usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":2,"thoughtsTokenCount":5}}"#
            + "\n\n"
        let harness = try Harness(granting(.gemini)) { _ in .init([chunk], type: "text/event-stream", isChunked: true) }
        defer { harness.end() }
        let body = #"{"contents":[{"parts":[{"text":"hi"}]}]}"#
        let path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
        let text = try harness.exchange(
            host, ProxyTests.post(path + "?alt=sse", host: host, body, headers: "x-goog-api-key: k\r\n"))
        #expect(Answer.status(text) == 200 && Answer.dechunked(text) == chunk)
        #expect(harness.supervisor.waitForRecords(.requestOutcome, count: 1) != nil)
        #expect(harness.supervisor.settlements.first?.usage == TokenUsage(input: 4, output: 7))
        #expect(harness.supervisor.settlements.first?.model == "gemini-2.5-flash")
        let refused = try harness.exchange(host, ProxyTests.post(path, host: host, body, headers: "x-goog-api-key: k\r\n"))
        #expect(Answer.status(refused) == 403 && refused.contains("PERMISSION_DENIED") && refused.contains("alt=sse"))
        #expect(harness.upstream.requests.count == 1)
    }

    @Test func linesAreStreamedAndRedacted() throws {
        let line = { (text: String, more: String) in
            #"{"model":"m","created_at":"2026-11-21T00:00:00Z","message":{"role":"assistant","content":"\#(text)"},\#(more)}"#
                + "\n"
        }
        let pieces = [
            line("mail carol.jo", #""done":false"#), line("nes@corp.example n", #""done":false"#),
            line("ow", #""done":true,"prompt_eval_count":4,"eval_count":2"#),
        ]
        let harness = try Harness(granting(.ollama)) { _ in .init(pieces, type: "application/x-ndjson", isChunked: true) }
        defer { harness.end() }
        let asked = #"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#
        let text = try harness.exchange("ollama.com", ProxyTests.post("/api/chat", host: "ollama.com", asked))
        let body = Answer.dechunked(text)
        #expect(body.contains("«EMAIL»") && !body.contains("carol") && body.hasSuffix("\"eval_count\":2}\n"))
        #expect(harness.supervisor.waitForRecords(.requestOutcome, count: 1) != nil)
        #expect(harness.supervisor.settlements.first?.usage == TokenUsage(input: 4, output: 2))
    }

    @Test func aBodyUnderAnAWSSignatureIsNotSentBroken() throws {
        let host = "bedrock-runtime.us-east-1.amazonaws.com"
        let usage = #"{"output":{"message":{"content":[{"text":"hello"}]}},"usage":{"inputTokens":4,"outputTokens":2}}"#
        let harness = try Harness(granting(.bedrock)) { _ in .init([usage]) }
        defer { harness.end() }
        let signed = { (key: String, signature: Int) in
            "authorization: AWS4-HMAC-SHA256 Credential=\(key)/20261121/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=\(signature)\r\n"
        }
        let path = "/model/amazon.nova-lite-v1%3A0/converse"
        let bare = #"{"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#
        let refused = try harness.exchange(host, ProxyTests.post(path, host: host, bare, headers: signed("AKIAONE", 1)))
        #expect(Answer.status(refused) == 403 && refused.contains("x-amzn-errortype: AccessDeniedException"))
        #expect(harness.upstream.requests.isEmpty)
        let capped = #"{"inferenceConfig":{"maxTokens":9},"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#
        // Another signature of the same key, and then another key.
        let second = ProxyTests.post(path, host: host, capped, headers: signed("AKIAONE", 2))
        #expect(Answer.status(try harness.exchange(host, second)) == 200)
        let foreign = ProxyTests.post(path, host: host, capped, headers: signed("AKIATWO", 3))
        #expect(Answer.status(try harness.exchange(host, foreign)) == 403)
        #expect(harness.supervisor.waitForRecords(.requestOutcome, count: 1) != nil)
        #expect(harness.supervisor.settlements.first?.usage == TokenUsage(input: 4, output: 2))
        #expect(harness.upstream.requests.first?.body.elementsEqual(capped.utf8) == true)
    }
}
