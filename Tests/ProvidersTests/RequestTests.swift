// RequestTests: what bodies say, and what leaves instead of them.

import Testing
import Vocabulary

@testable import Providers

let words = RefusalWords(host: "api.openai.com", profile: "strict")
let rules = ProviderRequest.Rules(words: words)

/// What a provider of the first two is usually asked for.
func operation(_ provider: ProviderID) -> OperationKind { provider == .anthropic ? .messages : .chatCompletions }

func chat(_ fields: String, model: String = "gpt-4o") throws -> (ProviderRequest, [UInt8]) {
    let body = Array(
        "{\"model\":\"\(model)\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]\(fields.isEmpty ? "" : "," + fields)}".utf8)
    return (try ProviderRequest.parse(.chatCompletions, provider: .openai, body: body, rules: rules), body)
}

func message(_ fields: String) throws -> (ProviderRequest, [UInt8]) {
    let body = Array(
        "{\"model\":\"claude-sonnet-4-5\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]\(fields.isEmpty ? "" : "," + fields)}"
            .utf8)
    return (try ProviderRequest.parse(.messages, provider: .anthropic, body: body, rules: rules), body)
}

func sent(_ parsed: (ProviderRequest, [UInt8]), cap: Int64?) throws -> String {
    let rewritten = try parsed.0.rewritten(cap: cap, words: words)
    return String(decoding: try #require(BodyEdit.apply(rewritten.edits, to: parsed.1)), as: UTF8.self)
}

func code(_ body: () throws -> Void) -> Refusal.Code? {
    do {
        try body()
        return nil
    } catch { return (error as? Refusal)?.code }
}

struct OpenAICaps {
    @Test func insertsTheCapWhereTheAgentSetNone() throws {
        #expect(
            try sent(chat(""), cap: 50)
                == "{\"max_tokens\":50,\"service_tier\":\"default\",\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
        )
    }

    @Test(arguments: ["o1", "o3-mini", "o4-mini", "gpt-5", "gpt-5-mini", "gpt-6-sol", "ft:gpt-5:x"])
    func reasoningModelsGetTheNewField(model: String) throws {
        #expect(try sent(chat("", model: model), cap: 50).contains("\"max_completion_tokens\":50"))
    }

    @Test(arguments: ["gpt-4o", "gpt-4.1", "gpt-3.5-turbo", "omni-moderation"])
    func olderModelsGetTheOldField(model: String) throws {
        let out = try sent(chat("", model: model), cap: 50)
        #expect(out.contains("\"max_tokens\":50") && !out.contains("max_completion_tokens"))
    }

    @Test func clampsWhatIsTooHighAndKeepsWhatIsNot() throws {
        #expect(try sent(chat("\"max_tokens\": 100000"), cap: 50).contains("\"max_tokens\": 50"))
        #expect(try sent(chat("\"max_completion_tokens\":51"), cap: 50).contains("\"max_completion_tokens\":50"))
        #expect(try sent(chat("\"max_tokens\": 7"), cap: 50).contains("\"max_tokens\": 7"))
    }

    @Test func nullIsNoCapAndIsReplacedWhereItStands() throws {
        let out = try sent(chat("\"max_tokens\":null"), cap: 50)
        #expect(out.contains("\"max_tokens\":50"))
        #expect(out.components(of: "max_tokens") == 1)
    }

    @Test func bothFieldsAreRefused() {
        #expect(code { _ = try chat("\"max_tokens\":5,\"max_completion_tokens\":6") } == .malformed)
    }

    @Test(arguments: ["0", "-1", "1.5", "1e3", "\"5\"", "true", "99999999999999999999"])
    func aCapThatIsNoCountIsRefused(value: String) {
        #expect(code { _ = try chat("\"max_tokens\":\(value)") } == .malformed)
    }

    @Test func choicesMultiplyTheOutput() throws {
        let rewritten = try chat("\"n\":3,\"max_tokens\":10").0.rewritten(cap: 50, words: words)
        #expect(rewritten.outputTokensBound == 30)
        #expect(code { _ = try chat("\"n\":129") } == .malformed)
    }

    @Test func aPredictionIsBilledAsOutput() throws {
        let rewritten = try chat("\"max_tokens\":10,\"prediction\":{\"type\":\"content\",\"content\":\"abcdef\"}").0.rewritten(
            cap: 50, words: words)
        #expect(try #require(rewritten.outputTokensBound) >= 16)
    }
}

struct OpenAIStreamsAndTiers {
    @Test func usageIsAskedForInEveryWayItMayBeMissing() throws {
        for (field, want) in [
            ("\"stream\":true", "\"stream_options\":{\"include_usage\":true}"),
            ("\"stream\":true,\"stream_options\":null", "\"stream_options\":{\"include_usage\":true}"),
            ("\"stream\":true,\"stream_options\":{}", "\"stream_options\":{\"include_usage\":true}"),
            ("\"stream\":true,\"stream_options\":{\"include_usage\":false}", "{\"include_usage\":true}"),
            (
                "\"stream\":true,\"stream_options\":{ \"include_obfuscation\":false}",
                "{\"include_usage\":true, \"include_obfuscation\":false}"
            ),
        ] {
            let parsed = try chat(field)
            #expect(try sent(parsed, cap: 50).contains(want))
            #expect(try parsed.0.rewritten(cap: 50, words: words).injectedUsage)
        }
    }

    @Test func usageThatTheAgentAskedForIsItsOwn() throws {
        let parsed = try chat("\"stream\":true,\"stream_options\":{\"include_usage\":true}")
        #expect(try !parsed.0.rewritten(cap: 50, words: words).injectedUsage)
        #expect(try !chat("").0.rewritten(cap: 50, words: words).injectedUsage)
    }

