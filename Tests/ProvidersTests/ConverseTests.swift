// ConverseTests: Bedrock's converse, and the binary messages its streams are made of.

import Testing
import Vocabulary

@testable import Providers

func converse(_ fields: String, content: String = "{\"text\":\"hi\"}") throws -> (ProviderRequest, [UInt8]) {
    let body = Array("{\"messages\":[{\"role\":\"user\",\"content\":[\(content)]}]\(fields.isEmpty ? "" : "," + fields)}".utf8)
    let target = "/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse"
    return (try ProviderRequest.parse(.converse, provider: .bedrock, target: target, body: body, rules: rules), body)
}

struct ConverseRequests {
    @Test func theModelStandsInThePathWithItsEscapesUndone() throws {
        #expect(try converse("").0.model == "anthropic.claude-3-5-sonnet-20241022-v2:0")
    }

    @Test func caps() throws {
        #expect(try sent(converse(""), cap: 50).hasPrefix("{\"inferenceConfig\":{\"maxTokens\":50},"))
        #expect(try sent(converse("\"inferenceConfig\":{\"maxTokens\":90}"), cap: 50).contains("{\"maxTokens\":50}"))
        #expect(try sent(converse("\"inferenceConfig\":{\"maxTokens\":9}"), cap: 50).contains("{\"maxTokens\":9}"))
        let thinking =
            "\"inferenceConfig\":{\"maxTokens\":9000},\"additionalModelRequestFields\":{\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":8000}}"
        #expect(try sent(converse(thinking), cap: 4096).contains("\"budget_tokens\":4095"))
    }

    @Test(arguments: [
        "\"additionalModelRequestFields\":{\"max_tokens\":99999}", "\"additionalModelRequestFields\":{\"tools\":[]}",
        "\"guardrailConfig\":{\"guardrailIdentifier\":\"g\"}", "\"promptVariables\":{}", "\"serviceTier\":{\"type\":\"priority\"}",
        "\"performanceConfig\":{\"latency\":\"optimized\"}",
    ])
    func whatHasNoPrice(field: String) throws { #expect(try converse(field).0.unpriced.count == 1) }

    @Test func toolsAndParts() throws {
        #expect(
            try converse("\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"n\"}},{\"cachePoint\":{\"type\":\"default\"}}]}").0
                .serverTools.isEmpty)
        #expect(
            try converse("\"toolConfig\":{\"tools\":[{\"systemTool\":{\"name\":\"nova_grounding\"}}]}").0.serverTools == [
                "nova_grounding"
            ])
        #expect(try converse("", content: "{\"image\":{\"format\":\"png\",\"source\":{\"bytes\":\"AAAA\"}}}").0.images == 1)
        #expect(
            try converse("", content: "{\"image\":{\"source\":{\"s3Location\":{\"uri\":\"s3://x\"}}}}").0.serverTools == [
                "url_fetch"
            ])
        #expect(try converse("", content: "{\"document\":{\"source\":{\"bytes\":\"AA\"}}}").0.unpriced.count == 1)
        let nested = "{\"toolResult\":{\"toolUseId\":\"t\",\"content\":[{\"video\":{\"source\":{\"s3Location\":{}}}}]}}"
        #expect(try converse("", content: nested).0.serverTools == ["file_reference"])
        #expect(try converse("", content: "{\"toolUse\":{\"type\":\"server_tool_use\"}}").0.unpriced.count == 1)
        #expect(
            try converse("", content: "{\"text\":\"x\"},{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"1h\"}}").0.cacheWrite
                == .oneHour)
        #expect(code { _ = try converse("\"modelId\":\"x\"") } == .unknownField)
    }
}

