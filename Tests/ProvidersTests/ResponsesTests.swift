// ResponsesTests: OpenAI's responses, as bodies, plain answers and streams.

import Testing
import Vocabulary

@testable import Providers

func response(_ fields: String, model: String = "gpt-5") throws -> (ProviderRequest, [UInt8]) {
    let body = Array("{\"model\":\"\(model)\"\(fields.isEmpty ? "" : "," + fields)}".utf8)
    return (try ProviderRequest.parse(.responses, provider: .openai, body: body, rules: rules), body)
}

struct ResponsesRequests {
    @Test func capsAndPins() throws {
        #expect(
            try sent(response("\"input\":\"hi\""), cap: 50)
                == "{\"max_output_tokens\":50,\"service_tier\":\"default\",\"model\":\"gpt-5\",\"input\":\"hi\"}")
        let clamped = try sent(response("\"input\":\"hi\",\"max_output_tokens\":90,\"service_tier\":\"auto\""), cap: 50)
        #expect(clamped.contains("\"max_output_tokens\":50") && clamped.contains("\"service_tier\":\"default\""))
        #expect(try sent(response("\"input\":\"hi\",\"max_output_tokens\":null"), cap: 50).components(of: "max_output_tokens") == 1)
    }

    @Test func whatCodexAsksForPassesUnaltered() throws {
        let fields =
            "\"instructions\":\"x\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"hi\"}]},"
            + "{\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":\"AAAA\"},{\"type\":\"function_call\",\"name\":\"shell\",\"arguments\":\"{}\",\"call_id\":\"c\"},"
            + "{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"ok\"}],\"tools\":[{\"type\":\"function\",\"name\":\"shell\"},"
            + "{\"type\":\"custom\",\"name\":\"apply_patch\"},{\"type\":\"local_shell\"},{\"type\":\"namespace\",\"name\":\"agents\",\"tools\":[{\"type\":\"function\",\"name\":\"spawn\"}]}],\"tool_choice\":\"auto\",\"parallel_tool_calls\":false,"
            + "\"reasoning\":{\"effort\":\"low\"},\"store\":false,\"stream\":true,\"include\":[\"reasoning.encrypted_content\"],\"prompt_cache_key\":\"k\",\"client_metadata\":{\"a\":\"b\"}"
        let parsed = try response(fields)
        #expect(parsed.0.serverTools.isEmpty && parsed.0.unpriced.isEmpty && !parsed.0.hasUnseenInput && parsed.0.stream)
        #expect(try sent(parsed, cap: 50).hasSuffix(fields + "}"))
        #expect(try !parsed.0.rewritten(cap: 50, words: words).injectedUsage)
        #expect(parsed.0.textTokensBound >= Int64(parsed.1.count))
    }

    @Test(arguments: [
        "web_search", "web_search_preview", "file_search", "code_interpreter", "mcp", "image_generation", "computer",
        "computer_use_preview", "shell", "tool_search", "something_new",
    ])
    func toolsThatRunAtTheProvider(type: String) throws {
        #expect(try response("\"input\":\"x\",\"tools\":[{\"type\":\"\(type)\"}]").0.serverTools == [type])
        let nested = "\"tools\":[{\"type\":\"namespace\",\"tools\":[{\"type\":\"\(type)\"}]}]"
        #expect(try response("\"input\":\"x\"," + nested).0.serverTools == [type])
        let inInput = "\"input\":[{\"type\":\"additional_tools\",\"role\":\"developer\",\"tools\":[{\"type\":\"\(type)\"}]}]"
        #expect(try response(inInput).0.serverTools == [type])
    }

    @Test(arguments: [
        "{\"type\":\"function\"}", "{\"type\":\"custom\"}", "{\"type\":\"local_shell\"}", "{\"type\":\"apply_patch\"}",
        "{\"type\":\"shell\",\"environment\":{\"type\":\"local\"}}", "{\"type\":\"tool_search\",\"execution\":\"client\"}",
    ])
    func toolsThatRunAtTheClient(tool: String) throws {
        #expect(try response("\"input\":\"x\",\"tools\":[\(tool)]").0.serverTools.isEmpty)
    }

    @Test(arguments: [
        "\"previous_response_id\":\"resp_1\"", "\"conversation\":\"conv_1\"", "\"prompt\":{\"id\":\"p\"}", "\"background\":true",
        "\"service_tier\":\"priority\"", "\"service_tier\":\"fast\"", "\"context_management\":[{\"type\":\"compaction\"}]",
        "\"reasoning\":{\"mode\":\"pro\"}", "\"prompt_cache_options\":{\"ttl\":\"12h\"}",
        "\"input\":[{\"id\":\"msg_1\"}]", "\"input\":[{\"type\":\"item_reference\",\"id\":\"msg_1\"}]",
        "\"input\":[{\"type\":\"compaction_trigger\"}]",
    ])
    func whatIsNotInTheBytesHasNoPrice(field: String) throws {
        #expect(try response(field).0.unpriced.count == 1)
    }

    @Test func storedReasoningIsBoundedByTheContext() throws {
        let item = { (more: String) in "\"input\":[{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[]\(more)}]" }
        #expect(try response(item("")).0.hasUnseenInput)
        #expect(try response(item(",\"encrypted_content\":null")).0.hasUnseenInput)
        #expect(try !response(item(",\"encrypted_content\":\"gAAA\"")).0.hasUnseenInput)
    }

    @Test func picturesAndFiles() throws {
        let part = { (part: String) in "\"input\":[{\"role\":\"user\",\"content\":[\(part)]}]" }
        let inline = try response(
            part("{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,\(String(repeating: "A", count: 5000))\"}")
        ).0
        #expect(inline.images == 1 && inline.binaryParts == 1 && inline.serverTools.isEmpty && inline.textTokensBound < 1000)
        #expect(try response(part("{\"type\":\"input_image\",\"image_url\":\"https://x/?q\"}")).0.serverTools == ["url_fetch"])
        #expect(try response(part("{\"type\":\"input_image\",\"file_id\":\"f\"}")).0.serverTools.contains("file_reference"))
        #expect(try response(part("{\"type\":\"input_file\",\"file_url\":\"https://x\"}")).0.serverTools == ["url_fetch"])
        #expect(try response(part("{\"type\":\"input_file\",\"file_data\":\"AA\"}")).0.unpriced.count == 1)
        let output =
            "\"input\":[{\"type\":\"function_call_output\",\"output\":[{\"type\":\"input_image\",\"image_url\":\"https://x\"}]}]"
        #expect(try response(output).0.serverTools == ["url_fetch"])
    }

    @Test func strictAboutWhatIsUnknownOrWrong() {
        #expect(code { _ = try response("\"input\":\"x\",\"moderation\":{}") } == .unknownField)
        #expect(code { _ = try response("\"input\":{}") } == .malformed)
        #expect(code { _ = try response("\"input\":\"x\",\"max_output_tokens\":0") } == .malformed)
    }

    @Test func compactionHasNoCapOfItsOwn() throws {
        let body = Array("{\"model\":\"gpt-5\",\"input\":[]}".utf8)
        let request = try ProviderRequest.parse(.compactResponse, provider: .openai, body: body, rules: rules)
        let rewritten = try request.rewritten(cap: 50, words: words)
        #expect(rewritten.outputTokensBound == nil && rewritten.edits.count == 1)
        let counted = try ProviderRequest.parse(
            .countResponseTokens, provider: .openai, body: Array("{\"input\":\"x\"}".utf8), rules: rules)
        #expect(try counted.rewritten(cap: 50, words: words).edits.isEmpty)
    }

    @Test func embeddingsHaveInputOnly() throws {
        let body = { (input: String) in Array("{\"model\":\"text-embedding-3-small\",\"input\":\(input)}".utf8) }
        let request = try ProviderRequest.parse(.embeddings, provider: .openai, body: body("[\"a\",\"b\"]"), rules: rules)
        let rewritten = try request.rewritten(cap: 50, words: words)
        #expect(rewritten.outputTokensBound == 0 && rewritten.edits.isEmpty && request.binaryParts == 0)
        // Token numbers are text that no scanner reads.
        for hidden in ["[1,2]", "[[1,2]]", "[\"a\",[1]]"] {
            #expect(try ProviderRequest.parse(.embeddings, provider: .openai, body: body(hidden), rules: rules).binaryParts == 1)
        }
        let answer = Array(
            "{\"data\":[],\"model\":\"text-embedding-3-small\",\"usage\":{\"prompt_tokens\":7,\"total_tokens\":7}}".utf8)
        #expect(UsageReader.read(.embeddings, provider: .openai, body: answer)?.tokens == TokenUsage(input: 7))
    }
}

