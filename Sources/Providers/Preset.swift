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

    /// The header that a key travels in.
    public struct KeyHeader: Sendable, Hashable {
        public let name: String
        public var prefix = ""

        public static let bearer = KeyHeader(name: "authorization", prefix: "Bearer ")
    }

    public let id: ProviderID
    public let hosts: [HostName]
    /// Domains below which every customer has a host of its own. They speak the wire format, but naming the provider grants
    /// none of them: whose they are is not in the name.
    public var tenants: [String] = []
    public var key = KeyHeader.bearer
    /// The parameter of the query that takes the same key.
    public var keyParameter: String?
    public let endpoints: [Endpoint]
    /// Paths of operations that cost and are not read here, on whatever host of the provider's they stand.
    public var unpriced: [String] = []

    /// Whether the host is the provider's own, the same for all its customers.
    public func isOwn(_ host: HostName) -> Bool { hosts.contains(host) }

    /// Whether the host speaks this provider's wire format.
    public func speaks(_ host: HostName) -> Bool { isOwn(host) || tenants.contains { host.text.hasSuffix("." + $0) } }

    /// What a request asks for, or nil where this is no model endpoint. `path` carries no query.
    public func operation(method: String, path: String) -> OperationKind? {
        endpoints.first { $0.method == method && $0.matches(path: path) }?.kind
    }

    /// Whether the path is one that is known here, in so many letters.
    public func names(path: String) -> Bool {
        endpoints.contains { $0.matches(path: path) } || unpriced.contains { PathPattern.match($0, path) != nil }
    }

    /// Whether a path in lower letters is one that costs, in whatever letters it is known here.
    public func costs(lowered path: String) -> Bool {
        let paths = endpoints.lazy.filter { $0.kind.isMetered }.map(\.path)
        return paths.contains { PathPattern.match($0.lowercased(), path) != nil }
            || unpriced.contains { PathPattern.match($0.lowercased(), path) != nil }
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
        case .listModels, .countTokens, .countResponseTokens, .countContentTokens: false
        default: true
        }
    }

    /// Whether the request body is one that `ProviderRequest` reads.
    public var hasModelBody: Bool { self != .listModels }
}