    @Test func theTierIsPinned() throws {
        #expect(try sent(chat("\"service_tier\":\"auto\""), cap: 50).contains("\"service_tier\":\"default\""))
        #expect(try sent(chat("\"service_tier\":\"default\""), cap: 50).components(of: "service_tier") == 1)
        #expect(try chat("\"service_tier\":\"priority\"").0.unpriced == ["service_tier priority"])
        #expect(try chat("\"service_tier\":\"flex\"").0.unpriced == ["service_tier flex"])
    }

    @Test func nothingElseIsTouched() throws {
        let body = Array(
            "{ \"model\" : \"gpt-4o\" ,\n \"messages\":[{\"role\":\"user\",\"content\":\"caf\\u00e9 \\ud83d\\ude00\"}], \"max_tokens\":5, \"service_tier\":\"default\"}"
                .utf8)
        let request = try ProviderRequest.parse(.chatCompletions, provider: .openai, body: body, rules: rules)
        #expect(try request.rewritten(cap: 50, words: words).edits.isEmpty)
    }
}

struct StrictBodies {
    @Test(arguments: [
        "{\"model\":\"gpt-4o\",\"messages\":[],\"model\":\"gpt-4o-pro\"}",
        "{\"model\":\"gpt-4o\",\"messages\":[],\"mod\\u0065l\":\"x\"}",
        "{\"model\":\"gpt-4o\",\"messages\":[{\"a\":1,\"a\":2}]}",
        "{\"model\":\"gpt-4o\",\"messages\":[]} ,", "[]", "", "{\"model\":\"\\ud800\",\"messages\":[]}",
    ])
    func anythingThatParsersReadDifferently(body: String) {
        #expect(
            code { _ = try ProviderRequest.parse(.chatCompletions, provider: .openai, body: Array(body.utf8), rules: rules) }
                == .strictJSON)
    }

    @Test func unknownFieldsAreRefusedUnlessAllowed() throws {
        let body = Array("{\"model\":\"gpt-4o\",\"messages\":[],\"new_paid_thing\":1}".utf8)
        #expect(
            code { _ = try ProviderRequest.parse(.chatCompletions, provider: .openai, body: body, rules: rules) } == .unknownField)
        let loose = ProviderRequest.Rules(words: words, refuseUnknownFields: false)
        #expect(try ProviderRequest.parse(.chatCompletions, provider: .openai, body: body, rules: loose).model == "gpt-4o")
    }

    @Test func theNamesOfAgentsAreCleanedBeforeTheyAreShown() {
        let told = words.unknownModel("totally-unknown-model-9\u{1b}[2J\n").told
        #expect(told.contains("totally-unknown-model-9?[2J?") && told.contains("strict") && told.contains("Ask the operator"))
    }
}

struct Bounds {
    @Test func everyByteOfTextIsWithinTheBound() throws {
        let parsed = try chat("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]")
        #expect(parsed.0.textTokensBound >= Int64(parsed.1.count) + 1024)
    }

    @Test func aPlainRequestIsNotBoundedFarAboveItsBytes() throws {
        let body = Array(
            "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"\(String(repeating: "x", count: 3000))\"}]}".utf8)
        let request = try ProviderRequest.parse(.chatCompletions, provider: .openai, body: body, rules: rules)
        #expect((3000...3200).contains(request.textTokensBound))
    }

    @Test func imagesAreCountedNotMeasured() throws {
        let data = "data:image/png;base64," + String(repeating: "A", count: 100_000)
        let body = Array(
            "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"\(data)\"}}]}]}"
                .utf8)
        let request = try ProviderRequest.parse(.chatCompletions, provider: .openai, body: body, rules: rules)
        #expect(request.images == 1 && request.binaryParts == 1 && request.serverTools.isEmpty && request.textTokensBound < 1000)
    }

    @Test func addressesThatTheProviderWouldFetchAreServerTools() throws {
        let image =
            "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://evil.example/?q=secret\"}}]}]"
        let body = Array("{\"model\":\"gpt-4o\",\"messages\":\(image)}".utf8)
        #expect(
            try ProviderRequest.parse(.chatCompletions, provider: .openai, body: body, rules: rules).serverTools == ["url_fetch"])
        #expect(try chat("\"web_search_options\":{}").0.serverTools == ["web_search"])
        #expect(try chat("", model: "gpt-4o-search-preview").0.serverTools == ["search_model"])
        #expect(try chat("", model: "gpt-5-mini-search").0.serverTools == ["search_model"])
        for model in ["research-mini", "gpt-4o-searching", "search-1", "gpt-4o"] {
            #expect(try chat("", model: model).0.serverTools.isEmpty, "\(model)")
        }
    }

    @Test func audioAndFilesHaveNoPrice() throws {
        for part in [
            "{\"type\":\"input_audio\",\"input_audio\":{}}", "{\"type\":\"file\",\"file\":{\"file_data\":\"x\"}}",
            "{\"type\":\"hologram\"}",
        ] {
            let body = Array("{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":[\(part)]}]}".utf8)
            let request = try ProviderRequest.parse(.chatCompletions, provider: .openai, body: body, rules: rules)
            #expect(request.unpriced.count == 1 && request.binaryParts == 1)
        }
        #expect(try chat("\"modalities\":[\"text\",\"audio\"]").0.unpriced == ["modalities"])
        #expect(try chat("\"modalities\":[\"text\"]").0.unpriced.isEmpty)
    }
}

extension String {
    /// How often a text occurs, not overlapping.
    func components(of part: String) -> Int {
        var count = 0
        var rest = self[...]
        while let found = rest.firstRange(of: part) {
            count += 1
            rest = rest[found.upperBound...]
        }
        return count
    }
}