struct ResponsesAnswers {
    static let output =
        "[{\"type\":\"reasoning\",\"id\":\"rs\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"why\"}],\"encrypted_content\":\"AAAA\"},"
        + "{\"type\":\"message\",\"id\":\"m\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"words\",\"annotations\":[],\"logprobs\":[{\"token\":\"words\"}]},{\"type\":\"refusal\",\"refusal\":\"no\"}]},"
        + "{\"type\":\"function_call\",\"id\":\"f\",\"call_id\":\"c\",\"name\":\"n\",\"arguments\":\"{}\"},"
        + "{\"type\":\"custom_tool_call\",\"call_id\":\"c\",\"name\":\"n\",\"input\":\"patch\"},{\"type\":\"local_shell_call\",\"action\":{\"type\":\"exec\",\"command\":[\"ls\"]}}]"

    @Test func wordsAndUsage() throws {
        let body = Array(
            "{\"id\":\"r\",\"object\":\"response\",\"model\":\"gpt-5-2025-08-07\",\"service_tier\":\"default\",\"output\":\(Self.output),\"usage\":{\"input_tokens\":100,\"input_tokens_details\":{\"cached_tokens\":60,\"cache_write_tokens\":10},\"output_tokens\":20,\"total_tokens\":120}}"
                .utf8)
        let found = try #require(AnswerText.find(.responses, provider: .openai, body: body))
        #expect(
            found.texts.filter { !$0.isToolArguments }.map(\.text)
                == ["words", "no", "why"].sorted { a, b in a == "why" && b != "why" })
        #expect(found.texts.filter(\.isToolArguments).map(\.text) == ["{}", "patch", "exec", "ls"] && found.edits.count == 1)
        #expect(found.usage?.tokens == TokenUsage(input: 30, cachedInput: 60, cacheWrite: 10, output: 20))
        #expect(found.usage?.model == "gpt-5-2025-08-07" && found.usage?.serviceTier == "default")
    }

    @Test func searchesAreReported() {
        let body = Array(
            "{\"usage\":{\"input_tokens\":1,\"output_tokens\":1},\"tool_usage\":{\"web_search\":{\"num_requests\":2}}}".utf8)
        #expect(UsageReader.read(.responses, provider: .openai, body: body)?.serverToolCalls == 2)
        #expect(UsageReader.read(.responses, provider: .openai, body: Array("{\"usage\":null}".utf8)) == nil)
    }
}

