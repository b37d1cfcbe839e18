// TierDecision: which tier a host gives, and whether a profile may run there. Never silently weaker: below what the
// profile requires nothing runs, unless the operator accepted the weaker tier for this run.

public import Vocabulary

public enum TierDecision {
    /// What a tier stands on. A layer that was not looked at counts as there: where it is not, its step in the plan fails.
    private static let needs: [Tier: [CageLayer]] = [
        .full: [.namespaces, .procfs, .packetRules, .systemCallFilter, .landlock, .cgroup],
        .strong: [.namespaces, .procfs, .packetRules, .systemCallFilter, .landlock],
        .contained: [.systemCallFilter, .landlock],
    ]

    /// The strongest tier that these facts allow; nil where not even the weakest stands.
    public static func best(_ facts: HostFacts) -> Tier? {
        Tier.allCases.sorted(by: >).first { missing(for: $0, facts).isEmpty }
    }

    /// The layers that `tier` needs and this host has not.
    public static func missing(for tier: Tier, _ facts: HostFacts) -> [CageLayer] {
        (needs[tier] ?? []).filter { !facts.has($0) }
    }

    /// The tier to run at.
    /// - Parameters:
    ///   - profile: the profile's name, for the refusal.
    ///   - accepted: `--accept-tier`, the weakest tier that the operator takes for this run.
    /// - Throws: the refusal, with every missing layer and its remedy.
    public static func decide(profile: String, requires: Tier, accepted: Tier?, _ facts: HostFacts) throws(Complaint) -> Tier {
        let given = best(facts)
        if let given, given >= min(requires, accepted ?? requires) { return given }
        let absent = missing(for: requires, facts)
        var hints: [String] = []
        for layer in absent {
            if let remedy = facts.layers[layer]?.remedy, !hints.contains(remedy) { hints.append(remedy) }
        }
        if let given { hints.append("once, weaker (\(weaker(given)); recorded): --accept-tier \(given.rawValue)") }
        hints.append("akios doctor")
        throw Complaint(
            "profile '\(profile)' requires tier '\(requires.rawValue)', this host gives \(given.map { "'\($0.rawValue)'" } ?? "none"); nothing was run",
            details: absent.map { "missing \(words($0)): \(facts.layers[$0]?.evidence ?? "not tried")" }, hints: hints)
    }

    private static func weaker(_ tier: Tier) -> String {
        switch tier {
        case .full: "nothing"
        case .strong: "memory and cpu by rlimits only"
        case .contained: "no namespaces: files by Landlock, connections by seccomp notification"
        }
    }

    /// A layer as operators read it.
    public static func words(_ layer: CageLayer) -> String {
        switch layer {
        case .namespaces: "namespaces"
        case .procfs: "procfs in a user namespace"
        case .packetRules: "packet rules"
        case .systemCallFilter: "system-call filter (seccomp)"
        case .landlock: "Landlock"
        case .cgroup: "cgroup v2"
        case .overlay: "overlay file system"
        case .memoryExecution: "executable memory files"
        case .terminalInjection: "terminal injection"
        }
    }
}
