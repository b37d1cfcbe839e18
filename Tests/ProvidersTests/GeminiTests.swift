// GeminiTests: Google's generateContent, as bodies, plain answers and streams.

import Testing
import Vocabulary

@testable import Providers

func gemini(
    _ fields: String, _ kind: OperationKind = .generateContent, target: String = "/v1beta/models/gemini-2.5-pro:generateContent"
) throws -> (ProviderRequest, [UInt8]) {
    let body = Array("{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}]\(fields.isEmpty ? "" : "," + fields)}".utf8)
    return (try ProviderRequest.parse(kind, provider: .gemini, target: target, body: body, rules: rules), body)
}

struct GeminiRequests {
    static let streamed = "/v1beta/models/gemini-2.5-pro:streamGenerateContent"

    @Test func theModelStandsInThePath() throws {
        #expect(try gemini("").0.model == "gemini-2.5-pro")
        #expect(try gemini("", target: "/v1beta/models/gemini%2D2.5-pro:generateContent?key=x").0.model == "gemini-2.5-pro")
        #expect(code { _ = try gemini("", target: "/v1beta/models/:generateContent") } == .malformed)
        #expect(code { _ = try gemini("", target: "/v1beta/tunedModels/x:generateContent") } == .malformed)
    }

    @Test(arguments: [
        ("", "{\"generationConfig\":{\"maxOutputTokens\":50},"),
        ("\"generationConfig\":null", "\"generationConfig\":{\"maxOutputTokens\":50}"),
        ("\"generationConfig\":{}", "\"generationConfig\":{\"maxOutputTokens\":50}"),
        ("\"generationConfig\":{\"temperature\":0}", "{\"maxOutputTokens\":50,\"temperature\":0}"),
        ("\"generationConfig\":{\"maxOutputTokens\":90}", "{\"maxOutputTokens\":50}"),
        ("\"generationConfig\":{\"maxOutputTokens\":null}", "{\"maxOutputTokens\":50}"),
        ("\"generationConfig\":{\"maxOutputTokens\":9}", "{\"maxOutputTokens\":9}"),
    ])
    func capsWhereverTheCapIs(field: String, want: String) throws {
        let out = try sent(gemini(field), cap: 50)
        #expect(out.contains(want) && out.components(of: "maxOutputTokens") == 1 && JSONNode.parse(Array(out.utf8)) != nil)
    }

    @Test func candidatesMultiply() throws {
        let rewritten = try gemini("\"generationConfig\":{\"candidateCount\":3}").0.rewritten(cap: 50, words: words)
        #expect(rewritten.outputTokensBound == 150)
    }