struct ResponsesStreams {
    func event(_ type: String, _ rest: String) -> String {
        "event: \(type)\ndata: {\"type\":\"\(type)\",\"sequence_number\":4\(rest)}\n\n"
    }

    var created: String {
        event("response.created", ",\"response\":{\"id\":\"resp_1\",\"model\":\"gpt-5\",\"created_at\":7,\"output\":[]}")
    }

    func delta(_ text: String) -> String {
        event(
            "response.output_text.delta",
            ",\"item_id\":\"m\",\"output_index\":1,\"content_index\":0,\"delta\":\"\(text)\",\"logprobs\":[{\"token\":\"x\"}]")
    }

    func done(_ text: String) -> String {
        let part = "{\"type\":\"output_text\",\"text\":\"\(text)\"}"
        let item = "{\"type\":\"message\",\"id\":\"m\",\"content\":[\(part)]}"
        let place = ",\"item_id\":\"m\",\"output_index\":1,\"content_index\":0"
        return event("response.output_text.done", place + ",\"text\":\"\(text)\"")
            + event("response.content_part.done", place + ",\"part\":\(part)")
            + event("response.output_item.done", ",\"output_index\":1,\"item\":\(item)")
            + event(
                "response.completed",
                ",\"response\":{\"id\":\"resp_1\",\"model\":\"gpt-5\",\"output\":[\(item)],\"usage\":{\"input_tokens\":9,\"output_tokens\":3}}"
            )
    }

