// RuleTable: rules found by host in a few hash look-ups and by path in one walk, however many there are.

import Profile
import Vocabulary

/// A rule as it is asked. A class, so that a list of candidates costs one reference a rule.
final class CompiledRule: Sendable {
    let rule: NetworkAccess.Rule
    /// `allowlist[3]`, for the log.
    let name: String
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

    /// A deny rule that leaves nothing of a host's port.
    var deniesAll: Bool {
        isDeny && (rule.methods.isEmpty || rule.methods.contains("*"))
            && (!rule.namesPaths || rule.paths.isEmpty || rule.paths.contains("/**"))
    }
}

/// The rules that one pattern of hosts has.
final class HostRules: Sendable {
    let rules: [CompiledRule]
    private let globs: GlobSet
    /// Rules that name no paths. A denial means every path then; what a grant means is the caller's to say.
    private let unnamed: [Int]
    /// The methods that some rule has, by port; for the words of a refusal only.
    private let methods: [UInt16: Set<String>]

    init(_ rules: [CompiledRule]) {
        self.rules = rules
        var globs = GlobSet()
        var unnamed: [Int] = []
        var methods: [UInt16: Set<String>] = [:]
        for (id, compiled) in rules.enumerated() {
            let rule = compiled.rule
            if compiled.isDeny ? rule.paths.isEmpty : !rule.namesPaths {
                unnamed.append(id)
            } else {
                for path in rule.paths {
                    globs.insert(compiled.isDeny ? path.lowercased() : path, id: id)
                    // What a denial can only write in escapes is denied in every spelling of them.
                    guard compiled.isDeny, path.contains("%"), let plain = RequestPath.decode(Array(path.utf8)) else { continue }
                    globs.insert(String(decoding: PathFolding.folded(plain), as: UTF8.self), id: id)
                }
            }
            for port in rule.ports { methods[port, default: []].formUnion(rule.methods) }
        }
        (self.globs, self.unnamed, self.methods) = (globs, unnamed, methods)
    }

    func names(port: UInt16) -> Bool { methods[port] != nil }

    func names(method: String, port: UInt16) -> Bool {
        methods[port].map { $0.contains(method) || $0.contains("*") } ?? false
    }

    /// Denials of this request: one reading of the path that is denied is enough.
    func denying(_ facts: AskedRequest, path: RequestPath) -> CompiledRule? {
        let found = unnamed + path.denials.flatMap { globs.matching($0) }
        return found.lazy.map { self.rules[$0] }.first { rule in
            rule.covers(port: facts.port)
                && (rule.covers(method: facts.method) || facts.carrier.map { rule.covers(method: $0) } ?? false)
        }
    }

    /// Grants of this request, in the profile's order: every reading of the path must be granted by the same rule.
    /// - Parameter unnamed: whether the rules that name no paths mean this one too.
    func granting(_ facts: AskedRequest, path: RequestPath, unnamed: Bool) -> [CompiledRule] {
        var found = globs.matching(path.readings[0])
        for reading in path.readings.dropFirst() where !found.isEmpty {
            let others = Set(globs.matching(reading))
            found.removeAll { !others.contains($0) }
        }
        if unnamed, !self.unnamed.isEmpty { found = (found + self.unnamed).sorted() }
        return found.lazy.map { self.rules[$0] }.filter { $0.covers(port: facts.port) && $0.covers(method: facts.method) }
    }
}

/// Rules by exact host, and by each domain they cover from above.
struct RuleTable: Sendable {
    private var exact: [String: HostRules] = [:]
    private var below: [String: HostRules] = [:]

    init(_ rules: [NetworkAccess.Rule], list: String, isDeny: Bool) {
        var exact: [String: [CompiledRule]] = [:]
        var below: [String: [CompiledRule]] = [:]
        for (index, rule) in rules.enumerated() {
            let compiled = CompiledRule(rule, name: "\(list)[\(index)]", isDeny: isDeny)
            switch rule.host {
            case .exact(let host): exact[host.text, default: []].append(compiled)
            case .below(let host): below[host.text, default: []].append(compiled)
            }
        }
        self.exact = exact.mapValues { HostRules($0) }
        self.below = below.mapValues { HostRules($0) }
    }

    /// The exact host's first, then those of each domain above it, from the nearest.
    func rules(for host: HostName) -> [HostRules] {
        var found: [HostRules] = []
        if let rules = exact[host.text] { found.append(rules) }
        guard !below.isEmpty else { return found }
        var rest = host.text[...]
        while let dot = rest.firstIndex(of: ".") {
            rest = rest[rest.index(after: dot)...]
            if let rules = below[String(rest)] { found.append(rules) }
        }
        return found
    }
}
