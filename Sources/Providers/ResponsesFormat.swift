// ResponsesFormat: OpenAI's responses, their compaction, and the counting of their tokens.

import Vocabulary

struct ResponsesFormat: WireFormat {
    let call: Call
    /// Whether the service tier can be chosen, and so must be pinned.
    let hasTiers: Bool

    enum Call: Sendable { case create, compact, countTokens }

    /// Left out on purpose: `moderation` and `access_programs`, of whose cost nothing is known.
    private static let known: Set<String> = [
        "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "max_tool_calls", "max_output_tokens",
        "stream", "stream_options", "temperature", "top_p", "top_logprobs", "text", "reasoning", "include", "metadata", "user",
        "store", "background", "previous_response_id", "conversation", "prompt", "truncation", "service_tier", "image",
        "context_management", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "safety_identifier",
        "client_metadata",
    ]
    private static let counted = known.union(["personality"])

    var fields: Set<String> { call == .countTokens ? Self.counted : Self.known }

    func model(_ reader: BodyReader) throws(Refusal) -> String {
        // A count may leave the model open: it costs nothing and is held to the list of models by no name.
        call == .countTokens && reader.field("model") == nil ? "default" : try reader.model()
    }

    func read(_ reader: BodyReader, into request: inout ProviderRequest) throws(Refusal) {
        try request.readResponses(reader, self)
    }

    func usage(_ root: JSONNode, body: [UInt8]) -> ReportedUsage? { UsageReader.responses(root, body: body) }

    func find(_ root: JSONNode, into found: inout AnswerFinder) {
        for item in root["output"]?.elements ?? [] { found.responseItem(item) }
    }

    func stream() -> (any WireStream)? { call == .create ? ResponsesStream() : nil }
}

extension UsageReader {
    /// Of a response object. Cached and written tokens lie inside the input's count.
    static func responses(_ root: JSONNode, body: [UInt8]) -> ReportedUsage? {
        guard let usage = root["usage"], usage.isObject, let input = count(usage["input_tokens"], body),
            let output = count(usage["output_tokens"], body)
        else { return nil }
        let details = usage["input_tokens_details"]
        let cached = min(count(details?["cached_tokens"], body) ?? 0, input)
        let written = min(count(details?["cache_write_tokens"], body) ?? 0, input - cached)
        let tools = root["tool_usage"]
        let calls = (count(tools?["web_search"]?["num_requests"], body) ?? 0)
        let images = count(tools?["image_gen"]?["total_tokens"], body) ?? 0
        return ReportedUsage(
            tokens: TokenUsage(input: input - cached - written, cachedInput: cached, cacheWrite: written, output: output),
            model: root["model"]?.text(in: body), serviceTier: root["service_tier"]?.text(in: body),
            serverToolCalls: calls + images)
    }
}

extension AnswerFinder {
    /// An item of a response's output. Encrypted reasoning and images are left alone.
    mutating func responseItem(_ item: JSONNode) {
        for part in item["content"]?.elements ?? [] { responsePart(part) }
        for part in item["summary"]?.elements ?? [] { responsePart(part) }
        for field in ["arguments", "input", "code", "action", "actions", "operation"] { leaves(item[field]) }
        for field in ["output", "outputs", "queries", "results", "revised_prompt", "error"] { leaves(item[field], tool: false) }
        if item["type"]?.text(in: body) == "program_output" { add(item["result"]) }
    }

    mutating func responsePart(_ part: JSONNode) {
        add(part["text"])
        add(part["refusal"])
        for note in part["annotations"]?.elements ?? [] { add(note["title"]) }
        drop(part["logprobs"], for: "[]")
    }
}
