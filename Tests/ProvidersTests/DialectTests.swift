// DialectTests: chat completions as other providers speak them, and what is known of the providers.

import Testing
import Vocabulary

@testable import Providers

func chat(_ fields: String, at provider: ProviderID, target: String = "/v1/chat/completions") throws -> (ProviderRequest, [UInt8]) {
    let body = Array(
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]\(fields.isEmpty ? "" : "," + fields)}".utf8)
    return (try ProviderRequest.parse(.chatCompletions, provider: provider, target: target, body: body, rules: rules), body)
}

struct ChatDialects {
    @Test(arguments: [
        (ProviderID.mistral, "{\"max_tokens\":50,\"service_tier\":\"standard_only\","),
        (.xai, "{\"max_completion_tokens\":50,\"stream_options\""),
        (.openrouter, "{\"max_tokens\":50,\"model\""), (.ollama, "{\"max_tokens\":50,\"stream_options\""),
        (.azure, "{\"max_tokens\":50,\"service_tier\":\"default\",\"stream_options\""),
    ])
    func capTierAndUsage(provider: ProviderID, want: String) throws {
        #expect(try sent(chat("\"stream\":true", at: provider), cap: 50).hasPrefix(want))
    }

    @Test func fieldsOfOneAreNotFieldsOfAnother() throws {
        #expect(try chat("\"safe_prompt\":true,\"random_seed\":1", at: .mistral).0.unpriced.isEmpty)
        #expect(code { _ = try chat("\"safe_prompt\":true", at: .xai) } == .unknownField)
        #expect(code { _ = try chat("\"stream_options\":{}", at: .mistral) } == .unknownField)
        #expect(try chat("\"search_parameters\":{}", at: .xai).0.serverTools == ["live_search"])
        #expect(try chat("\"plugins\":[]", at: .openrouter).0.serverTools == ["plugins"])
        #expect(try chat("\"data_sources\":[]", at: .azure).0.serverTools == ["data_sources"])
        #expect(try chat("\"models\":[\"a\",\"b\"]", at: .openrouter).0.unpriced == ["models"])
        #expect(try chat("\"deferred\":true", at: .xai).0.unpriced == ["deferred"])
    }

    @Test func azureNamesDeploymentsInThePath() throws {
        let named = "/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21"
        let parsed = try chat("\"stream\":true", at: .azure, target: named)
        #expect(parsed.0.model == "my gpt")
        #expect(try sent(parsed, cap: 50).contains("include_usage"))
        // An API version that does not know the field yet.
        let old = "/openai/deployments/d/chat/completions?api-version=2023-05-15"
        #expect(try !sent(chat("\"stream\":true", at: .azure, target: old), cap: 50).contains("include_usage"))
        #expect(try chat("", at: .azure, target: "/openai/v1/chat/completions").0.model == "m")
    }

    @Test func mistralsPartsAreChannels() throws {
        let part = { (kind: String, text: String) in
            kind == "text"
                ? "{\"type\":\"text\",\"text\":\"\(text)\"}"
                : "{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"\(text)\"}]}"
        }
        let stream =
            openAIChunk("\"content\":[\(part("thinking", "a <b"))]") + openAIChunk("\"content\":[\(part("thinking", "c> d <"))]")
            + openAIChunk("\"content\":[\(part("text", "mail <x"))]") + openAIChunk("\"content\":\"> y\"")
            + openAIChunk(
                "\"content\":\"\"", finish: "\"stop\"",
                more: ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4,\"total_tokens\":13}")
            + "data: [DONE]\n\n"
        let (out, reader) = try through(stream, provider: .mistral, .chatCompletions, pieces: 13)
        #expect(
            !out.contains("<b") && !out.contains("<x") && out.contains("\"text\":\"# d \"") && out.contains("\"content\":\"# y\""))
        #expect(out.contains("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"<\"}]}]"))
        #expect(reader.usage?.tokens == TokenUsage(input: 9, output: 4))
    }

    @Test func reasoningThatIsNotInTheCompletionIsBilledToo() {
        let body = Array("{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":315}}".utf8)
        #expect(UsageReader.read(.chatCompletions, provider: .xai, body: body)?.tokens == TokenUsage(input: 10, output: 305))
    }

    @Test func xAIsResponsesHaveNoTierToPin() throws {
        let body = Array("{\"model\":\"m\",\"input\":\"x\"}".utf8)
        let request = try ProviderRequest.parse(.responses, provider: .xai, body: body, rules: rules)
        #expect(try !sent((request, body), cap: 50).contains("service_tier"))
    }
}

struct OmittedTools {
    let function = "{\"type\":\"function\",\"name\":\"f\"}"

    func tools(_ list: String, _ more: String = "") throws -> (ProviderRequest, [UInt8]) {
        var (request, body) = try response("\"input\":\"x\",\"tools\":[\(list)]" + more)
        request.omitServerTools()
        return (request, body)
    }

