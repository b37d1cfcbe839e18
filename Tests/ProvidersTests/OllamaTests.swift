// OllamaTests: Ollama's own API, whose streams are lines.

import Testing
import Vocabulary

@testable import Providers

func ollama(_ fields: String, _ kind: OperationKind = .ollamaChat) throws -> (ProviderRequest, [UInt8]) {
    let body = Array(
        "{\"model\":\"llama3\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]\(fields.isEmpty ? "" : "," + fields)}".utf8)
    return (try ProviderRequest.parse(kind, provider: .ollama, body: body, rules: rules), body)
}

struct OllamaRequests {
    @Test func streamsUnlessDeclined() throws {
        for (field, streams) in [("", true), ("\"stream\":null", true), ("\"stream\":false", false)] {
            #expect(try ollama(field).0.stream == streams)
        }
    }

    @Test(arguments: [
        ("", "{\"options\":{\"num_predict\":50},"), ("\"options\":{\"num_predict\":-1}", "{\"num_predict\":50}"),
        ("\"options\":{\"num_predict\":-2,\"seed\":1}", "{\"num_predict\":50,\"seed\":1}"),
        ("\"options\":{\"num_predict\":0}", "{\"num_predict\":50}"),
        ("\"options\":{\"seed\":1}", "{\"num_predict\":50,\"seed\":1}"),
        ("\"options\":{\"num_predict\":7}", "{\"num_predict\":7}"),
    ])
    func capsWithoutEndToo(field: String, want: String) throws {
        let out = try sent(ollama(field), cap: 50)
        #expect(out.contains(want) && out.components(of: "num_predict") == 1)
    }

    /// The server is written in Go, whose JSON takes names in any case.
    @Test(arguments: ["Images", "IMAGES", "image\u{17f}"])
    func namesInMessagesHaveOneSpelling(_ name: String) throws {
        let body = Array("{\"model\":\"llama3\",\"messages\":[{\"role\":\"user\",\"\(name)\":[\"AAAA\"]}]}".utf8)
        #expect(code { _ = try ProviderRequest.parse(.ollamaChat, provider: .ollama, body: body, rules: rules) } == .malformed)
    }

    @Test func bytesThatNoScannerReads() throws {
        #expect(try ollama("\"images\":[\"AAAA\"]", .ollamaGenerate).0.images == 1)
        #expect(try ollama("\"context\":[1,2]", .ollamaGenerate).0.binaryParts == 1)
        #expect(code { _ = try ollama("\"Options\":{}") } == .unknownField)
        #expect(code { _ = try ollama("\"options\":{\"num_predict\":\"5\"}") } == .malformed)
    }
}

struct OllamaStreams {
    func line(_ message: String, _ more: String = "\"done\":false") -> String {
        "{\"model\":\"llama3\",\"created_at\":\"2026-11-21T09:00:00Z\",\"message\":{\"role\":\"assistant\",\(message)},\(more)}\n"
    }

    let end = "\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":9,\"eval_count\":4"

    @Test(arguments: [1, 5, 100_000])
    func linesInAnyPieces(pieces: Int) throws {
        let stream =
            line("\"content\":\"\",\"thinking\":\"so <x\"") + line("\"content\":\"\",\"thinking\":\"> on\"")
            + line("\"content\":\"mail <ca\"")
            + line("\"content\":\"rol> <op\"") + line("\"content\":\"\"", end)
        let (out, reader) = try through(stream, provider: .ollama, .ollamaChat, pieces: pieces)
        #expect(
            !out.contains("carol") && !out.contains("<x") && out.contains("\"content\":\"# \"")
                && out.contains("\"thinking\":\"# on\""))
        #expect(!out.contains("\n\n"), "an empty line is no JSON to a client")
        #expect(out.hasSuffix(line("\"content\":\"<op\"", "\"done\":false") + line("\"content\":\"\"", end)))
        #expect(reader.isFinished && reader.usage?.tokens == TokenUsage(input: 9, output: 4))
    }

    @Test func cleanLinesPassByteForByte() throws {
        let stream = line("\"content\":\"a\"") + "\n" + line("\"content\":\"\"", end)
        #expect(try through(stream, provider: .ollama, .ollamaChat, pieces: 3).0 == stream)
    }

    @Test func generateHasItsOwnWords() throws {
        let stream =
            "{\"model\":\"m\",\"response\":\"a <b\",\"done\":false}\n{\"model\":\"m\",\"response\":\"c> d\",\"done\":false}\n{\"model\":\"m\",\"response\":\"\",\"context\":[1,2,3],\(end)}\n"
        var (out, reader) = try through(stream, provider: .ollama, .ollamaGenerate, pieces: 11)
        #expect(out.contains("\"response\":\"# d\"") && out.contains("\"context\":[]"))
        #expect(reader.closing(note: "x").isEmpty)
        reader = try through(
            "{\"model\":\"m\",\"response\":\"a\",\"done\":false}\n", provider: .ollama, .ollamaGenerate, pieces: 11
        ).1
        let closed = String(decoding: reader.closing(note: "over"), as: UTF8.self)
        #expect(
            closed.contains("\"response\":\"\\n\\nover\",\"done\":false}\n")
                && closed.hasSuffix("\"response\":\"\",\"done\":true,\"done_reason\":\"stop\"}\n"))
    }

    @Test func toolCallsComeWholeAndACutStreamHasNoUsage() throws {
        let call = line("\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"n\",\"arguments\":{\"a\":\"<x>\"}}}]")
        let (out, reader) = try through(call, provider: .ollama, .ollamaChat, pieces: 11)
        #expect(out.contains("\"arguments\":{\"a\":\"#\"}") && reader.usage == nil && !reader.isFinished)
    }

    @Test func plainAnswers() throws {
        let body = Array(
            "{\"model\":\"llama3\",\"message\":{\"content\":\"words\",\"thinking\":\"why\",\"tool_calls\":[{\"function\":{\"arguments\":{\"a\":\"v\"}}}]},\(end)}"
                .utf8)
        let found = try #require(AnswerText.find(.ollamaChat, provider: .ollama, body: body))
        #expect(found.texts.map(\.text) == ["words", "why", "v"] && found.usage?.tokens == TokenUsage(input: 9, output: 4))
        // The prompt's count is missing where it was in memory: then nothing is known.
        let warm = Array("{\"message\":{\"content\":\"x\"},\"eval_count\":4}".utf8)
        #expect(UsageReader.read(.ollamaChat, provider: .ollama, body: warm) == nil)
    }

    @Test func anEndlessLineIsNotHeldEndlessly() throws {
        var splitter = LineSplitter(maxLine: 10)
        #expect(throws: FrameError.tooLarge) { _ = try splitter.split(Array(repeating: 65, count: 11)) }
    }
}
