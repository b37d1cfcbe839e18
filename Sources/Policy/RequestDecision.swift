// RequestDecision: may this request go out, and under which conditions.

import Profile
import Providers
import Vocabulary

/// What rules are looked up by, once the connection's identity is settled.
struct AskedRequest {
    let host: HostName
    let port: UInt16
    let method: String
    let carrier: String?
    let path: String
}

extension PolicyEngine {
    /// What the rules say of it.
    func rules(_ facts: AskedRequest) -> Decision<RequestGrant> {
        let words = words(facts.host.text)
        guard let path = RequestPath(facts.path) else {
            return .deny(
                words.refusal(
                    .malformed, reason: "the path has dot segments, nested escapes or bytes that servers read differently",
                    what: "the request path is ambiguous"))
        }
        for rules in deny.rules(for: facts.host) {
            guard let rule = rules.denying(facts, path: path) else { continue }
            return .deny(
                words.refusal(
                    .hostDenied, reason: "\(rule.name) denies this request", what: "this request is denied", rule: rule.name))
        }
        guard let preset = preset(facts.host) else { return ordinary(facts, path: path, words: words) }
        return model(facts, path: path, preset: preset, words: words)
    }

    /// A host that speaks no provider's format.
    private func ordinary(_ facts: AskedRequest, path: RequestPath, words: RefusalWords) -> Decision<RequestGrant> {
        let rules = allow.rules(for: facts.host)
        guard !rules.isEmpty else {
            return .deny(words.refusal(.hostNotAllowed, reason: "no rule names \(facts.host)", what: "this host is not allowed"))
        }
        let found = rules.flatMap { $0.granting(facts, path: path, unnamed: true) }
        if found.isEmpty { return .deny(missing(facts, rules, words: words)) }
        let result = grant(rules: found, provider: nil, operation: nil, grants: [])
        // A provider's regional and older hosts take the same calls at prices that no book here has.
        let family = self.family(of: facts.host)
        if let family, !result.unmeteredAllowed, path.readings.contains(where: { Self.resembles($0, family) }) {
            return .deny(
                words.refusal(
                    .unpricedOperation,
                    reason: "a model endpoint on a further host of \(family.id); the rule does not say "
                        + "`unmetered: allow`",
                    what: "this operation has no known price"))
        }
        return .allow(result)
    }

    /// A provider's host: what is asked must be a model endpoint or explicitly unmetered.
    private func model(_ facts: AskedRequest, path: RequestPath, preset: ProviderPreset, words: RefusalWords) -> Decision<
        RequestGrant
    > {
        let operation = Self.operation(facts.method, path, preset)
        // Another spelling of a model endpoint may reach it all the same, past the meter.
        let isExact = path.isPlain && preset.names(path: path.written)
        if operation == nil, !isExact, path.readings.contains(where: { Self.resembles($0, preset) }) {
            return .deny(
                words.refusal(.malformed, reason: "an unusual spelling of a model endpoint", what: "the request path is ambiguous"))
        }
        let isGranted = self.grants(endpointsOf: preset, at: facts.host)
        let grants = facts.port == 443 && operation != nil && isGranted ? self.grants[preset.id] ?? [] : []
        let rules = allow.rules(for: facts.host)
        guard !rules.isEmpty || isGranted else {
            return .deny(words.refusal(.hostNotAllowed, reason: "no rule names \(facts.host)", what: "this host is not allowed"))
        }
        let found = rules.flatMap { $0.granting(facts, path: path, unnamed: operation != nil) }
        if found.isEmpty, grants.isEmpty {
            if operation == nil, rules.isEmpty {
                return .deny(
                    words.refusal(
                        .unpricedOperation, reason: "\(facts.method) is no model endpoint of \(preset.id)",
                        what: "this is not one of the provider's model endpoints"))
            }
            return .deny(missing(facts, rules, words: words))
        }
        let result = grant(
            rules: found, provider: preset.id, operation: operation, grants: self.grants[preset.id] ?? grants)
        if operation == nil, !result.unmeteredAllowed {
            return .deny(
                words.refusal(
                    .unpricedOperation, reason: "an operation without a price; the rule does not say `unmetered: allow`",
                    what: "this operation has no known price"))
        }
        return .allow(result)
    }

