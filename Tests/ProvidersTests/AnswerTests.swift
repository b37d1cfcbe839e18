// AnswerTests: plain answers, usage, refusals in the vendors' shapes, and which paths are model endpoints.

import Testing
import Vocabulary

@testable import Providers

struct Answers {
    @Test func usageOfBothVendorsInOneForm() {
        let openAI = Array(
            "{\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":20,\"prompt_tokens_details\":{\"cached_tokens\":60}}}"
                .utf8)
        let read = UsageReader.read(.chatCompletions, provider: .openai, body: openAI)
        #expect(read?.tokens == TokenUsage(input: 40, cachedInput: 60, output: 20))
        #expect(read?.model == "gpt-4o-2024-08-06" && read?.serviceTier == "default")
        let anthropic = Array(
            "{\"model\":\"c\",\"usage\":{\"input_tokens\":100,\"output_tokens\":20,\"cache_read_input_tokens\":60,\"cache_creation_input_tokens\":5}}"
                .utf8)
        #expect(
            UsageReader.read(.messages, provider: .anthropic, body: anthropic)?.tokens
                == TokenUsage(input: 100, cachedInput: 60, cacheWrite: 5, output: 20))
    }

    @Test func zeroIsReportedAndAbsentIsNot() {
        let zero = Array("{\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0}}".utf8)
        #expect(UsageReader.read(.chatCompletions, provider: .openai, body: zero)?.tokens == TokenUsage())
        for missing in [
            "{}", "{\"usage\":null}", "{\"usage\":{}}", "{\"usage\":{\"prompt_tokens\":5}}",
            "{\"usage\":{\"prompt_tokens\":-5,\"completion_tokens\":1}}", "nonsense",
        ] {
            #expect(UsageReader.read(.chatCompletions, provider: .openai, body: Array(missing.utf8)) == nil)
        }
        #expect(UsageReader.read(.messages, provider: .anthropic, body: Array("{\"usage\":{}}".utf8)) == nil)
    }

    @Test func aPartLargerThanTheWholeMakesNoTokensDisappear() {
        let odd = Array(
            "{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":1,\"prompt_tokens_details\":{\"cached_tokens\":99}}}".utf8)
        #expect(UsageReader.read(.chatCompletions, provider: .openai, body: odd)?.tokens == TokenUsage(cachedInput: 10, output: 1))
    }

    @Test func absurdCountsAreNoReport() {
        let huge = "9223372036854775807"
        let openAI = Array("{\"usage\":{\"prompt_tokens\":\(huge),\"completion_tokens\":1}}".utf8)
        #expect(UsageReader.read(.chatCompletions, provider: .openai, body: openAI) == nil)
        let passes = String(repeating: "{\"input_tokens\":1099511627776},", count: 9) + "{}"
        let anthropic = Array("{\"usage\":{\"input_tokens\":1,\"output_tokens\":\(huge),\"iterations\":[\(passes)]}}".utf8)
        #expect(UsageReader.read(.messages, provider: .anthropic, body: anthropic)?.tokens == TokenUsage(input: 1 << 40))
    }

    @Test func compactionPassesAreCounted() {
        let body = Array(
            "{\"usage\":{\"input_tokens\":10,\"output_tokens\":5,\"iterations\":[{\"type\":\"compaction\",\"input_tokens\":900,\"output_tokens\":70},{\"type\":\"message\",\"input_tokens\":10,\"output_tokens\":5}]}}"
                .utf8)
        #expect(UsageReader.read(.messages, provider: .anthropic, body: body)?.tokens == TokenUsage(input: 910, output: 75))
    }

    @Test(arguments: [
        ("\"inference_geo\":\"us\"", "inference_geo us"), ("\"speed\":\"fast\",\"service_tier\":\"standard\"", "speed fast"),
        ("\"inference_geo\":\"global\",\"speed\":\"standard\",\"service_tier\":\"standard\"", "standard"),
        ("\"inference_geo\":\"not_available\"", nil),
    ])
    func whatIsPricedApartIsNamed(fields: String, tier: String?) {
        let body = Array("{\"usage\":{\"input_tokens\":1,\"output_tokens\":1,\(fields)}}".utf8)
        #expect(UsageReader.read(.messages, provider: .anthropic, body: body)?.serviceTier == tier)
    }

    @Test func modelTextIsFoundWhereItStands() throws {
        let body = Array(
            "{\"choices\":[{\"message\":{\"content\":\"a\\nb\",\"tool_calls\":[{\"function\":{\"name\":\"n\",\"arguments\":\"{}\"}}]},\"logprobs\":{\"content\":[]}}]}"
                .utf8)
        let found = try #require(AnswerText.find(.chatCompletions, provider: .openai, body: body))
        #expect(
            found.texts.map(\.text) == ["a\nb", "{}"] && found.texts.map(\.isToolArguments) == [false, true]
                && found.edits.count == 1)
        let first = try #require(found.texts.first)
        #expect(String(decoding: body[first.range], as: UTF8.self) == "\"a\\nb\"")
        let claude = Array(
            "{\"content\":[{\"type\":\"thinking\",\"thinking\":\"t\"},{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"tool_use\",\"id\":\"i\",\"input\":{\"k\":[\"v\"]}}]}"
                .utf8)
        #expect(AnswerText.find(.messages, provider: .anthropic, body: claude)?.texts.map(\.text) == ["x", "v"])
        #expect(AnswerText.find(.chatCompletions, provider: .openai, body: Array("<html>".utf8)) == nil)
    }
}

