// MessagesFormat: Anthropic's messages, and the counting of their tokens, which is free.

import Vocabulary

struct MessagesFormat: WireFormat {
    private static let known: Set<String> = [
        "model", "messages", "max_tokens", "system", "metadata", "stop_sequences", "stream", "temperature", "top_p", "top_k",
        "tools", "tool_choice", "thinking", "service_tier", "container", "mcp_servers", "context_management", "betas",
        "output_config", "output_format", "speed", "inference_geo", "cache_control", "diagnostics",
    ]

    var fields: Set<String> { Self.known }

    func read(_ reader: BodyReader, into request: inout ProviderRequest) throws(Refusal) { try request.readMessages(reader) }

    func usage(_ root: JSONNode, body: [UInt8]) -> ReportedUsage? { UsageReader.anthropic(root, body: body, over: nil) }

    func find(_ root: JSONNode, into found: inout AnswerFinder) {
        for block in root["content"]?.elements ?? [] { found.messageBlock(block) }
    }

    func stream() -> (any WireStream)? { MessagesStream() }
}

struct CountTokensFormat: WireFormat {
    private static let known: Set<String> = [
        "model", "messages", "system", "tools", "tool_choice", "thinking", "mcp_servers", "context_management", "output_config",
        "output_format", "speed", "cache_control",
    ]

    var fields: Set<String> { Self.known }

    func read(_ reader: BodyReader, into request: inout ProviderRequest) throws(Refusal) { try request.readMessages(reader) }
}
