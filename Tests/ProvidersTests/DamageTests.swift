// DamageTests: whatever comes in, nothing traps, and what is passed on is still what a client can read.

import JSONBytes
import Testing
import Vocabulary

@testable import Providers

/// A generator with a seed, so that a failure can be run again.
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

struct Damage {
    static let bodies = [
        "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"caf\\u00e9\"}]}],\"n\":2,\"max_tokens\":9,\"stream\":true,\"stream_options\":{\"include_usage\":false},\"tools\":[{\"type\":\"function\"}]}",
        "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"system\":[{\"type\":\"text\",\"text\":\"s\",\"cache_control\":{\"ttl\":\"1h\"}}],\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2048}}",
        "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a<b\",\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}",
        "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a>b\"}}",
        "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":3,\"iterations\":[{\"input_tokens\":4}]}}",
    ]

    static func damaged(_ text: String, _ random: inout Seeded) -> [UInt8] {
        var bytes = Array(text.utf8)
        let alphabet = Array("{}[]\",:\\0129-.eEtfnu \u{7f}\u{e9}".utf8) + [0x00, 0xff]
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[at] = byte
            case 1: bytes.insert(byte, at: at)
            case 2: bytes.remove(at: at)
            default: bytes.removeSubrange(at...)
            }
        }
        return bytes
    }

    @Test(arguments: 1...20)
    func requestsAreRefusedOrStayStrict(seed: Int) throws {
        var random = Seeded(state: UInt64(seed))
        var parsed = 0
        for _ in 0..<400 {
            for (kind, provider) in [(OperationKind.chatCompletions, ProviderID.openai), (.messages, .anthropic)] {
                let body = Self.damaged(Self.bodies[kind == .chatCompletions ? 0 : 1], &random)
                guard let request = try? ProviderRequest.parse(kind, provider: provider, body: body, rules: rules) else { continue }
                guard let rewritten = try? request.rewritten(cap: 1500, words: words) else { continue }
                parsed += 1
                let out = try #require(BodyEdit.apply(rewritten.edits, to: body))
                // What leaves has one cap, and it is held: read back with the other reader of JSON.
                let value = try JSONValue.parse(out)
                let caps = ["max_tokens", "max_completion_tokens"].compactMap { value[$0]?.intValue }
                #expect(caps.count == 1 && caps.allSatisfy { (1...1500).contains($0) })
                #expect(request.textTokensBound >= Int64(body.count))
            }
        }
        #expect(parsed > 0)
    }

    @Test(arguments: 1...20)
    func streamsArePassedOnWholeOrNotAtAll(seed: Int) throws {
        var random = Seeded(state: UInt64(seed))
        for provider in [ProviderID.openai, .anthropic] {
            var parser = EventStreamParser(maxEvent: 4096)
            var reader = StreamReader(operation(provider), provider: provider, stripUsage: true)
            for _ in 0..<300 {
                let data = Self.damaged(Self.bodies[Int.random(in: 2..<5, using: &random)], &random).filter {
                    $0 != 0x0a && $0 != 0x0d
                }
                for event in try parser.feed(Array("data: ".utf8) + data + [0x0a, 0x0a]) {
                    guard
                        let out = reader.render(
                            event, feed: { $1.replacing("<", with: "\"\\") }, finish: { _ in "held" }, whole: { $0.text })
                    else { continue }
                    var again = EventStreamParser(maxEvent: 1 << 16)
                    for shown in try again.feed(out) {
                        let data = try #require(shown.data)
                        #expect(data.elementsEqual("[DONE]".utf8) || JSONNode.parse(data) != nil)
                    }
                }
            }
            _ = UsageReader.read(operation(provider), provider: provider, body: Self.damaged(Self.bodies[2], &random))
            _ = AnswerText.find(operation(provider), provider: provider, body: Self.damaged(Self.bodies[4], &random))
            _ = reader.closing(note: "end")
            #expect(reader.isFinished && reader.openChannels.isEmpty)
        }
    }

    /// Every format's requests, answers and streams, damaged: nothing traps, and what is passed on is whole.
    @Test(arguments: Providers.presets.flatMap { preset in Set(preset.endpoints.map(\.kind)).map { (preset.id, $0) } })
    func everyFormatSurvives(provider: ProviderID, kind: OperationKind) throws {
        var random = Seeded(state: UInt64(kind.rawValue.utf8.count) &* 31)
        let target =
            try #require(Providers.preset(provider)?.endpoints.first { $0.kind == kind }).path.replacing("{model}", with: "m")
            + "?alt=sse"
        let bodies = [
            "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"x\"}]}],\"tools\":[{\"type\":\"web_search\"},{\"type\":\"function\"}],\"stream\":true}",
            "{\"contents\":[{\"parts\":[{\"text\":\"x\"},{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AA\"}}]}],\"generationConfig\":{\"maxOutputTokens\":9},\"tools\":[{\"functionDeclarations\":[{}]}]}",
            "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"x\"},{\"toolResult\":{\"content\":[{\"json\":{}}]}}]}],\"inferenceConfig\":{},\"toolConfig\":{\"tools\":[{\"toolSpec\":{}}]}}",
            "{\"model\":\"m\",\"messages\":[{\"content\":\"x\",\"images\":[\"AA\"]}],\"options\":{\"num_predict\":-1}}",
            Self.bodies[0], Self.bodies[1],
        ]
        let answers = [
            "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"a<b\",\"logprobs\":[]}",
            "{\"type\":\"response.completed\",\"response\":{\"output\":[{\"content\":[{\"text\":\"a\"}]}],\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}}",
            "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a<\",\"thought\":true}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":3}}",
            "{\"model\":\"m\",\"message\":{\"content\":\"a<\",\"tool_calls\":[{\"function\":{\"arguments\":{\"a\":\"b\"}}}]},\"done\":true,\"eval_count\":3,\"prompt_eval_count\":1}",
            "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"a<\",\"toolUse\":{\"input\":\"{\"}},\"usage\":{\"inputTokens\":1,\"outputTokens\":2}}",
            Self.bodies[2],
        ]
        var reader = StreamReader(kind, provider: provider, stripUsage: true)
        for round in 0..<120 {
            var body = Self.damaged(bodies[round % bodies.count], &random)
            if round < bodies.count { body = Array(bodies[round].utf8) }
            if var request = try? ProviderRequest.parse(kind, provider: provider, target: target, body: body, rules: rules) {
                if round % 2 == 0 { request.omitServerTools() }
                if let rewritten = try? request.rewritten(cap: 1500, words: words) {
                    let out = try #require(BodyEdit.apply(rewritten.edits, to: body))
                    _ = try JSONValue.parse(out)
                }
            }
            let data = Self.damaged(answers[round % answers.count], &random).filter { $0 != 0x0a && $0 != 0x0d }
            _ = UsageReader.read(kind, provider: provider, body: data)
            if let found = AnswerText.find(kind, provider: provider, body: data) {
                #expect(BodyEdit.apply(found.edits, to: data) != nil)
            }
            for name in ["contentBlockDelta", "contentBlockStop", "metadata"] {
                let meaning = reader.read(data, name: name)
                #expect(meaning.disposition != .pass || BodyEdit.apply(meaning.edits, to: data) != nil)
                for text in meaning.texts { #expect(text.range.upperBound <= data.count) }
                for channel in meaning.closes { _ = reader.flushEvent(channel, text: "held") }
            }
        }
        _ = reader.closing(note: "end")
        #expect(reader.openChannels.isEmpty)
    }

    @Test func theIndexStaysWithinItsBytes() {
        for text in ["\"", "\"\\", "{\"a", "{\"a\\", "[", "{", "{\"a\":", "", "\\", "[\"\\\"", "{\"a\":1,"] {
            #expect(JSONNode.index(Array(text.utf8))?.isObject != true)
        }
    }
}
