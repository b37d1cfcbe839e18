// KnownFields: the top-level request fields of each API (vendors' API references, November 2026). A field
// that is not here may change the price or make the provider call third parties, so strict refuses it.

import Vocabulary

enum KnownFields {
    static func of(_ kind: OperationKind) -> Set<String> {
        switch kind {
        case .chatCompletions: chatCompletions
        case .messages: messages
        case .countTokens: countTokens
        case .listModels: []
        }
    }

    static let chatCompletions: Set<String> = [
        "model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "n", "stream", "stream_options", "stop",
        "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "user", "seed", "tools", "tool_choice",
        "parallel_tool_calls", "functions", "function_call", "response_format", "service_tier", "store", "metadata",
        "reasoning_effort", "modalities", "audio", "prediction", "web_search_options", "verbosity", "prompt_cache_key",
        "prompt_cache_retention", "safety_identifier",
    ]

    static let messages: Set<String> = [
        "model", "messages", "max_tokens", "system", "metadata", "stop_sequences", "stream", "temperature", "top_p", "top_k",
        "tools",
        "tool_choice", "thinking", "service_tier", "container", "mcp_servers", "context_management", "betas", "output_config",
        "output_format", "speed", "inference_geo", "cache_control",
    ]

    static let countTokens: Set<String> = [
        "model", "messages", "system", "tools", "tool_choice", "thinking", "mcp_servers", "context_management", "output_config",
        "output_format", "speed", "cache_control",
    ]
}

/// Anthropic tool types that run at the client although they have a type: the provider only knows their shape.
enum ClientTools {
    static let anthropicPrefixes = ["bash_", "text_editor_", "computer_", "memory_"]

    static func runsAtClient(anthropicType type: String) -> Bool {
        type == "custom" || anthropicPrefixes.contains { type.hasPrefix($0) }
    }
}

/// Content parts by what they cost: text is bounded by its bytes, images by the model's maximum, all
/// others have no bound that we know and are refused.
enum KnownParts {
    static let openAIText: Set<String> = ["text", "refusal"]
    static let anthropicText: Set<String> = [
        "text", "tool_use", "tool_result", "thinking", "redacted_thinking", "search_result", "server_tool_use",
        "web_search_tool_result",
        "web_fetch_tool_result", "code_execution_tool_result", "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result", "mcp_tool_use", "mcp_tool_result", "tool_reference",
    ]
}
