// AnthropicRequestTests: the messages body.

import Testing
import Vocabulary

@testable import Providers

struct AnthropicRequests {
    @Test func capsAndPins() throws {
        let out = try sent(message("\"max_tokens\":4096"), cap: 50)
        #expect(out.contains("\"max_tokens\":50") && out.contains("\"service_tier\":\"standard_only\""))
        #expect(try sent(message(""), cap: 50).contains("\"max_tokens\":50"))
        #expect(
            try sent(message("\"max_tokens\":5,\"service_tier\":\"auto\""), cap: 50).contains("\"service_tier\":\"standard_only\""))
    }

    @Test func thinkingStaysBelowTheCap() throws {
        let out = try sent(message("\"max_tokens\":32000,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":16000}"), cap: 4096)
        #expect(out.contains("\"max_tokens\":4096") && out.contains("\"budget_tokens\":4095"))
        let kept = try sent(message("\"max_tokens\":4000,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}"), cap: 4096)
        #expect(kept.contains("\"budget_tokens\":2000") && kept.contains("\"max_tokens\":4000"))
    }

    @Test func thinkingThatDoesNotFitIsRefusedWithTheReason() throws {
        let parsed = try message("\"max_tokens\":2000,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1500}")
        #expect(code { _ = try parsed.0.rewritten(cap: 1024, words: words) } == .malformed)
        #expect(
            code { _ = try message("\"max_tokens\":2000,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":10}") } == .malformed)
    }

    @Test(arguments: [
        ("{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}", ["web_search_20250305"]),
        ("{\"type\":\"code_execution_20250825\",\"name\":\"x\"}", ["code_execution_20250825"]),
        ("{\"type\":\"something_new\",\"name\":\"x\"}", ["something_new"]),
        ("{\"type\":\"computer_20250124\",\"name\":\"computer\"}", []),
        ("{\"type\":\"bash_20250124\",\"name\":\"bash\"}", []),
        ("{\"type\":\"custom\",\"name\":\"x\",\"input_schema\":{}}", []),
        ("{\"name\":\"x\",\"input_schema\":{}}", []),
    ])
    func toolsByWhereTheyRun(tool: String, expected: [String]) throws {
        #expect(try message("\"max_tokens\":5,\"tools\":[\(tool)]").0.serverTools == expected)
    }

    @Test func otherWaysToThirdParties() throws {
        #expect(try message("\"max_tokens\":5,\"mcp_servers\":[{\"url\":\"https://x\"}]").0.serverTools == ["mcp_servers"])
        #expect(try message("\"max_tokens\":5,\"container\":\"c\"").0.serverTools == ["container"])
        #expect(try blocks("{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"https://x\"}}").serverTools == ["url_fetch"])
        #expect(
            try blocks("{\"type\":\"document\",\"source\":{\"type\":\"file\",\"file_id\":\"f\"}}").serverTools == ["file_reference"]
        )
        // Nested: the result of a tool may hold an image of its own.
        let nested =
            "{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"u\"}}]}"
        #expect(try blocks(nested).serverTools == ["url_fetch"])
    }

    @Test func aToolsInputIsNotReadAsContent() throws {
        let request = try blocks(
            "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"n\",\"input\":{\"type\":\"image\",\"source\":{\"type\":\"url\"}}}")
        #expect(request.serverTools.isEmpty && request.images == 0 && request.unpriced.isEmpty)
    }

    @Test func cacheWritesAreSeenWhereverTheyAre() throws {
        #expect(try message("\"max_tokens\":5").0.cacheWrite == .none)
        #expect(
            try blocks("{\"type\":\"text\",\"text\":\"x\",\"cache_control\":{\"type\":\"ephemeral\"}}").cacheWrite == .fiveMinutes)
        #expect(
            try blocks("{\"type\":\"text\",\"text\":\"x\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}").cacheWrite
                == .oneHour)
        #expect(try message("\"max_tokens\":5,\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}").0.cacheWrite == .oneHour)
    }

    /// Of Claude CLI, in each of its requests.
    @Test func diagnosticsOfTheCacheAreFree() throws {
        #expect(try message("\"max_tokens\":5,\"diagnostics\":{\"previous_message_id\":null}").0.unpriced.isEmpty)
    }

    @Test func pricesThatTheBookDoesNotHave() throws {
        #expect(try message("\"max_tokens\":5,\"speed\":\"fast\"").0.unpriced == ["speed"])
        #expect(try message("\"max_tokens\":5,\"inference_geo\":\"us\"").0.unpriced == ["inference_geo"])
        #expect(
            try message("\"max_tokens\":5,\"context_management\":{\"edits\":[{\"type\":\"compact_20260112\"}]}").0.unpriced.count
                == 1)
        #expect(
            try message("\"max_tokens\":5,\"context_management\":{\"edits\":[{\"type\":\"clear_tool_uses_20250919\"}]}").0.unpriced
                .isEmpty)
        #expect(try blocks("{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"data\":\"AA\"}}").unpriced.count == 1)
    }

    @Test func textThatGrowsWhenNormalisedIsBounded() throws {
        // U+FDFA: three bytes that NFKC turns into thirty-three, as text and as an escape.
        let plain = try blocks("{\"type\":\"text\",\"text\":\"aaaaaa\"}").textTokensBound
        #expect(try blocks("{\"type\":\"text\",\"text\":\"\u{fdfa}\u{fdfa}\"}").textTokensBound >= plain + 60)
        #expect(try blocks("{\"type\":\"text\",\"text\":\"\\ufdfa\"}").textTokensBound >= plain + 30)
    }

    @Test func whatClaudeCodeAsksForIsKnown() throws {
        let parsed = try message(
            #""max_tokens":128000,"thinking":{"type":"adaptive","display":"omitted"},"context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},"output_config":{"effort":"medium"},"metadata":{"user_id":"u"},"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],"tools":[{"name":"Bash","input_schema":{}}],"stream":true"#
        )
        #expect(parsed.0.serverTools.isEmpty && parsed.0.unpriced.isEmpty && parsed.0.stream)
        #expect(try sent(parsed, cap: 4096).contains(#""max_tokens":4096,"thinking":{"type":"adaptive""#))
    }

    @Test func countingTokensIsReadButFree() throws {
        let body = Array("{\"model\":\"claude-sonnet-4-5\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}".utf8)
        let request = try ProviderRequest.parse(.countTokens, provider: .anthropic, body: body, rules: rules)
        let rewritten = try request.rewritten(cap: 50, words: words)
        #expect(rewritten.edits.isEmpty && rewritten.outputTokensBound == 0)
    }

    private func blocks(_ block: String) throws -> ProviderRequest {
        let body = Array(
            "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[\(block)]}]}".utf8)
        return try ProviderRequest.parse(.messages, provider: .anthropic, body: body, rules: rules)
    }
}
