// UsageReader: usage objects of all vendors as one form. OpenAI's cached tokens lie inside the prompt count,
// Anthropic's outside; here `input` is the uncached rest either way.

public import Vocabulary

public enum UsageReader {
    /// The usage of a plain (not streamed) answer; nil: none reported, so the reservation stands.
    public static func read(_ kind: OperationKind, provider: ProviderID, body: [UInt8]) -> ReportedUsage? {
        guard let format = WireFormats.of(kind, provider), let root = JSONNode.parse(body) else { return nil }
        return format.usage(root, body: body)
    }

    /// No call has this many tokens; sums of such counts stay far from overflow. A larger number is no report.
    static let mostTokens: Int64 = 1 << 40

    static func count(_ node: JSONNode?, _ body: [UInt8]) -> Int64? {
        guard let value = node?.integer(in: body), (0...mostTokens).contains(value) else { return nil }
        return value
    }

    static func openAI(_ root: JSONNode, body: [UInt8]) -> ReportedUsage? {
        guard let usage = root["usage"], usage.isObject, let prompt = count(usage["prompt_tokens"], body),
            var output = count(usage["completion_tokens"], body)
        else { return nil }
        // Some leave reasoning out of the completion, not out of the total, and bill it.
        output = max(output, (count(usage["total_tokens"], body) ?? 0) - prompt)
        let details = usage["prompt_tokens_details"]
        // A part cannot be larger than the whole: such a report would make tokens disappear.
        let cached = min(count(details?["cached_tokens"], body) ?? 0, prompt)
        let written = min(count(details?["cache_write_tokens"], body) ?? 0, prompt - cached)
        return ReportedUsage(
            tokens: TokenUsage(input: prompt - cached - written, cachedInput: cached, cacheWrite: written, output: output),
            model: root["model"]?.text(in: body), serviceTier: root["service_tier"]?.text(in: body))
    }

    /// - Parameters:
    ///   - root: a message, or a `message_delta` event, which may restate any of the counts.
    ///   - earlier: the report so far; a count that is absent now keeps its value, none is added up.
    static func anthropic(_ root: JSONNode, body: [UInt8], over earlier: ReportedUsage?) -> ReportedUsage? {
        guard let usage = root["usage"], usage.isObject else { return earlier }
        var report = earlier ?? ReportedUsage(tokens: TokenUsage())
        var known = earlier != nil
        func take(_ node: JSONNode?, _ store: (Int64) -> Void) {
            guard let value = count(node, body) else { return }
            store(value)
            known = true
        }
        take(usage["input_tokens"]) { report.tokens.input = $0 }
        take(usage["output_tokens"]) { report.tokens.output = $0 }
        take(usage["cache_read_input_tokens"]) { report.tokens.cachedInput = $0 }
        take(usage["cache_creation_input_tokens"]) { report.tokens.cacheWrite = $0 }
        if let split = usage["cache_creation"], split.isObject {
            take(split["ephemeral_1h_input_tokens"]) { report.longCacheWrite = $0 }
            let short = count(split["ephemeral_5m_input_tokens"], body) ?? 0
            report.tokens.cacheWrite = max(report.tokens.cacheWrite, short + report.longCacheWrite)
        }
        take(usage["server_tool_use"]?["web_search_requests"]) { report.serverToolCalls = $0 }
        applyIterations(usage["iterations"], body: body, to: &report)
        if let model = root["model"]?.text(in: body) { report.model = model }
        if let tier = usage["service_tier"]?.text(in: body) { report.serviceTier = tier }
        // Fast mode and a region (which a workspace may set by default) are priced like tiers of their own.
        for (field, usual) in [("speed", ["standard"]), ("inference_geo", ["global", "not_available"])] {
            if let value = usage[field]?.text(in: body), !usual.contains(value) { report.serviceTier = "\(field) \(value)" }
        }
        return known ? report : nil
    }

    /// Passes that the top-level sums leave out (compaction): where they add up to more, the larger counts.
    private static func applyIterations(_ node: JSONNode?, body: [UInt8], to report: inout ReportedUsage) {
        guard let passes = node?.elements, !passes.isEmpty else { return }
        func sum(_ field: String) -> Int64 {
            passes.reduce(0) { min(mostTokens, $0 + (count($1[field], body) ?? 0)) }
        }
        report.tokens.input = max(report.tokens.input, sum("input_tokens"))
        report.tokens.output = max(report.tokens.output, sum("output_tokens"))
        report.tokens.cachedInput = max(report.tokens.cachedInput, sum("cache_read_input_tokens"))
        report.tokens.cacheWrite = max(report.tokens.cacheWrite, sum("cache_creation_input_tokens"))
    }
}
