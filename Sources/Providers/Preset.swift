// Preset: which hosts speak a provider's wire format, and which of their endpoints are model endpoints.
// A table of facts (vendors' API references, November 2026), not a policy: what is granted is Policy's answer.

public import Vocabulary

/// One provider as profiles name it: its hosts and its model endpoints.
public struct ProviderPreset: Sendable, Hashable {
    /// An endpoint: method, path (exact, or everything below it when it ends in `/`), and what it asks for.
    public struct Endpoint: Sendable, Hashable {
        public let method: String
        public let path: String
        public let kind: OperationKind

        func matches(method: String, path: String) -> Bool {
            guard method == self.method else { return false }
            guard self.path.utf8.last == UInt8(ascii: "/") else { return path == self.path }
            // One further segment only: `/v1/models/gpt-4o`, never `/v1/models/x/anything`.
            return path.hasPrefix(self.path) && path.utf8.count > self.path.utf8.count
                && !path.utf8.dropFirst(self.path.utf8.count).contains(UInt8(ascii: "/"))
        }
    }

    public let id: ProviderID
    public let hosts: [HostName]
    public let endpoints: [Endpoint]

    /// What a request asks for, or nil where this is no model endpoint. `path` carries no query.
    public func operation(method: String, path: String) -> OperationKind? {
        endpoints.first { $0.matches(method: method, path: path) }?.kind
    }
}

extension OperationKind {
    /// Whether a call costs tokens. Listing models and counting tokens are free at both vendors.
    public var isMetered: Bool {
        switch self {
        case .chatCompletions, .messages: true
        case .listModels, .countTokens: false
        }
    }

    /// Whether the request body is one that `ProviderRequest` reads.
    public var hasModelBody: Bool {
        switch self {
        case .chatCompletions, .messages, .countTokens: true
        case .listModels: false
        }
    }
}

public enum Providers {
    public static let presets: [ProviderPreset] = [
        ProviderPreset(
            id: .openai, hosts: hosts("api.openai.com"),
            endpoints: [
                .init(method: "POST", path: "/v1/chat/completions", kind: .chatCompletions),
                .init(method: "GET", path: "/v1/models", kind: .listModels),
                .init(method: "GET", path: "/v1/models/", kind: .listModels),
            ]),
        ProviderPreset(
            id: .anthropic, hosts: hosts("api.anthropic.com"),
            endpoints: [
                .init(method: "POST", path: "/v1/messages", kind: .messages),
                .init(method: "POST", path: "/v1/messages/count_tokens", kind: .countTokens),
                .init(method: "GET", path: "/v1/models", kind: .listModels),
                .init(method: "GET", path: "/v1/models/", kind: .listModels),
            ]),
    ]

    private static func hosts(_ names: String...) -> [HostName] { names.compactMap { HostName($0) } }

    public static func preset(_ id: ProviderID) -> ProviderPreset? { presets.first { $0.id == id } }

    /// The provider whose wire format a host speaks, however the host was granted.
    public static func preset(host: HostName) -> ProviderPreset? { presets.first { $0.hosts.contains(host) } }

    /// What a request asks a provider for; nil: not a provider's host, or none of its model endpoints.
    /// `path` carries no query.
    public static func operation(host: HostName, method: String, path: String) -> OperationKind? {
        preset(host: host)?.operation(method: method, path: path)
    }
}