    /// Whether some server may take a reading for a metered endpoint: other case, path parameters (`;x`) or
    /// empty segments aside. Asked only where the path as written is none.
    private static func resembles(_ reading: [UInt8], _ preset: ProviderPreset) -> Bool {
        let segments = String(decoding: reading, as: UTF8.self).lowercased().split(separator: "/").map { $0.prefix { $0 != ";" } }
        let folded = "/" + segments.filter { !$0.isEmpty }.joined(separator: "/")
        return preset.costs(lowered: folded)
    }

    /// What is asked for, where every reading asks for the same. Escapes may stand in a model's name (`x%3A0`).
    private static func operation(_ method: String, _ path: RequestPath, _ preset: ProviderPreset) -> OperationKind? {
        guard path.isPlain || path.isPlainButForEscapes else { return nil }
        let found = path.readings.map { preset.operation(method: method, path: String(decoding: $0, as: UTF8.self)) }
        return Set(found).count == 1 ? found[0] : nil
    }

    /// What of the request no rule grants: the first of port, method and path.
    private func missing(_ facts: AskedRequest, _ rules: [HostRules], words: RefusalWords) -> Refusal {
        guard rules.contains(where: { $0.names(port: facts.port) }) else {
            return words.refusal(
                .portNotAllowed, reason: "no rule grants \(facts.host) port \(facts.port)",
                what: "port \(facts.port) is not allowed")
        }
        guard rules.contains(where: { $0.names(method: facts.method, port: facts.port) }) else {
            let method = RefusalWords.printable(facts.method)
            return words.refusal(
                .methodNotAllowed, reason: "no rule grants \(method) on \(facts.host)", what: "the method \(method) is not allowed")
        }
        return words.refusal(.pathNotAllowed, reason: "no rule grants this path on \(facts.host)", what: "this path is not allowed")
    }

    private func grant(
        rules: [CompiledRule], provider: ProviderID?, operation: OperationKind?, grants: [ProviderGrant]
    ) -> RequestGrant {
        let inbound = rules.map(\.rule.redactInbound).max { $0.strictness < $1.strictness } ?? .none
        let modelText = provider != nil && spec.pii.direction != .out
        let lists = grants.compactMap(\.models)
        return RequestGrant(
            rule: (rules.map(\.name) + (operation == nil ? [] : grants.map { "providers.\($0.id)" })).joined(separator: ","),
            provider: provider, operation: operation, models: Self.common(lists),
            serverTools: !grants.isEmpty && grants.allSatisfy(\.serverTools),
            keys: grants.map(\.keys).min { $0.freedom < $1.freedom } ?? .pinned,
            unmeteredAllowed: !rules.isEmpty && rules.allSatisfy(\.rule.unmeteredAllowed),
            redactInbound: modelText ? .all : inbound, redactOutbound: spec.pii.direction == .in ? .secrets : .all,
            binary: spec.pii.binary,
            bodyLimit: rules.compactMap(\.rule.body?.bytes).reduce(spec.network.limits.body.bytes, min),
            contentTypes: rules.compactMap(\.rule.contentTypes), risk: rules.map(\.rule.risk).max() ?? .medium,
            needsApproval: rules.contains(where: \.rule.needsApproval),
            paced: rules.filter { $0.rule.rates != NetworkAccess.Rates() }.map(\.name))
    }

    /// What every list allows. A prefix and a name within it meet in the name.
    private static func common(_ lists: [[String]]) -> [String]? {
        guard var result = lists.first else { return nil }
        for list in lists.dropFirst() {
            func within(_ a: String, _ b: String) -> Bool { b.hasSuffix("*") ? a.hasPrefix(b.dropLast()) : a == b }
            let both =
                result.filter { a in list.contains { within(a, $0) } } + list.filter { b in result.contains { within(b, $0) } }
            result = Array(Set(both)).sorted()
        }
        return result
    }
}

extension NetworkAccess.InboundRedaction {
    var strictness: Int {
        switch self {
        case .none: 0
        case .secrets: 1
        case .all: 2
        }
    }
}

extension ProviderGrant.Keys {
    var freedom: Int {
        switch self {
        case .broker: 0
        case .pinned: 1
        case .any: 2
        }
    }
}