struct ConverseAnswers {
    @Test func wordsAndUsage() throws {
        let body = Array(
            "{\"output\":{\"message\":{\"content\":[{\"reasoningContent\":{\"reasoningText\":{\"text\":\"why\",\"signature\":\"s\"}}},{\"text\":\"words\"},{\"toolUse\":{\"toolUseId\":\"t\",\"name\":\"n\",\"input\":{\"a\":\"v\"}}}]}},\"usage\":{\"inputTokens\":100,\"outputTokens\":20,\"totalTokens\":185,\"cacheReadInputTokens\":60,\"cacheWriteInputTokens\":5,\"cacheDetails\":[{\"ttl\":\"1h\",\"inputTokens\":3},{\"ttl\":\"5m\",\"inputTokens\":2}]}}"
                .utf8)
        let found = try #require(AnswerText.find(.converse, provider: .bedrock, body: body))
        #expect(found.texts.map(\.text) == ["words", "v"])
        #expect(
            found.usage?.tokens == TokenUsage(input: 100, cachedInput: 60, cacheWrite: 5, output: 20)
                && found.usage?.longCacheWrite == 3)
        let fast = Array(
            "{\"usage\":{\"inputTokens\":1,\"outputTokens\":1},\"performanceConfig\":{\"latency\":\"optimized\"}}".utf8)
        #expect(UsageReader.read(.converse, provider: .bedrock, body: fast)?.serviceTier == "optimized latency")
    }
}

struct ConverseStreams {
    func message(_ name: String, _ json: String) -> [UInt8] { EventMessage.bytes(event: name, data: Array(json.utf8)) }

    func delta(_ delta: String, _ index: Int = 0) -> [UInt8] {
        message("contentBlockDelta", "{\"contentBlockIndex\":\(index),\"delta\":{\(delta)},\"p\":\"abc\"}")
    }

    let usage = "{\"usage\":{\"inputTokens\":9,\"outputTokens\":4,\"totalTokens\":13},\"metrics\":{\"latencyMs\":1}}"

    func run(_ stream: [UInt8], pieces: Int) throws -> ([(name: String, text: String)], StreamReader) {
        let holder = Box(Holder())
        var splitter = MessageSplitter()
        var reader = StreamReader(.converseStream, provider: .bedrock, stripUsage: false)
        var out: [UInt8] = []
        for start in stride(from: 0, to: stream.count, by: pieces) {
            for frame in try splitter.split(stream[start..<min(start + pieces, stream.count)]) {
                let shown = reader.render(
                    frame, feed: { holder.value.feed($0, $1) }, finish: { holder.value.finish($0) },
                    whole: { $0.text.replacing("<x>", with: "#") })
                out += try #require(shown)
            }
        }
        // What leaves is read again with every length and checksum verified.
        var again = MessageSplitter()
        let shown = try again.split(out).map { (name: $0.name, text: String(decoding: $0.data ?? [], as: UTF8.self)) }
        #expect(again.pending == 0)
        return (shown, reader)
    }

    @Test(arguments: [1, 13, 100_000])
    func messagesInAnyPieces(pieces: Int) throws {
        let stream =
            message("messageStart", "{\"role\":\"assistant\"}") + delta("\"text\":\"mail <ca\"") + delta("\"text\":\"rol> <op\"")
            + message("contentBlockStop", "{\"contentBlockIndex\":0}")
            + message("contentBlockStart", "{\"contentBlockIndex\":1,\"start\":{\"toolUse\":{\"toolUseId\":\"t\",\"name\":\"n\"}}}")
            + delta("\"toolUse\":{\"input\":\"{<k\"}", 1) + delta("\"toolUse\":{\"input\":\"ey>}\"}", 1)
            + message("contentBlockStop", "{\"contentBlockIndex\":1}") + message("messageStop", "{\"stopReason\":\"tool_use\"}")
            + message("metadata", usage)
        let (out, reader) = try run(stream, pieces: pieces)
        let text = out.map(\.text).joined()
        #expect(!text.contains("carol") && !text.contains("<k") && text.contains("{\"toolUse\":{\"input\":\"#}\"}}"))
        let held = try #require(out.firstIndex { $0.text == "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"<op\"}}" })
        #expect(out[held].name == "contentBlockDelta" && out[held + 1].name == "contentBlockStop")
        #expect(reader.isFinished && reader.usage?.tokens == TokenUsage(input: 9, output: 4))
    }

