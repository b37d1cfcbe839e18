// ChatFormat: OpenAI's chat completions, and the dialects of it that other providers speak.

import Vocabulary

struct ChatFormat: WireFormat {
    let dialect: ChatDialect

    var fields: Set<String> { dialect.fields }

    func read(_ reader: BodyReader, into request: inout ProviderRequest) throws(Refusal) {
        try request.readChatCompletions(reader, dialect)
    }

    func usage(_ root: JSONNode, body: [UInt8]) -> ReportedUsage? { UsageReader.openAI(root, body: body) }

    func find(_ root: JSONNode, into found: inout AnswerFinder) {
        for choice in root["choices"]?.elements ?? [] { found.chat(choice) }
    }

    func stream() -> (any WireStream)? { ChatStream() }
}

/// How a provider's chat completions differ from OpenAI's.
struct ChatDialect: Sendable {
    var fields: Set<String>
    /// The cap's name for a model; nil: by what OpenAI's models take.
    var capField: String?
    /// Whether usage in streams must be asked for.
    var asksForUsage: Bool
    /// The service tier whose prices the book has; nil: the API has no such field.
    var tier: String?

    static func of(_ provider: ProviderID) -> ChatDialect { openAI }

    static let openAI = ChatDialect(fields: common.union(openAIOnly), capField: nil, asksForUsage: true, tier: "default")

    private static let common: Set<String> = [
        "model", "messages", "max_tokens", "temperature", "top_p", "n", "stream", "stop", "presence_penalty", "frequency_penalty",
        "tools", "tool_choice", "parallel_tool_calls", "response_format", "metadata", "prediction", "reasoning_effort",
    ]

    private static let openAIOnly: Set<String> = [
        "max_completion_tokens", "stream_options", "logit_bias", "logprobs", "top_logprobs", "user", "seed", "functions",
        "function_call", "service_tier", "store", "modalities", "audio", "web_search_options", "verbosity", "prompt_cache_key",
        "prompt_cache_retention", "safety_identifier",
    ]
}
