// StreamTests: streams as the vendors send them, cut in every way.

import Testing
import Vocabulary

@testable import Providers

/// A toy redactor that holds a `<` and everything behind it back until `>` comes, and replaces such a piece by `#`.
struct Holder {
    var held: [StreamChannel: String] = [:]

    mutating func feed(_ channel: StreamChannel, _ text: String) -> String {
        var all = (held[channel] ?? "") + text
        var out = ""
        while let open = all.firstIndex(of: "<") {
            out += all[..<open]
            guard let close = all[open...].firstIndex(of: ">") else {
                held[channel] = String(all[open...])
                return out
            }
            out += "#"
            all = String(all[all.index(after: close)...])
        }
        held[channel] = ""
        return out + all
    }

    mutating func finish(_ channel: StreamChannel) -> String {
        defer { held[channel] = nil }
        return held[channel] ?? ""
    }
}

/// A stream of text through reader and redactor, in pieces of so many bytes.
func through(
    _ stream: String, provider: ProviderID, _ kind: OperationKind? = nil, strip: Bool = false, pieces: Int
) throws -> (String, StreamReader) {
    let kind = kind ?? operation(provider)
    var parser = kind.framing(provider).splitter()
    var reader = StreamReader(kind, provider: provider, stripUsage: strip)
    let holder = Box(Holder())
    var out: [UInt8] = []
    let bytes = Array(stream.utf8)
    for start in stride(from: 0, to: bytes.count, by: pieces) {
        for event in try parser.split(bytes[start..<min(start + pieces, bytes.count)]) {
            let shown = reader.render(
                event, feed: { holder.value.feed($0, $1) }, finish: { holder.value.finish($0) },
                whole: { $0.text.replacing("<x>", with: "#") })
            out += try #require(shown)
        }
    }
    return (String(decoding: out, as: UTF8.self), reader)
}

final class Box<Value> {
    var value: Value
    init(_ value: Value) { self.value = value }
}

func openAIChunk(_ delta: String, finish: String = "null", more: String = "", index: Int = 0) -> String {
    "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o\",\"choices\":[{\"index\":\(index),\"delta\":{\(delta)},\"finish_reason\":\(finish)}]\(more)}\n\n"
}

struct OpenAIStreams {
    static let usage =
        "data: {\"id\":\"x\",\"choices\":[],\"model\":\"gpt-4o\",\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":20,\"total_tokens\":120}}\n\n"

    @Test(arguments: [1, 2, 3, 7, 64, 100_000])
    func heldTextComesBeforeTheEnd(pieces: Int) throws {
        let stream =
            openAIChunk("\"role\":\"assistant\",\"content\":\"\"") + openAIChunk("\"content\":\"mail <ca\"")
            + openAIChunk("\"content\":\"rol> n\"")
            + openAIChunk("\"content\":\"ow <open\"") + openAIChunk("", finish: "\"stop\"") + "data: [DONE]\n\n"
        let (out, reader) = try through(stream, provider: .openai, strip: false, pieces: pieces)
        #expect(!out.contains("carol") && out.contains("\"content\":\"# n\""))
        let flush = try #require(out.firstRange(of: "\"content\":\"<open\""))
        let stop = try #require(out.firstRange(of: "\"finish_reason\":\"stop\""))
        #expect(flush.lowerBound < stop.lowerBound)
        #expect(reader.isFinished && out.hasSuffix("data: [DONE]\n\n"))
    }

    @Test func textInTheClosingChunkKeepsItsOrder() throws {
        let stream = openAIChunk("\"content\":\"a<b\"") + openAIChunk("\"content\":\"c\"", finish: "\"length\"")
        let (out, _) = try through(stream, provider: .openai, strip: false, pieces: 5)
        #expect(out.contains("\"delta\":{\"content\":\"<bc\"},\"finish_reason\":\"length\""))
    }

    @Test func channelsDoNotMix() throws {
        let call = { (index: Int, text: String) in "\"tool_calls\":[{\"index\":\(index),\"function\":{\"arguments\":\"\(text)\"}}]"
        }
        let stream =
            openAIChunk(call(0, "p<q")) + openAIChunk(call(1, "r")) + openAIChunk("\"content\":\"s>\"", index: 1)
            + openAIChunk(call(0, "t>"))
            + openAIChunk("", finish: "\"tool_calls\"")
        let (out, _) = try through(stream, provider: .openai, strip: false, pieces: 11)
        #expect(out.contains("\"arguments\":\"p\"") && out.contains("\"arguments\":\"r\"") && out.contains("\"arguments\":\"#\""))
        #expect(out.contains("\"content\":\"s>\""))
    }

