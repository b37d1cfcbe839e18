// Rewrite: the changes that make a request's worst case hold: output cap, usage in streams, pinned service
// tier. Byte splices into the body that was parsed; nothing else is touched.

public import JSONBytes
public import Vocabulary

/// A member that may be set: where its value stands, or where it would go.
struct MemberSite: Sendable, Hashable {
    private enum Place: Sendable, Hashable {
        /// The value's bytes.
        case value(Range<Int>)
        /// Just behind the opening brace of the object that lacks it.
        case inside(Int, isEmpty: Bool)
        /// The `null` that stands for that object.
        case absent(Range<Int>)
        /// A member of the body itself, which is never empty: it has at least a model or messages.
        case body
    }

    private let name: String
    private let parent: String?
    private let place: Place

    init(_ name: String, in root: JSONNode) {
        (self.name, parent) = (name, nil)
        place = root[name].map { .value($0.range) } ?? .body
    }

    /// A member of the body's object `parent`, which may itself be missing.
    init(_ name: String, of parent: String, in root: JSONNode) {
        (self.name, self.parent) = (name, parent)
        guard let object = root[parent] else {
            place = .body
            return
        }
        if let value = object[name] {
            place = .value(value.range)
        } else {
            place = object.isObject ? .inside(object.range.lowerBound + 1, isEmpty: object.members.isEmpty) : .absent(object.range)
        }
    }

    /// - Parameter inserted: members to be written at the start of the body.
    func set(_ literal: String, edits: inout [BodyEdit], inserted: inout [String]) {
        let member = "\"\(name)\":\(literal)"
        switch place {
        case .value(let range): edits.append(BodyEdit(range, literal))
        case .inside(let at, let isEmpty): edits.append(BodyEdit(at..<at, member + (isEmpty ? "" : ",")))
        case .absent(let range): edits.append(BodyEdit(range, "{\(member)}"))
        case .body: inserted.append(parent.map { "\"\($0)\":{\(member)}" } ?? member)
        }
    }
}

/// Where a parsed body has (or lacks) the values that may be changed.
struct RewriteSites: Sendable, Hashable {
    /// Just behind the opening brace of the body.
    var open = 1
    /// The output cap; nil: the API takes none.
    var cap: MemberSite?
    var thinkingBudget: Range<Int>?
    var thinkingTokens: Int64?
    /// Where the service tier stands, and what to pin it to; nil: it is right, or the API has none.
    var tier: MemberSite?
    var pinnedTier: String?
    /// The tools that clients add unasked, one edit each to take it out.
    var omittable: [BodyEdit] = []
    /// Where usage in the stream is asked for; nil: it comes without, or the agent asked itself.
    var includeUsage: MemberSite?
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
        if let output, output != requestedOutput { sites.cap?.set(String(output), edits: &edits, inserted: &inserted) }
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
        if let tier = sites.pinnedTier { sites.tier?.set("\"\(tier)\"", edits: &edits, inserted: &inserted) }
        if !omitted.isEmpty { edits += sites.omittable }
        sites.includeUsage?.set("true", edits: &edits, inserted: &inserted)
        if !inserted.isEmpty {
            edits.append(BodyEdit(sites.open..<sites.open, inserted.joined(separator: ",") + ","))
        }
        guard hasOutput else { return RewrittenRequest(edits: edits, outputTokensBound: 0, injectedUsage: false) }
        // Where no cap can be set, only the model's own maximum bounds the output, whatever the profile wishes.
        let bound = (sites.cap == nil ? nil : output).map { each in
            let (product, overflow) = each.multipliedReportingOverflow(by: choices)
            let (sum, over) = product.addingReportingOverflow(extraOutputBound)
            return overflow || over ? Int64.max : sum
        }
        return RewrittenRequest(edits: edits, outputTokensBound: bound, injectedUsage: sites.includeUsage != nil)
    }
}
