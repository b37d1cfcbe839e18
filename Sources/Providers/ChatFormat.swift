// ChatFormat: OpenAI's chat completions, and the dialects of it that other providers speak.

import Vocabulary

struct ChatFormat: WireFormat {
    let dialect: ChatDialect

    var fields: Set<String> { dialect.fields }

    func model(_ reader: BodyReader) throws(Refusal) -> String {
        dialect.modelMayBeInPath && reader.target.contains("/deployments/") ? try reader.pathModel() : try reader.model()
    }

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
    let fields: Set<String>
    /// The cap's name; nil: by what OpenAI's models take.
    var capField: String?
    private var usage = Usage.onRequest
    /// The service tier whose prices the book has; nil: the API has no such field.
    var tier: String?
    var modelMayBeInPath = false

    /// When a stream says what it used.
    private enum Usage: Sendable { case always, onRequest, onRequestFrom(String) }

    func asksForUsage(_ reader: BodyReader) -> Bool {
        switch usage {
        case .always: return false
        case .onRequest: return true
        case .onRequestFrom(let version):
            // Older versions refuse the field; without it what was reserved stands.
            return reader.target.contains("/openai/v1/") || reader.query("api-version").allSatisfy { $0 >= version }
        }
    }

    static func of(_ provider: ProviderID) -> ChatDialect {
        switch provider {
        case .azure: azure
        case .mistral: mistral
        case .openrouter: openRouter
        case .xai: xAI
        case .ollama: ollama
        default: openAI
        }
    }

    /// Fields that make a provider contact third parties, and what they stand for.
    static let servers = [
        ("web_search_options", "web_search"), ("search_parameters", "live_search"), ("plugins", "plugins"),
        ("data_sources", "data_sources"),
    ]
    /// Fields that let another model answer, or the answer come elsewhere.
    static let unpriced = ["deferred", "models", "route"]

    private static let openAI = ChatDialect(fields: common.union(openAIOnly), tier: "default")

    private static let azure = ChatDialect(
        fields: common.union(openAIOnly).union(["data_sources", "user_security_context"]), usage: .onRequestFrom("2024-09-01"),
        tier: "default", modelMayBeInPath: true)

    private static let mistral = ChatDialect(
        fields: common.union([
            "random_seed", "min_tokens", "repetition_penalty", "top_k", "logprobs", "top_logprobs", "prompt_logprobs",
            "top_prompt_logprobs", "safe_prompt", "prompt_mode", "service_tier", "prompt_cache_key",
        ]), capField: "max_tokens", usage: .always, tier: "standard_only")

    private static let xAI = ChatDialect(
        fields: common.union([
            "max_completion_tokens", "stream_options", "logit_bias", "logprobs", "top_logprobs", "user", "seed",
            "search_parameters",
            "deferred", "web_search_options",
        ]), capField: "max_completion_tokens")

    private static let openRouter = ChatDialect(
        fields: common.union([
            "stream_options", "logit_bias", "logprobs", "top_logprobs", "user", "seed", "top_k", "min_p", "top_a",
            "repetition_penalty", "reasoning", "include_reasoning", "provider", "models", "route", "transforms", "plugins", "usage",
            "verbosity", "structured_outputs", "max_completion_tokens", "web_search_options", "session_id", "trace",
        ]), capField: "max_tokens", usage: .always)

    private static let ollama = ChatDialect(
        fields: common.union(["stream_options", "seed", "user", "logprobs", "top_logprobs", "reasoning"]), capField: "max_tokens")

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