    @Test func usageThatWeAskedForIsTakenOutAgain() throws {
        let stream =
            openAIChunk("\"content\":\"a\"", more: ",\"usage\":null") + openAIChunk("", finish: "\"stop\"", more: ",\"usage\":null")
            + Self.usage + "data: [DONE]\n\n"
        let (out, reader) = try through(stream, provider: .openai, strip: true, pieces: 3)
        #expect(!out.contains("usage") && out.components(of: "data: ") == 3)
        #expect(reader.usage?.tokens == TokenUsage(input: 100, output: 20))
    }

    @Test func usageThatTheAgentAskedForStays() throws {
        let (out, reader) = try through(
            openAIChunk("\"content\":\"a\"", more: ",\"usage\":null") + Self.usage, provider: .openai, strip: false, pieces: 9)
        #expect(out.contains("\"usage\":null") && out.contains("\"prompt_tokens\":100"))
        #expect(reader.usage?.tokens.output == 20)
    }

    @Test func cleanEventsPassByteForByte() throws {
        let stream = ": keep-alive\n\n" + openAIChunk("\"content\":\"caf\\u00e9\"") + "data: [DONE]\n\n"
        #expect(try through(stream, provider: .openai, strip: false, pieces: 4).0 == stream)
    }

    @Test func logProbabilitiesDoNotRepeatTheText() throws {
        let stream =
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"logprobs\":{\"content\":[{\"token\":\"secret\"}]},\"finish_reason\":null}]}\n\n"
        let (out, _) = try through(stream, provider: .openai, strip: false, pieces: 50)
        #expect(!out.contains("secret") && out.contains("\"logprobs\":null"))
    }

    @Test func aCutStreamHasNoUsageAndNoEnd() throws {
        let (_, reader) = try through(openAIChunk("\"content\":\"a\""), provider: .openai, strip: true, pieces: 6)
        #expect(reader.usage == nil && !reader.isFinished)
    }

    @Test func aReportInTheMiddleIsNotTheLastWord() throws {
        let early = openAIChunk("\"content\":\"a\"", more: ",\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":1}")
        #expect(try through(early, provider: .openai, strip: false, pieces: 30).1.usage == nil)
        #expect(try through(early + "data: [DONE]\n\n", provider: .openai, strip: false, pieces: 30).1.usage?.tokens.output == 1)
    }

    @Test func whatIsNotReadableIsNotPassedOn() throws {
        var reader = StreamReader(.chatCompletions, provider: .openai, stripUsage: false)
        #expect(reader.read(Array("{\"choices\":[".utf8)).disposition == .unreadable)
        #expect(reader.read(Array("{\"a\":1,\"a\":2}".utf8)).disposition == .unreadable)
    }

    @Test func closingFinishesTheTurn() throws {
        var (_, reader) = try through(openAIChunk("\"content\":\"a\""), provider: .openai, strip: true, pieces: 6)
        let out = String(decoding: reader.closing(note: "stopped \"here\""), as: UTF8.self)
        #expect(
            out.contains("stopped \\\"here\\\"") && out.contains("\"finish_reason\":\"stop\"") && out.hasSuffix("data: [DONE]\n\n"))
        #expect(reader.closing(note: "again").isEmpty)
        var parser = EventStreamParser()
        for event in try parser.feed(out.utf8) {
            let data = try #require(event.data)
            #expect(data.elementsEqual("[DONE]".utf8) || JSONNode.parse(data) != nil)
        }
    }
}

struct AnthropicStreams {
    func event(_ name: String, _ rest: String) -> String { "event: \(name)\ndata: {\"type\":\"\(name)\"\(rest)}\n\n" }

    var start: String {
        event(
            "message_start",
            ",\"message\":{\"id\":\"m\",\"model\":\"claude-sonnet-4-5\",\"content\":[],\"usage\":{\"input_tokens\":100,\"cache_read_input_tokens\":7,\"output_tokens\":1}}"
        )
            + event("content_block_start", ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")
    }

    func delta(_ text: String) -> String {
        event("content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"\(text)\"}")
    }

    @Test(arguments: [1, 2, 5, 33, 100_000])
    func heldTextComesBeforeTheBlocksEnd(pieces: Int) throws {
        let stream =
            start + delta("mail <ca") + delta("rol> <ope") + delta("n") + event("content_block_stop", ",\"index\":0")
            + event("message_delta", ",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":20}")
            + event("message_stop", "")
        let (out, reader) = try through(stream, provider: .anthropic, strip: false, pieces: pieces)
        #expect(!out.contains("carol") && !out.contains("<ca"))
        let flush = try #require(out.firstRange(of: "\"text\":\"<open\""))
        let stop = try #require(out.firstRange(of: "event: content_block_stop"))
        #expect(
            flush.lowerBound < stop.lowerBound
                && out.contains("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0"))
        #expect(reader.isFinished)
        // Cumulative: the last count stands, nothing is summed.
        #expect(reader.usage?.tokens == TokenUsage(input: 100, cachedInput: 7, output: 20))
        #expect(reader.usage?.model == "claude-sonnet-4-5")
    }