    @Test(arguments: [1, 3, 50, 100_000])
    func aSplitValueIsFoundAndSoAreItsRepeats(pieces: Int) throws {
        let stream = created + delta("mail <") + delta("x") + delta("> no") + delta("w <op") + done("mail <x> now <op")
        let (out, reader) = try through(stream, provider: .openai, .responses, pieces: pieces)
        #expect(!out.contains("<x") && !out.contains("\"token\""))
        // Once in the deltas, and in each of the four events that say all of it again.
        #expect(out.components(of: "mail # now <op") == 4 && out.contains("\"delta\":\"# no\""))
        let flush = try #require(
            out.firstRange(
                of:
                    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":4,\"output_index\":1,\"item_id\":\"m\",\"content_index\":0,\"logprobs\":[],\"delta\":\"<op\"}"
            ))
        #expect(flush.lowerBound < (try #require(out.firstRange(of: "response.output_text.done"))).lowerBound)
        #expect(reader.isFinished && reader.usage?.tokens == TokenUsage(input: 9, output: 3))
    }

    @Test func whatIsRepeatedIsNotCountedTwice() throws {
        var reader = StreamReader(.responses, provider: .openai, stripUsage: false)
        var parser = EventStreamParser()
        let events = try parser.feed((created + delta("a") + done("a")).utf8)
        let texts = events.flatMap { reader.read($0.data ?? []).texts }
        #expect(texts.count == 5 && texts.filter(\.isRepeat).count == 4)
    }

    @Test(arguments: [
        ("response.function_call_arguments", "", true), ("response.custom_tool_call_input", "", true),
        ("response.refusal", ",\"content_index\":0", false), ("response.reasoning_text", ",\"content_index\":0", false),
        ("response.reasoning_summary_text", ",\"summary_index\":1", false), ("response.mcp_call_arguments", "", true),
        ("response.shell_call_command", ",\"command_index\":0", true), ("response.something_new", "", false),
    ])
    func everyDeltaIsAChannel(type: String, place: String, isTool: Bool) throws {
        let piece = { (text: String) in
            event(type + ".delta", ",\"item_id\":\"i\",\"output_index\":2\(place),\"delta\":\"\(text)\"")
        }
        let stream =
            created + piece("a <k") + piece("ey> b <") + event(type + ".done", ",\"item_id\":\"i\",\"output_index\":2\(place)")
        let (out, _) = try through(stream, provider: .openai, .responses, pieces: 20)
        #expect(!out.contains("<k") && out.contains("\"delta\":\"# b \""))
        #expect(out.contains("\"output_index\":2,\"item_id\":\"i\"\(place),\"delta\":\"<\"}"))
        var reader = StreamReader(.responses, provider: .openai, stripUsage: false)
        let data = try #require(piece("x").split(separator: "data: ").last).utf8.dropLast(2)
        #expect(reader.read(Array(data)).texts.map(\.isToolArguments) == [isTool])
    }

    @Test func channelsOfTwoItemsDoNotMix() throws {
        let piece = { (item: Int, text: String) in
            event(
                "response.function_call_arguments.delta", ",\"item_id\":\"i\(item)\",\"output_index\":\(item),\"delta\":\"\(text)\""
            )
        }
        let (out, _) = try through(
            created + piece(1, "a<b") + piece(2, "c>") + piece(1, "d>"), provider: .openai, .responses, pieces: 9)
        #expect(out.contains("\"delta\":\"a\"") && out.contains("\"delta\":\"c>\"") && out.contains("\"delta\":\"#\""))
    }

    @Test(arguments: ["response.incomplete", "response.failed"])
    func otherEndsReportUsageToo(type: String) throws {
        let end = event(type, ",\"response\":{\"id\":\"r\",\"output\":[],\"usage\":{\"input_tokens\":2,\"output_tokens\":1}}")
        #expect(
            try through(created + end, provider: .openai, .responses, pieces: 30).1.usage?.tokens == TokenUsage(input: 2, output: 1)
        )
        let silent = event(type, ",\"response\":{\"id\":\"r\",\"output\":[],\"usage\":null}")
        #expect(try through(created + silent, provider: .openai, .responses, pieces: 30).1.usage == nil)
    }

    @Test func aTypeThatIsNoWordIsNotPassedOn() {
        for type in ["response.x\\n.delta", "response.\\\"x.delta", "Response.x.delta"] {
            var reader = StreamReader(.responses, provider: .openai, stripUsage: false)
            #expect(reader.read(Array("{\"type\":\"\(type)\",\"delta\":\"x\"}".utf8)).disposition == .unreadable)
        }
    }

    @Test func aCutStreamHasNoUsage() throws {
        let (_, reader) = try through(created + delta("long"), provider: .openai, .responses, pieces: 30)
        #expect(reader.usage == nil && !reader.isFinished)
    }

    @Test func cleanEventsPassByteForByte() throws {
        let stream =
            created + event("response.output_item.added", ",\"output_index\":0,\"item\":{\"type\":\"message\",\"content\":[]}")
        #expect(try through(stream, provider: .openai, .responses, pieces: 4).0 == stream)
    }

    @Test func closingFinishesTheTurnFromAnywhere() throws {
        var fresh = StreamReader(.responses, provider: .openai, stripUsage: false)
        let all = String(decoding: fresh.closing(note: "the \"budget\""), as: UTF8.self)
        #expect(all.hasPrefix("event: response.created\n") && fresh.isFinished && fresh.closing(note: "x").isEmpty)
        var (_, open) = try through(created + delta("a"), provider: .openai, .responses, pieces: 8)
        let rest = open.closing(note: "the \"budget\"")
        #expect(!String(decoding: rest, as: UTF8.self).contains("response.created"))
        var parser = EventStreamParser()
        let events = try parser.feed(rest)
        #expect(events.allSatisfy { JSONNode.parse($0.data ?? []) != nil } && events.last?.name == "response.completed")
        // Read back by the same reader: a whole message behind the open one, and a proper end.
        var again = StreamReader(.responses, provider: .openai, stripUsage: false)
        let texts = events.flatMap { again.read($0.data ?? []).texts }
        #expect(again.isFinished && texts.count == 5 && texts.allSatisfy { $0.text == "the \"budget\"" })
        #expect(String(decoding: rest, as: UTF8.self).contains("\"output_index\":2"))
    }
}
