// HostFacts: what a host lets a cage do, layer by layer, each with its evidence or with why not and what to do. Facts
// only: which tier follows from them is TierDecision's.

/// One thing a cage is made of.
public enum CageLayer: String, Sendable, Hashable, CaseIterable {
    case namespaces
    case procfs
    case packetRules = "packet_rules"
    case systemCallFilter = "seccomp"
    case landlock
    case cgroup
    case overlay
    case memoryExecution = "memfd_noexec"
    case terminalInjection = "tiocsti"
}

public struct LayerFinding: Sendable, Hashable {
    public enum State: String, Sendable, Hashable {
        case available
        /// Not there, and something else stands in; the words say what.
        case replaced
        case missing
    }
    public var state: State
    /// What was tried or read, and what came of it.
    public var evidence: String
    /// What an operator can do; nil where nothing is to be done.
    public var remedy: String?

    public init(_ state: State, _ evidence: String, remedy: String? = nil) {
        self.state = state
        self.evidence = evidence
        self.remedy = remedy
    }
}

public struct HostFacts: Sendable, Hashable {
    /// uname's release.
    public var kernel: String
    /// Runs with effective id 0.
    public var privileged: Bool
    /// Signs of a container: the file or variable that gave it away.
    public var container: String?
    /// A layer that was not looked at has no entry.
    public var layers: [CageLayer: LayerFinding]

    public init(kernel: String, privileged: Bool, container: String? = nil, layers: [CageLayer: LayerFinding] = [:]) {
        self.kernel = kernel
        self.privileged = privileged
        self.container = container
        self.layers = layers
    }

    /// False only where it was looked at and is missing.
    public func has(_ layer: CageLayer) -> Bool { layers[layer]?.state != .missing }
}