    @Test(arguments: [
        "\"generation_config\":{\"max_output_tokens\":9}", "\"generationConfig\":{\"max_output_tokens\":9}",
        "\"generationConfig\":{\"maxOutputTokens\":5,\"max_output_tokens\":9}", "\"generationConfig\":[]",
    ])
    func oneSpellingOnly(field: String) {
        let loose = ProviderRequest.Rules(words: words, refuseUnknownFields: false)
        let body = Array("{\"contents\":[],\(field)}".utf8)
        #expect(
            code {
                _ = try ProviderRequest.parse(
                    .generateContent, provider: .gemini, target: "/v1/models/m:generateContent", body: body, rules: loose)
            } == .malformed)
    }

    @Test func streamsOnlyAsEvents() throws {
        #expect(try gemini("", .streamGenerateContent, target: Self.streamed + "?alt=sse").0.stream)
        for target in [
            Self.streamed, Self.streamed + "?alt=json", Self.streamed + "?alt=sse&alt=json", Self.streamed + "?ALT=json&alt=sse",
        ] {
            #expect(code { _ = try gemini("", .streamGenerateContent, target: target) } == .unpricedOperation)
        }
    }

    @Test func toolsByWhereTheyRun() throws {
        #expect(try gemini("\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}]").0.serverTools.isEmpty)
        #expect(
            try gemini("\"tools\":[{\"googleSearch\":{}},{\"urlContext\":{}}]").0.serverTools == ["googleSearch", "urlContext"])
        #expect(try gemini("\"tools\":[{\"functionDeclarations\":[],\"something_new\":{}}]").0.serverTools == ["something_new"])
    }

    @Test func oneValueIsAListOfOne() throws {
        #expect(try gemini("\"tools\":{\"googleSearch\":{}}").0.serverTools == ["googleSearch"])
        let part = { (part: String) in try gemini("\"systemInstruction\":{\"parts\":\(part)}").0 }
        #expect(try part("{\"fileData\":{\"fileUri\":\"https://x\"}}").serverTools == ["file_reference"])
        #expect(try part("{\"inlineData\":{\"mimeType\":\"video/mp4\",\"data\":\"AA\"}}").binaryParts == 1)
    }

    @Test func whatHasNoPrice() throws {
        for field in [
            "\"serviceTier\":3", "\"generationConfig\":{\"responseModalities\":\"IMAGE\"}",
            "\"cachedContent\":\"cachedContents/x\"", "\"serviceTier\":\"priority\"",
            "\"generationConfig\":{\"responseModalities\":[\"TEXT\",\"IMAGE\"]}", "\"generationConfig\":{\"speechConfig\":{}}",
        ] {
            #expect(try gemini(field).0.unpriced.count == 1, "\(field)")
        }
        let part = { (part: String) in try gemini("\"systemInstruction\":{\"parts\":[\(part)]}").0 }
        #expect(try part("{\"inlineData\":{\"mimeType\":\"audio/wav\",\"data\":\"AA\"}}").unpriced.count == 1)
        #expect(try part("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AA\"}}").images == 1)
        #expect(try part("{\"fileData\":{\"fileUri\":\"https://x\"}}").serverTools == ["file_reference"])
        #expect(try part("{\"inline_data\":{}}").unpriced.count == 1)
        #expect(code { _ = try gemini("\"something\":1") } == .unknownField)
    }

    @Test func countingIsReadButFree() throws {
        let target = "/v1beta/models/m:countTokens"
        #expect(try gemini("", .countContentTokens, target: target).0.rewritten(cap: 5, words: words).edits.isEmpty)
    }
}

struct GeminiAnswers {
    @Test func thoughtsAreBilledAndCachedTokensAreInside() throws {
        let body = Array(
            "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"why\",\"thought\":true},{\"text\":\"words\"},{\"functionCall\":{\"name\":\"n\",\"args\":{\"a\":[\"v\"]}}},{\"inlineData\":{\"data\":\"AAAA\"}}]},\"logprobsResult\":{\"x\":\"words\"}}],\"modelVersion\":\"gemini-2.5-pro\",\"usageMetadata\":{\"promptTokenCount\":100,\"cachedContentTokenCount\":60,\"candidatesTokenCount\":20,\"thoughtsTokenCount\":30,\"toolUsePromptTokenCount\":7,\"totalTokenCount\":157}}"
                .utf8)
        let found = try #require(AnswerText.find(.generateContent, provider: .gemini, body: body))
        #expect(found.texts.map(\.text) == ["why", "words", "v"] && found.texts.map(\.isToolArguments) == [false, false, true])
        #expect(found.edits.count == 1)
        #expect(found.usage?.tokens == TokenUsage(input: 47, cachedInput: 60, output: 50) && found.usage?.model == "gemini-2.5-pro")
    }

    @Test func whatTheTotalHasMoreIsOutput() {
        let body = Array("{\"usageMetadata\":{\"promptTokenCount\":10,\"candidatesTokenCount\":5,\"totalTokenCount\":40}}".utf8)
        #expect(UsageReader.read(.generateContent, provider: .gemini, body: body)?.tokens == TokenUsage(input: 10, output: 30))
        for missing in ["{}", "{\"usageMetadata\":{}}", "{\"usageMetadata\":{\"candidatesTokenCount\":5}}"] {
            #expect(UsageReader.read(.generateContent, provider: .gemini, body: Array(missing.utf8)) == nil)
        }
    }
}

