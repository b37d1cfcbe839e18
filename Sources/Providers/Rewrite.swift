// Rewrite: the changes that make a request's worst case hold: output cap, usage in streams, pinned service
// tier. Byte splices into the body that was parsed; nothing else is touched.

public import JSONBytes
public import Vocabulary

/// Where a parsed body has (or lacks) the values that may be changed.
struct RewriteSites: Sendable, Hashable {
    /// Just behind the opening brace of the body, and whether the object is empty.
    var open = 1
    /// The output cap's field as the agent wrote it, and the value's bytes.
    var cap: Range<Int>?
    /// Name under which a cap is inserted where the agent set none.
    var capField = "max_tokens"
    var thinkingBudget: Range<Int>?
    var thinkingTokens: Int64?
    var serviceTier: Range<Int>?
    /// Value to pin the tier to; nil: the API has no such field.
    var pinnedTier: String?
    var tierIsPinned = false
    var streamOptions: Range<Int>?
    var streamOptionsOpen: Int?
    var streamOptionsEmpty = true
    var includeUsage: Range<Int>?
    var includeUsageIsSet = false
}

/// What leaves, and what it can use at worst.
public struct RewrittenRequest: Sendable, Hashable {
    /// Edits of the parsed (redacted) body, for `BodyEdit.apply`.
    public var edits: [BodyEdit]
    /// Most output tokens of the whole call, all choices; nil: no cap is known.
    public var outputTokensBound: Int64?
    /// We asked for a usage chunk that the agent did not ask for: `StreamReader` must take it out again.
    public var injectedUsage: Bool
}

extension ProviderRequest {
    /// Anthropic's least thinking budget.
    static let leastThinking: Int64 = 1024

    /// - Parameter cap: most output tokens of one answer, the smaller of the profile's `per_call.max_tokens` and the
    ///   model's own maximum; nil: neither is known.
    /// - Throws: `.malformed` where a thinking budget cannot be kept below the cap.
    public func rewritten(cap: Int64?, words: RefusalWords) throws(Refusal) -> RewrittenRequest {
        guard kind.isMetered else { return RewrittenRequest(edits: [], outputTokensBound: 0, injectedUsage: false) }
        var edits: [BodyEdit] = []
        var inserted: [String] = []
        let output = [requestedOutput, cap].compactMap { $0 }.min()
        if let output, output != requestedOutput {
            if let site = sites.cap {
                edits.append(BodyEdit(site, String(output)))
            } else {
                inserted.append("\"\(sites.capField)\":\(output)")
            }
        }
        if let thinking = sites.thinkingTokens, let site = sites.thinkingBudget, let output, thinking >= output {
            guard output > Self.leastThinking else {
                throw words.refusal(
                    .malformed,
                    reason: "thinking.budget_tokens must be at least \(Self.leastThinking) and below the output cap of \(output)",
                    what:
                        "extended thinking needs an output cap above \(Self.leastThinking) tokens, \(output) are allowed"
                )
            }
            edits.append(BodyEdit(site, String(output - 1)))
        }
        if let tier = sites.pinnedTier, !sites.tierIsPinned {
            if let site = sites.serviceTier {
                edits.append(BodyEdit(site, "\"\(tier)\""))
            } else {
                inserted.append("\"service_tier\":\"\(tier)\"")
            }
        }
        let inject = provider == .openai && stream && !sites.includeUsageIsSet
        if inject {
            if let site = sites.includeUsage {
                edits.append(BodyEdit(site, "true"))
            } else if let open = sites.streamOptionsOpen {
                edits.append(BodyEdit(open..<open, "\"include_usage\":true" + (sites.streamOptionsEmpty ? "" : ",")))
            } else if let site = sites.streamOptions {
                edits.append(BodyEdit(site, "{\"include_usage\":true}"))
            } else {
                inserted.append("\"stream_options\":{\"include_usage\":true}")
            }
        }
        if !inserted.isEmpty {
            // The object is never empty: it has at least a model.
            edits.append(BodyEdit(sites.open..<sites.open, inserted.joined(separator: ",") + ","))
        }
        let bound = output.map { each in
            let (product, overflow) = each.multipliedReportingOverflow(by: choices)
            let (sum, over) = product.addingReportingOverflow(extraOutputBound)
            return overflow || over ? Int64.max : sum
        }
        return RewrittenRequest(edits: edits, outputTokensBound: bound, injectedUsage: inject)
    }
}
