// LeafFilter: fields of a provider's body that must reach it unaltered: a changed signature or id is an error there.

import JSONBytes

public struct LeafFilter: Sendable {
    public enum Treatment: Sendable, Hashable {
        /// Scanned; findings are replaced.
        case redact
        /// Scanned; findings are reported as `kept` and left: the caller refuses if it will not let them pass.
        case keep
        /// Opaque bytes in which personal data would be chance. A secret is not: it is reported as `kept`.
        case ignore
    }

    /// By the name of the member that the string stands in (for an element of an array: the array's).
    public var byKey: [String: Treatment]

    /// Names that may stand above such a member; below any other (a tool's input, metadata, a schema) names are the agent's own
    /// and mean nothing. nil: anywhere.
    public var within: Set<String>?

    public init(byKey: [String: Treatment], within: Set<String>? = nil) {
        self.byKey = byKey
        self.within = within
    }

    /// Everything is redacted.
    public static let none = LeafFilter(byKey: [:])

    /// OpenAI, Anthropic and their kind. Kept: names and ids that later messages refer to, and thinking, whose text a signature
    /// covers. Ignored: signatures, encrypted reasoning, and base64 of images and audio (the profile's `binary` judges those).
    /// A `data` or `image_url` member that is ordinary text is scanned: see `isOpaque`.
    public static let providers: LeafFilter = {
        var byKey: [String: Treatment] = [:]
        for key in [
            "model", "id", "type", "role", "tool_call_id", "tool_use_id", "call_id", "item_id", "previous_response_id",
            "response_id",
            "file_id", "container_id", "thinking", "object", "finish_reason", "stop_reason",
        ] { byKey[key] = .keep }
        for key in ["signature", "encrypted_content", "thought_signature", "thoughtSignature", "data", "image_url", "file_data"] {
            byKey[key] = .ignore
        }
        return LeafFilter(
            byKey: byKey,
            within: [
                "messages", "content", "system", "tools", "tool_choice", "tool_calls", "source", "image_url", "file", "input_audio",
                "audio", "thinking", "cache_control", "container", "response_format", "choices", "message", "delta", "error",
            ])
    }()

    /// OpenAI's responses: what other formats keep below their messages stands below `input` here. Elsewhere that name is a
    /// tool's own input.
    public static let responses = providers.within(["input", "output", "summary"], ignoring: ["result"])

    /// Google's contents, Bedrock's conversations and Ollama's chats: where their pictures and signatures stand.
    public static let gemini = providers.within(["contents", "systemInstruction", "parts", "inlineData"])
    public static let converse = providers.within(
        ["image", "toolResult", "reasoningContent", "reasoningText"], ignoring: ["bytes", "redactedContent"])
    public static let ollama = providers.within([], ignoring: ["images"])

    private func within(_ more: Set<String>, ignoring keys: [String] = []) -> LeafFilter {
        LeafFilter(byKey: byKey.merging(keys.map { ($0, .ignore) }) { $1 }, within: within?.union(more))
    }

    /// Whether a leaf that may be ignored really is opaque: one unbroken word of base64, or a `data:` URL of it.
    static func isOpaque(_ content: ArraySlice<UInt8>) -> Bool {
        var body = content
        if body.starts(with: Array("data:".utf8)), let comma = body.prefix(128).firstIndex(of: UInt8(ascii: ",")) {
            body = body[(comma + 1)...]
        }
        return body.count >= 32
            && body.allSatisfy {
                ASCII.isBase64($0) || ASCII.isBase64URL($0) || $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "\\")
            }
    }

    func treatment(_ leaf: JSONLeaf, in leaves: JSONLeaves, of body: [UInt8]) -> Treatment {
        guard !byKey.isEmpty else { return .redact }
        let names = leaves.path(of: leaf, in: body).compactMap { step in if case .key(let name) = step { name } else { nil } }
        guard let own = names.last, let treatment = byKey[own], treatment != .redact else { return .redact }
        if let within, !names.dropLast().allSatisfy(within.contains) { return .redact }
        return treatment == .ignore && !Self.isOpaque(body[leaf.range]) ? .redact : treatment
    }
}
