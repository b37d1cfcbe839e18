// Preset: which hosts speak a provider's wire format, and which of their endpoints are model endpoints.
// A table of facts (vendors' API references, November 2026), not a policy: what is granted is Policy's answer.

public import Vocabulary

/// One provider as profiles name it: its hosts and its model endpoints.
public struct ProviderPreset: Sendable, Hashable {
    /// An endpoint: method, path pattern, and what it asks for. In the pattern `{model}` is the model's name and `{}` any
    /// other part; either stays within one segment.
    public struct Endpoint: Sendable, Hashable {
        public let method: String
        public let path: String
        public let kind: OperationKind

        /// `path` carries no query.
        public func matches(path: String) -> Bool { PathPattern.match(self.path, path) != nil }
    }

    public let id: ProviderID
    public let hosts: [HostName]
    public let endpoints: [Endpoint]

    /// What a request asks for, or nil where this is no model endpoint. `path` carries no query.
    public func operation(method: String, path: String) -> OperationKind? {
        endpoints.first { $0.method == method && $0.matches(path: path) }?.kind
    }

    /// Whether a path in lower letters is one that costs, in whatever letters the endpoint is written.
    public func isMetered(lowered path: String) -> Bool {
        endpoints.contains { $0.kind.isMetered && PathPattern.match($0.path.lowercased(), path) != nil }
    }

    /// The model that a path names, escapes undone; nil: it names none. `path` carries no query.
    func model(path: String) -> String? {
        for endpoint in endpoints {
            if let found = PathPattern.match(endpoint.path, path), !found.isEmpty { return PathPattern.unescaped(found) }
        }
        return nil
    }
}

enum PathPattern {
    /// What stands at `{model}`, empty where the pattern has none; nil: no match.
    static func match(_ pattern: String, _ path: String) -> String? {
        guard pattern.utf8.contains(UInt8(ascii: "{")) else { return pattern == path ? "" : nil }
        let parts = pattern.split(separator: "/", omittingEmptySubsequences: false)
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == segments.count else { return nil }
        var model = ""
        for (part, segment) in zip(parts, segments) {
            guard let open = part.firstIndex(of: "{"), let close = part.firstIndex(of: "}") else {
                if part != segment { return nil }
                continue
            }
            let (head, tail) = (part[..<open], part[part.index(after: close)...])
            guard segment.hasPrefix(head), segment.hasSuffix(tail), segment.utf8.count > head.utf8.count + tail.utf8.count else {
                return nil
            }
            if part[open..<close] == "{model" { model = String(segment.dropFirst(head.count).dropLast(tail.count)) }
        }
        return model
    }

    /// nil: not escapes of UTF-8 text.
    static func unescaped(_ text: String) -> String? {
        var out: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                out.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
            out.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: out, as: UTF8.self)
    }
}

extension OperationKind {
    /// Whether a call costs tokens. Listing models and counting tokens are free at all vendors.
    public var isMetered: Bool {
        switch self {
        case .listModels, .countTokens, .countResponseTokens: false
        default: true
        }
    }

    /// Whether the request body is one that `ProviderRequest` reads.
    public var hasModelBody: Bool { self != .listModels }
}

public enum Providers {
    public static let presets: [ProviderPreset] = [
        ProviderPreset(
            id: .openai, hosts: hosts("api.openai.com"),
            endpoints: post(
                [
                    ("/v1/chat/completions", .chatCompletions), ("/v1/responses", .responses),
                    ("/v1/responses/compact", .compactResponse), ("/v1/responses/input_tokens", .countResponseTokens),
                    ("/v1/embeddings", .embeddings),
                ]) + lists("/v1/models")),
        ProviderPreset(
            id: .anthropic, hosts: hosts("api.anthropic.com"),
            endpoints: post([("/v1/messages", .messages), ("/v1/messages/count_tokens", .countTokens)]) + lists("/v1/models")),
    ]

    private static func hosts(_ names: String...) -> [HostName] { names.compactMap { HostName($0) } }

    private static func post(_ endpoints: [(String, OperationKind)]) -> [ProviderPreset.Endpoint] {
        endpoints.map { .init(method: "POST", path: $0.0, kind: $0.1) }
    }

    /// All models, and one.
    private static func lists(_ path: String) -> [ProviderPreset.Endpoint] {
        [path, path + "/{}"].map { .init(method: "GET", path: $0, kind: .listModels) }
    }

    public static func preset(_ id: ProviderID) -> ProviderPreset? { presets.first { $0.id == id } }

    /// The provider whose wire format a host speaks, however the host was granted.
    public static func preset(host: HostName) -> ProviderPreset? { presets.first { $0.hosts.contains(host) } }

    /// What a request asks a provider for; nil: not a provider's host, or none of its model endpoints.
    /// `path` carries no query.
    public static func operation(host: HostName, method: String, path: String) -> OperationKind? {
        preset(host: host)?.operation(method: method, path: path)
    }
}
