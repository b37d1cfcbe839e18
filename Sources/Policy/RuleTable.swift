// RuleTable: rules found by host in a few hash look-ups, however many there are.

import Profile
import Vocabulary

/// A rule with its patterns compiled. A class, so that a list of candidates costs one reference a rule.
final class CompiledRule: Sendable {
    let rule: NetworkAccess.Rule
    /// `allowlist[3]`, for the log.
    let name: String
    let globs: [PathGlob]
    let isDeny: Bool
    // Taken out of the rule: a look into it would copy it, a thousand times a decision.
    private let ports: [UInt16]
    private let methods: [String]
    private let anyPort: Bool
    private let anyMethod: Bool

    init(_ rule: NetworkAccess.Rule, name: String, isDeny: Bool) {
        self.rule = rule
        self.name = name
        self.isDeny = isDeny
        globs = rule.paths.map { PathGlob($0) }
        (ports, methods) = (rule.ports, rule.methods)
        anyPort = isDeny && rule.ports.isEmpty
        anyMethod = rule.methods.contains("*") || (isDeny && rule.methods.isEmpty)
    }

    /// In a deny rule nothing said means everything; in an allow rule it means nothing.
    func covers(port: UInt16) -> Bool { anyPort || ports.contains(port) }

    /// Methods have a case (RFC 9110 §9.1), and servers that ignore it: a denial does too.
    func covers(method: String) -> Bool {
        anyMethod || methods.contains(method) || (isDeny && methods.contains(method.uppercased()))
    }

    func covers(path: [UInt8]) -> Bool { globs.contains { $0.matches(path) } || (isDeny && globs.isEmpty) }

    /// A deny rule that leaves nothing of a host's port.
    var deniesAll: Bool {
        isDeny && (rule.methods.isEmpty || rule.methods.contains("*"))
            && (!rule.namesPaths || rule.paths.isEmpty || rule.paths.contains("/**"))
    }
}

/// Rules by exact host, and by each domain they cover from above.
struct RuleTable: Sendable {
    private var exact: [String: [CompiledRule]] = [:]
    private var below: [String: [CompiledRule]] = [:]

    init(_ rules: [NetworkAccess.Rule], list: String, isDeny: Bool) {
        for (index, rule) in rules.enumerated() {
            let compiled = CompiledRule(rule, name: "\(list)[\(index)]", isDeny: isDeny)
            switch rule.host {
            case .exact(let host): exact[host.text, default: []].append(compiled)
            case .below(let host): below[host.text, default: []].append(compiled)
            }
        }
    }

    func rules(for host: HostName) -> [CompiledRule] {
        var found = exact[host.text] ?? []
        guard !below.isEmpty else { return found }
        var rest = host.text[...]
        while let dot = rest.firstIndex(of: ".") {
            rest = rest[rest.index(after: dot)...]
            if let rules = below[String(rest)] { found += rules }
        }
        return found
    }
}