    @Test func cleanMessagesPassByteForByte() throws {
        var splitter = MessageSplitter()
        let raw = delta("\"text\":\"a\"")
        var reader = StreamReader(.converseStream, provider: .bedrock, stripUsage: false)
        let frame = try #require(try splitter.split(raw).first)
        let shown = reader.render(frame, feed: { $1 }, finish: { _ in "" }, whole: { $0.text })
        #expect(shown == raw)
    }

    @Test func thinkingIsSignedAndCitationsAreWhole() throws {
        let stream =
            delta("\"reasoningContent\":{\"text\":\"<x>\"}") + delta("\"reasoningContent\":{\"signature\":\"s\"}")
            + delta("\"citation\":{\"title\":\"<x>\"}", 1)
        let (out, reader) = try run(stream, pieces: 40)
        #expect(out[0].text.contains("<x>") && out[2].text.contains("\"title\":\"#\""))
        #expect(reader.usage == nil && !reader.isFinished)
    }

    @Test func closingFinishesTheTurn() throws {
        var (_, reader) = try run(message("messageStart", "{\"role\":\"assistant\"}") + delta("\"text\":\"a\""), pieces: 9)
        var splitter = MessageSplitter()
        let names = try splitter.split(reader.closing(note: "over")).map(\.name)
        #expect(names == ["contentBlockStop", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"])
        var fresh = StreamReader(.converseStream, provider: .bedrock, stripUsage: false)
        #expect(try splitter.split(fresh.closing(note: "over")).map(\.name).first == "messageStart")
        // The message had its end already, only its bill was missing.
        var (_, ended) = try run(message("messageStop", "{\"stopReason\":\"end_turn\"}"), pieces: 9)
        #expect(try splitter.split(ended.closing(note: "over")).map(\.name) == ["metadata"])
    }

    @Test func aKnownMessageAndItsChecksums() throws {
        // From the format's description: no headers, payload `{'foo':'bar'}`.
        let known: [UInt8] =
            [0, 0, 0, 0x1d, 0, 0, 0, 0, 0xfd, 0x52, 0x8c, 0x5a] + Array("{'foo':'bar'}".utf8) + [0xc3, 0x65, 0x39, 0x36]
        #expect(EventMessage(known)?.data == Array("{'foo':'bar'}".utf8))
        #expect(CRC32.of(Array("123456789".utf8)[...]) == 0xcbf4_3926)
    }

    @Test func everyDamagedByteIsSeen() throws {
        let good = delta("\"text\":\"a\"")
        for at in good.indices {
            var bad = good
            bad[at] ^= 0x20
            var splitter = MessageSplitter(maxMessage: 4096)
            #expect(throws: FrameError.damaged, "byte \(at)") { _ = try splitter.split(bad) }
        }
    }

    @Test func headersOfAllTypesAndExceptions() throws {
        var headers: [UInt8] = []
        for (type, value) in [
            (0, []), (1, []), (2, [1]), (3, [0, 1]), (4, [0, 0, 0, 1]), (5, [UInt8](repeating: 0, count: 8)), (6, [0, 2, 9, 9]),
            (8, [UInt8](repeating: 0, count: 8)), (9, [UInt8](repeating: 0, count: 16)),
        ] as [(UInt8, [UInt8])] {
            headers += [1, UInt8(ascii: "h"), type] + value
        }
        for (name, value) in [(":message-type", "exception"), (":exception-type", "throttlingException")] {
            headers += [UInt8(name.utf8.count)] + Array(name.utf8) + [7, 0, UInt8(value.utf8.count)] + Array(value.utf8)
        }
        let raw = EventMessage.bytes(headers: headers[...], data: Array("{\"message\":\"<x>\"}".utf8))
        #expect(EventMessage(raw)?.name == "!throttlingException")
        let (out, reader) = try run(raw, pieces: 7)
        #expect(out.map(\.text) == ["{\"message\":\"#\"}"] && reader.usage == nil && !reader.isFinished)
        #expect(EventMessage(EventMessage.bytes(headers: [1, 0x61, 99], data: [])) == nil)
    }
}