    @Test(arguments: [
        ("{\"type\":\"web_search\",\"external_web_access\":false}, F", "[F]"), ("F , {\"type\":\"web_search\"}", "[F]"),
        ("F,{\"type\":\"web_search\"}, F,{\"type\":\"image_generation\"}", "[F, F]"),
        ("{\"type\":\"web_search\"},{\"type\":\"image_generation\"},F", "[F]"),
        ("{\"type\":\"web_search\"},F,{\"type\":\"web_search_preview\"},{\"type\":\"image_generation\"},F", "[F,F]"),
    ])
    func whatNobodyAskedForIsLeftOut(list: String, want: String) throws {
        let parsed = try tools(list.replacing("F", with: function))
        #expect(parsed.0.serverTools.isEmpty && !parsed.0.omitted.isEmpty)
        let out = try sent(parsed, cap: 50)
        #expect(out.contains("\"tools\":" + want.replacing("F", with: function)) && JSONNode.parse(Array(out.utf8)) != nil)
    }

    @Test(arguments: [
        ("{\"type\":\"web_search\"}", ""), ("F,{\"type\":\"mcp\"}", ""), ("F,{\"type\":\"web_search\"},{\"type\":\"mcp\"}", ""),
        ("F,{\"type\":\"web_search\"}", ",\"tool_choice\":{\"type\":\"web_search\"}"),
        ("F,{\"type\":\"namespace\",\"tools\":[{\"type\":\"web_search\"}]}", ""),
    ])
    func whatWasAskedForIsNot(list: String, more: String) throws {
        let parsed = try tools(list.replacing("F", with: function), more)
        #expect(!parsed.0.serverTools.isEmpty && parsed.0.omitted.isEmpty)
        #expect(try sent(parsed, cap: 50).contains(list.replacing("F", with: function)))
    }
}

struct ProviderTable {
    @Test(arguments: [
        (
            "generativelanguage.googleapis.com", "POST", "/v1beta/models/gemini-2.5-pro:generateContent",
            OperationKind.generateContent
        ),
        (
            "generativelanguage.googleapis.com", "POST", "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
            .streamGenerateContent
        ),
        ("generativelanguage.googleapis.com", "POST", "/v1beta/models/m:embedContent", nil),
        ("generativelanguage.googleapis.com", "POST", "/v1beta/models/a/b:generateContent", nil),
        ("generativelanguage.googleapis.com", "POST", "/v1beta/models/:generateContent", nil),
        ("bedrock-runtime.us-east-1.amazonaws.com", "POST", "/model/a:0/converse-stream", .converseStream),
        ("bedrock-runtime.us-east-1.amazonaws.com", "POST", "/model/a:0/invoke", nil),
        ("bedrock-runtime.eu-west-1.amazonaws.com", "POST", "/model/a:0/converse", nil),
        ("me.openai.azure.com", "POST", "/openai/deployments/d/chat/completions", .chatCompletions),
        ("api.mistral.ai", "POST", "/v1/chat/completions", .chatCompletions),
        ("api.mistral.ai", "POST", "/v1/agents/completions", nil),
        ("api.x.ai", "POST", "/v1/responses", .responses), ("api.x.ai", "POST", "/xai_api.Chat/GetCompletion", nil),
        ("openrouter.ai", "POST", "/api/v1/chat/completions", .chatCompletions), ("ollama.com", "POST", "/api/chat", .ollamaChat),
        ("ollama.com", "POST", "/api/embed", nil),
    ])
    func endpoints(host: String, method: String, path: String, kind: OperationKind?) throws {
        #expect(Providers.operation(host: try #require(HostName(host)), method: method, path: path) == kind)
    }

    @Test func everyKnownProviderHasOneAndEveryOperationItsFormat() throws {
        for id in ProviderID.known {
            let preset = try #require(Providers.preset(id))
            #expect(!preset.endpoints.isEmpty && !(preset.hosts.isEmpty && preset.tenants.isEmpty))
            for endpoint in preset.endpoints { #expect((WireFormats.of(endpoint.kind, id) == nil) == !endpoint.kind.hasModelBody) }
        }
        #expect(Providers.presets.count == ProviderID.known.count)
        // A domain of its own is what a tenant has; the provider's name is not below itself.
        #expect(Providers.preset(host: try #require(HostName("openai.azure.com"))) == nil)
        #expect(Providers.preset(host: try #require(HostName("evilopenai.azure.com"))) == nil)
    }

    @Test func aRefusalEndsEveryClientsTurn() throws {
        let refusal = words.refusal(.budgetExceeded, reason: "r", what: "the budget is spent")
        for (provider, status) in [
            (ProviderID.gemini, 402), (.mistral, 402), (.ollama, 402), (.bedrock, 403), (.xai, 400), (.azure, 400),
            (.openrouter, 400),
        ] {
            let response = RefusalResponse(refusal, provider: provider)
            #expect(response.status == status && response.headers.contains { $0.name == "x-should-retry" && $0.value == "false" })
            #expect(JSONNode.parse(response.body) != nil && !response.headers.contains { $0.name == "retry-after" })
        }
        #expect(
            RefusalResponse(refusal, provider: .bedrock).headers.contains {
                $0.name == "x-amzn-errortype" && $0.value == "AccessDeniedException"
            })
        #expect(RefusalResponse(refusal, provider: .ollama, operation: .chatCompletions).status == 400)
        let google = try #require(JSONNode.parse(RefusalResponse(refusal, provider: .gemini).body))
        #expect(google["error"]?["code"]?.integer(in: RefusalResponse(refusal, provider: .gemini).body) == 402)
    }
}
