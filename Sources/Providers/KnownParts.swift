// KnownParts: tools and content parts by where they run and what they cost (vendors' API references, November 2026).

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
    static let openAIText: Set<String> = ["text", "refusal", "thinking"]
    static let anthropicText: Set<String> = [
        "text", "tool_use", "tool_result", "thinking", "redacted_thinking", "search_result", "server_tool_use",
        "web_search_tool_result",
        "web_fetch_tool_result", "code_execution_tool_result", "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result", "mcp_tool_use", "mcp_tool_result", "tool_reference",
    ]
}