    @Test func deltasMayRestateAndZeroIsANumber() throws {
        let stream =
            start + event("message_delta", ",\"delta\":{},\"usage\":{\"output_tokens\":30}")
            + event(
                "message_delta",
                ",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":0,\"output_tokens\":31,\"cache_creation_input_tokens\":9,\"cache_creation\":{\"ephemeral_5m_input_tokens\":4,\"ephemeral_1h_input_tokens\":5}}"
            )
        let (_, reader) = try through(stream, provider: .anthropic, strip: false, pieces: 13)
        #expect(reader.usage?.tokens == TokenUsage(input: 0, cachedInput: 7, cacheWrite: 9, output: 31))
        #expect(reader.usage?.longCacheWrite == 5)
    }

    @Test func aCutAnswerHasNoUsage() throws {
        // One output token is what the start says; settled on that, hanging up would make every answer free.
        let cut = start + delta("a long answer") + event("message_delta", ",\"delta\":{},\"usage\":{\"output_tokens\":9}")
        var (_, reader) = try through(cut, provider: .anthropic, strip: false, pieces: 40)
        #expect(reader.usage == nil)
        _ = reader.closing(note: "stopped")
        #expect(reader.usage == nil)
    }

    @Test func signedThinkingIsNeverTouched() throws {
        let thinking =
            event(
                "content_block_start", ",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"
            )
            + event("content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"<secret>\"}")
            + event("content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"abc\"}")
            + event("content_block_stop", ",\"index\":0")
        #expect(try through(thinking, provider: .anthropic, strip: false, pieces: 17).0 == thinking)
    }

    @Test func toolArgumentsAreAChannelAndCitationsAreWhole() throws {
        let stream =
            event(
                "content_block_start",
                ",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"n\",\"input\":{}}")
            + event(
                "content_block_delta",
                ",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\": \\\"<k\"}")
            + event("content_block_delta", ",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"ey>\\\"}\"}")
            + event(
                "content_block_delta",
                ",\"index\":1,\"delta\":{\"type\":\"citations_delta\",\"citation\":{\"cited_text\":\"see <x>\"}}")
            + event("content_block_stop", ",\"index\":1")
        let (out, _) = try through(stream, provider: .anthropic, strip: false, pieces: 10)
        #expect(out.contains("\"partial_json\":\"#\\\"}\"") && !out.contains("<key") && out.contains("\"cited_text\":\"see #\""))
    }

    @Test func closingFinishesTheTurnFromAnywhere() throws {
        var fresh = StreamReader(.messages, provider: .anthropic, stripUsage: false)
        let all = String(decoding: fresh.closing(note: "budget"), as: UTF8.self)
        for name in [
            "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop",
        ] {
            #expect(all.components(of: "event: \(name)\n") == 1)
        }
        var (_, open) = try through(start + delta("a"), provider: .anthropic, strip: false, pieces: 8)
        let rest = String(decoding: open.closing(note: "budget"), as: UTF8.self)
        #expect(
            !rest.contains("message_start")
                && rest.hasPrefix("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}"))
        #expect(rest.contains("\"index\":1,\"content_block\":{\"type\":\"text\"") && rest.contains("\"stop_reason\":\"end_turn\""))
    }
}

struct EventStreams {
    @Test(arguments: [1, 2, 3, 1000])
    func lineEndsOfAllKinds(pieces: Int) throws {
        let text = Array("\u{feff}event: a\r\ndata: 1\r\n\r\ndata: 2\rdata:3\r\rid: 7\ndata\n\n:c\n\n".utf8)
        var parser = EventStreamParser()
        var events: [ServerSentEvent] = []
        for start in stride(from: 0, to: text.count, by: pieces) {
            events += try parser.feed(text[start..<min(start + pieces, text.count)])
        }
        #expect(events.map(\.name) == ["a", "", "", ""])
        #expect(events.map { $0.data.map { String(decoding: $0, as: UTF8.self) } } == ["1", "2\n3", "", nil])
        #expect(parser.pending == 0)
    }

    @Test func anEventIsGivenAtItsEndNotLater() throws {
        var parser = EventStreamParser()
        #expect(try parser.feed("data: 1\r\n\r".utf8).count == 1)
        #expect(try parser.feed("\n".utf8).isEmpty)
        #expect(try parser.feed("data: 2\n\n".utf8).count == 1)
    }

    @Test func anEndlessEventIsNotHeldEndlessly() throws {
        var parser = EventStreamParser(maxEvent: 10)
        #expect(throws: FrameError.tooLarge) { _ = try parser.feed(Array(repeating: 65, count: 11)) }
    }
}
