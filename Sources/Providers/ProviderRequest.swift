// ProviderRequest: what a request body asks a provider for, as facts that policy, price and budget need.
// Order at the egress: redact, then parse the redacted body, then decide, then apply `rewritten`'s edits
// to that same redacted body. Facts and edits so speak of the very bytes that leave.

import JSONBytes
public import Vocabulary

/// The facts of one parsed model request. Made by `parse`; the body itself is not kept.
public struct ProviderRequest: Sendable, Hashable {
    /// What prompt caching the body asks for: a cache write costs more than plain input.
    public enum CacheWrite: Int, Sendable, Hashable, Comparable {
        case none, fiveMinutes, oneHour
        public static func < (a: CacheWrite, b: CacheWrite) -> Bool { a.rawValue < b.rawValue }
    }

    public let provider: ProviderID
    public let kind: OperationKind
    public internal(set) var model: String
    public internal(set) var stream = false
    /// Answers asked for (`n`); each may use the whole output cap.
    public internal(set) var choices: Int64 = 1
    /// The agent's own output cap in tokens; nil: none.
    public internal(set) var requestedOutput: Int64?
    /// Upper bound of the input tokens of everything but images. A token of a byte-level tokenizer stands for
    /// at least one byte of text, so the bytes of the body (markup included) bound them; what providers add
    /// (tool prompts, structured output) is added on top.
    public internal(set) var textTokensBound: Int64 = 0
    /// Images sent inline; each costs at most the model's image maximum.
    public internal(set) var images: Int64 = 0
    /// Output that the cap does not bound: rejected predicted tokens are billed as output.
    public internal(set) var extraOutputBound: Int64 = 0
    public internal(set) var cacheWrite = CacheWrite.none
    /// Tools that run at the provider and parts that make it fetch something, by type name.
    public internal(set) var serverTools: [String] = []
    /// The provider adds input of its own store to what the body holds: bounded by the model's context only.
    public internal(set) var hasUnseenInput = false
    /// Whether the call makes output tokens at all.
    public internal(set) var hasOutput = true
    /// Tools that `omitServerTools` took out.
    public internal(set) var omitted: [String] = []
    /// Inline parts whose bytes no text scanner reads (images, audio, files).
    public internal(set) var binaryParts: Int64 = 0
    /// Fields or parts whose cost has no bound we know, by name. Not empty: refuse unless unmetered is allowed.
    public internal(set) var unpriced: [String] = []

    /// Where the body is changed by `rewritten`; positions in the parsed body.
    var sites = RewriteSites()

    init(provider: ProviderID, kind: OperationKind, model: String) {
        self.provider = provider
        self.kind = kind
        self.model = model
    }
}

extension ProviderRequest {
    /// Takes the tools that run at the provider out of the request, where it can do without every one of them; else nothing
    /// changes, and the request as a whole must be refused where they are denied.
    public mutating func omitServerTools() {
        guard !serverTools.isEmpty, serverTools.count == sites.omittable.count else { return }
        (omitted, serverTools) = (serverTools, [])
    }

    /// How strictly bodies are read.
    public struct Rules: Sendable, Hashable {
        /// Whether fields that the table does not know are refused.
        public var refuseUnknownFields: Bool
        public var words: RefusalWords

        public init(words: RefusalWords, refuseUnknownFields: Bool = true) {
            self.words = words
            self.refuseUnknownFields = refuseUnknownFields
        }

        func malformed(_ what: String) -> Refusal {
            words.refusal(.malformed, reason: "request body: \(what)", what: "the request body was refused: \(what)")
        }
    }

    /// Reads a body after redaction. Throws `.strictJSON` for anything but one RFC 8259 object (repeated keys
    /// included), `.malformed` for fields of the wrong type, `.unknownField` for a field not in the API's table.
    /// - Parameter target: the request's path and query as written; some APIs name the model there.
    public static func parse(
        _ kind: OperationKind, provider: ProviderID, target: String = "", body: [UInt8], rules: Rules
    ) throws(Refusal) -> ProviderRequest {
        let what = "the request body is not strict JSON (a repeated key, bad text or trailing bytes); nothing was sent"
        do throws(JSONError) {
            _ = try JSONLeaves.scan(body)
        } catch {
            throw rules.words.refusal(.strictJSON, reason: "request body: \(error)", what: what)
        }
        guard let root = JSONNode.index(body), root.isObject else {
            throw rules.words.refusal(.strictJSON, reason: "request body is not an object", what: what)
        }
        guard let format = WireFormats.of(kind, provider) else { throw rules.malformed("this operation takes no body") }
        if rules.refuseUnknownFields, let field = root.members.first(where: { !format.fields.contains($0.key) })?.key {
            let shown = RefusalWords.printable(field)
            throw rules.words.refusal(
                .unknownField, reason: "field '\(shown)' is not in the table of \(kind.rawValue)",
                what: "the request field '\(shown)' is not known here; nothing was sent")
        }
        let reader = BodyReader(provider: provider, target: target, body: body, root: root, rules: rules)
        var request = ProviderRequest(provider: provider, kind: kind, model: try format.model(reader))
        request.sites.open = root.range.lowerBound + 1
        try format.read(reader, into: &request)
        return request
    }
}

/// A parsed body with the typed look-ups that all APIs share. `null` counts as absent, as the vendors read it.
struct BodyReader {
    let provider: ProviderID
    let target: String
    let body: [UInt8]
    let root: JSONNode
    let rules: ProviderRequest.Rules

    func field(_ name: String, of node: JSONNode? = nil) -> JSONNode? {
        guard let value = (node ?? root)[name], !value.isNull else { return nil }
        return value
    }

    func text(_ node: JSONNode?) -> String? { node?.text(in: body) }

    /// The body's own `model`.
    func model() throws(Refusal) -> String {
        guard let model = text(root["model"]), !model.isEmpty, model.utf8.count <= 256 else {
            throw rules.malformed("'model' is missing or not a name")
        }
        return model
    }

    /// The model that the path names.
    func pathModel() throws(Refusal) -> String {
        let path = String(target.prefix { $0 != "?" })
        guard let model = Providers.preset(provider)?.model(path: path), !model.isEmpty, model.utf8.count <= 256 else {
            throw rules.malformed("the path names no model")
        }
        return model
    }

    /// All values that the query gives a name, as written.
    func query(_ name: String) -> [String] {
        target.drop { $0 != "?" }.dropFirst().split(separator: "&").compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return parts.first?.lowercased() == name ? String(parts.last ?? "") : nil
        }
    }

    func flag(_ name: String) throws(Refusal) -> Bool {
        guard let node = field(name) else { return false }
        guard let value = node.bool else { throw rules.malformed("'\(name)' is not true or false") }
        return value
    }

    /// A positive integer, written as one.
    func count(_ name: String, of node: JSONNode? = nil, at most: Int64 = 1 << 40) throws(Refusal) -> Int64? {
        guard let found = field(name, of: node) else { return nil }
        guard let value = found.integer(in: body), value >= 1, value <= most else {
            throw rules.malformed("'\(name)' is not a whole number from 1")
        }
        return value
    }

    func string(_ name: String, of node: JSONNode? = nil) throws(Refusal) -> String? {
        guard let found = field(name, of: node) else { return nil }
        guard let value = found.text(in: body) else { throw rules.malformed("'\(name)' is not text") }
        return value
    }
}