struct Refusals {
    func text(_ response: RefusalResponse) -> String { String(decoding: response.body, as: UTF8.self) }
    func header(_ response: RefusalResponse, _ name: String) -> String? { response.headers.first { $0.name == name }?.value }

    @Test func budgetCostsEveryClientOneRequest() {
        let refusal = words.refusal(.budgetExceeded, reason: "r", what: "the budget \"is\" spent")
        let openAI = RefusalResponse(refusal, provider: .openai)
        #expect(
            openAI.status == 400 && text(openAI).contains("\"param\":null,\"code\":\"akios_budget_exceeded\"")
                && text(openAI).contains("\\\"is\\\""))
        let anthropic = RefusalResponse(refusal, provider: .anthropic)
        #expect(
            anthropic.status == 402
                && text(anthropic).hasPrefix("{\"type\":\"error\",\"error\":{\"type\":\"billing_error\",\"message\":"))
        for response in [openAI, anthropic] {
            #expect(header(response, "x-should-retry") == "false" && header(response, "retry-after") == nil)
            #expect(JSONNode.parse(response.body) != nil)
        }
    }

    @Test func everyCodeHasAShapeAndNoneTellsTheReason() {
        for code in Refusal.Code.allCases {
            let refusal = words.refusal(code, reason: "allowlist[3]", what: "no")
            for provider in ProviderID.known.map(Optional.some) + [nil] {
                let response = RefusalResponse(refusal, provider: provider)
                #expect((400...599).contains(response.status) && JSONNode.parse(response.body) != nil)
                #expect(
                    text(response).contains("api.openai.com") && text(response).contains("strict")
                        && !text(response).contains("allowlist"))
            }
        }
        #expect(RefusalResponse(words.refusal(.identityMismatch, reason: "", what: "x"), provider: nil).status == 421)
        #expect(
            RefusalResponse(words.refusal(.hostNotAllowed, reason: "", what: "x"), provider: nil, prefersJSON: false).body.last
                == 0x0a)
    }

    @Test func onANobodysHostTheEndpointSaysWhoAsks() {
        let refusal = words.refusal(.hostNotAllowed, reason: "", what: "no")
        func response(_ target: String, upgrade: Bool = false) -> RefusalResponse {
            RefusalResponse(refusal, provider: nil, target: target, prefersJSON: false, wantedUpgrade: upgrade)
        }
        for target in ["/v1/chat/completions", "/proxy/openai/v1/responses?x=y", "/v1/embeddings", "/v1/completions"] {
            #expect(response(target).status == 400 && text(response(target)).contains("\"code\":\"akios_host_not_allowed\""))
        }
        #expect(response("/v1/responses", upgrade: true).status == 426)
        #expect(text(response("/v1/messages?beta=true")).contains("permission_error") && response("/v1/messages").status == 403)
        for target in ["/", "/v1/chat/completions/1", "/channels/1/messages", "/chat?x=/responses"] {
            #expect(
                response(target).status == 403 && response(target).body.last == 0x0a
                    && response(target, upgrade: true).status == 403)
        }
    }

    @Test func aWebSocketThatIsRefusedIsAskedForWithoutOne() {
        let refusal = words.refusal(.unpricedOperation, reason: "", what: "no")
        #expect(RefusalResponse(refusal, provider: .openai, wantedUpgrade: true).status == 426)
        #expect(RefusalResponse(refusal, provider: .openai).status == 400)
        #expect(RefusalResponse(refusal, provider: nil, wantedUpgrade: true).status == 403)
    }

    @Test func onlyAThrottledCallIsToldToComeBackAndSoon() {
        let throttled = words.refusal(.rateLimited, reason: "", what: "slow down")
        let response = RefusalResponse(throttled, provider: .openai, retryAfter: 3600)
        #expect(response.status == 429 && header(response, "retry-after") == "60" && header(response, "x-should-retry") == nil)
        #expect(
            header(
                RefusalResponse(words.refusal(.budgetExceeded, reason: "", what: "x"), provider: .openai, retryAfter: 5),
                "retry-after") == nil)
    }
}

struct Presets {
    @Test(arguments: [
        ("api.openai.com", "POST", "/v1/chat/completions", OperationKind.chatCompletions),
        ("api.openai.com", "GET", "/v1/models", .listModels),
        ("api.openai.com", "GET", "/v1/models/gpt-4o", .listModels), ("api.anthropic.com", "POST", "/v1/messages", .messages),
        ("api.anthropic.com", "POST", "/v1/messages/count_tokens", .countTokens),
        ("api.openai.com", "POST", "/v1/embeddings", .embeddings),
        ("api.openai.com", "POST", "/v1/responses", .responses),
        ("api.openai.com", "POST", "/v1/responses/compact", .compactResponse),
        ("api.openai.com", "POST", "/v1/responses/input_tokens", .countResponseTokens),
        ("api.openai.com", "POST", "/v1/audio/speech", nil),
        ("api.openai.com", "GET", "/v1/responses/resp_1", nil),
        ("api.openai.com", "GET", "/v1/chat/completions", nil), ("api.openai.com", "GET", "/v1/models/", nil),
        ("api.openai.com", "GET", "/v1/models/a/b", nil), ("api.openai.com", "DELETE", "/v1/models/ft", nil),
        ("api.openai.com", "POST", "/v1/messages", nil), ("example.com", "POST", "/v1/messages", nil),
    ])
    func endpoints(host: String, method: String, path: String, kind: OperationKind?) throws {
        #expect(Providers.operation(host: try #require(HostName(host)), method: method, path: path) == kind)
    }
}