struct GeminiStreams {
    func chunk(_ parts: String, finish: String? = nil, usage: String = "{}", index: Int = 0) -> String {
        let end = finish.map { ",\"finishReason\":\"\($0)\"" } ?? ""
        return
            "data: {\"candidates\":[{\"content\":{\"parts\":[\(parts)],\"role\":\"model\"},\"index\":\(index)\(end)}],\"usageMetadata\":\(usage),\"modelVersion\":\"gemini-2.5-pro\",\"responseId\":\"r\"}\r\n\r\n"
    }

    func text(_ text: String, thinks: Bool = false) -> String { "{\"text\":\"\(text)\"\(thinks ? ",\"thought\":true" : "")}" }

    @Test(arguments: [1, 7, 100_000])
    func aSplitValueIsFoundAndUsageIsTheLast(pieces: Int) throws {
        let stream =
            chunk(text("th <", thinks: true)) + chunk(text("x> ink", thinks: true), usage: "{\"promptTokenCount\":9}")
            + chunk(text("mail <ca")) + chunk(text("rol> and <op"))
            + chunk(
                text("en"), finish: "STOP", usage: "{\"promptTokenCount\":9,\"candidatesTokenCount\":4,\"thoughtsTokenCount\":2}")
        let (out, reader) = try through(stream, provider: .gemini, .streamGenerateContent, pieces: pieces)
        #expect(!out.contains("carol") && !out.contains("<x") && out.contains("\"# and \"") && out.contains("\"<open\""))
        #expect(reader.isFinished && reader.usage?.tokens == TokenUsage(input: 9, output: 6))
        #expect(reader.usage?.model == "gemini-2.5-pro")
    }

    @Test func heldThoughtsGoOutBeforeTheEnd() throws {
        let (out, _) = try through(
            chunk(text("a <b", thinks: true)) + chunk("", finish: "STOP"), provider: .gemini, .streamGenerateContent, pieces: 50)
        let held = try #require(out.firstRange(of: "{\"text\":\"<b\",\"thought\":true}"))
        #expect(held.lowerBound < (try #require(out.firstRange(of: "STOP"))).lowerBound)
    }

    @Test func functionCallsComeWhole() throws {
        let call = "{\"functionCall\":{\"name\":\"n\",\"args\":{\"to\":\"<x>\"}}}"
        #expect(
            try through(chunk(call), provider: .gemini, .streamGenerateContent, pieces: 9).0.contains("\"args\":{\"to\":\"#\"}"))
    }

    @Test func aCutStreamHasNoUsage() throws {
        let stream = chunk(text("long"), usage: "{\"promptTokenCount\":9,\"candidatesTokenCount\":1}")
        let (_, reader) = try through(stream, provider: .gemini, .streamGenerateContent, pieces: 9)
        #expect(reader.usage == nil && !reader.isFinished)
        // One of two candidates is not all of them.
        let half = try through(
            stream + chunk("", finish: "STOP", usage: "{\"promptTokenCount\":9}", index: 1), provider: .gemini,
            .streamGenerateContent,
            pieces: 9
        ).1
        #expect(half.usage == nil)
    }

    @Test func aRefusedPromptEndsToo() throws {
        let stream = "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":{\"promptTokenCount\":9}}\n\n"
        let (out, reader) = try through(stream, provider: .gemini, .streamGenerateContent, pieces: 9)
        #expect(out == stream && reader.usage?.tokens == TokenUsage(input: 9))
    }

    @Test func closingFinishesTheTurn() throws {
        var (_, reader) = try through(chunk(text("a")), provider: .gemini, .streamGenerateContent, pieces: 8)
        let note = reader.closing(note: "the \"budget\"")
        var parser = EventStreamParser()
        var again = StreamReader(.streamGenerateContent, provider: .gemini, stripUsage: false)
        let texts = try parser.feed(note).flatMap { again.read($0.data ?? []).texts }
        #expect(texts.map(\.text) == ["\n\nthe \"budget\""] && again.isFinished)
    }
}
