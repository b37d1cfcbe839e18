// Spec: a profile after aliases, merging and defaults, as typed values. Every other module reads this
// and nothing rawer; the keys and their meaning are in man/akios-profile.5.

public import Vocabulary

public struct Spec: Sendable, Hashable {
    public var name = "unnamed"
    public var description = ""
    /// The weakest tier to run at; below it the launcher refuses.
    public var require: Tier = .full
    public var sandbox = Sandbox()
    public var network = NetworkAccess()
    public var providers: [ProviderGrant] = []
    public var credentials: [Credential] = []
    public var pii = PIIHandling()
    public var budget = Budget()
    public var approvals = Approvals()
    public var audit = AuditSpec()

    public init() {}
}

/// A path as an operator wrote it. `path?` means: if it is there.
public struct PathSpec: Sendable, Hashable {
    public var path: String
    public var optional: Bool
    public init(path: String, optional: Bool = false) {
        self.path = path
        self.optional = optional
    }
}

/// An entry of `read`, `write` or `exec`: a named set or a path.
public enum FileGrant: Sendable, Hashable {
    case system, command, workspace
    case path(PathSpec)
}

public struct Sandbox: Sendable, Hashable {
    public enum WorkspaceMode: String, Sendable, Hashable { case rw, ro, none }
    public enum SyscallBase: String, Sendable, Hashable { case strict, standard }

    public struct Filesystem: Sendable, Hashable {
        public var workspace = "."
        public var workspaceMode = WorkspaceMode.rw
        public var read: [FileGrant] = [.system, .command]
        public var write: [PathSpec] = []
        public var exec: [FileGrant] = [.system, .command, .workspace]
        public var protect: [String] = []
        public var hide: [String] = []
        public var tmpSize = ByteSize(bytes: 256 << 20)
        public init() {}
    }

    public struct Syscalls: Sendable, Hashable {
        public var base = SyscallBase.strict
        /// System-call names or `@group`.
        public var allow: [String] = []
        public var deny: [String] = []
        public init() {}
    }

    /// nil: not limited by the profile.
    public struct Resources: Sendable, Hashable {
        public var memory: ByteSize?
        public var swap: ByteSize?
        public var cpu: CPUShare?
        public var pids: UInt32?
        public var openFiles: UInt32?
        public var diskWrite: ByteSize?
        public var wallTime: TimeSpan?
        public init() {}
    }

    public struct Environment: Sendable, Hashable {
        public var pass: [String] = []
        public var set: [String: String] = [:]
        public init() {}
    }

    public var filesystem = Filesystem()
    public var syscalls = Syscalls()
    public var resources = Resources()
    public var environment = Environment()
    /// Whether `socket(AF_UNIX)` exists in the cage; a path socket is a way out of it.
    public var unixSockets = false
    public init() {}
}

public struct NetworkAccess: Sendable, Hashable {
    public enum InboundRedaction: String, Sendable, Hashable { case none, secrets, all }

    public typealias Risk = Vocabulary.Risk

    /// Rates that one rule's requests share. nil: only the session's hold.
    public struct Rates: Sendable, Hashable {
        public var requestsPerMinute: UInt32?
        /// Both ways.
        public var bytesPerMinute: ByteSize?
        /// Both ways.
        public var bandwidth: ByteRate?
        public init() {}
    }

    /// One allow or deny entry. What is absent means least.
    public struct Rule: Sendable, Hashable {
        public enum TLSMode: String, Sendable, Hashable { case intercept, passthrough }
        public var host: HostPattern
        public var ports: [UInt16]
        public var methods: [String]
        /// Globs over the path without the query: `*` within a segment, `**` across segments.
        public var paths: [String]
        /// Whether the profile named paths at all: a rule without them on a provider's host means its model endpoints.
        public var namesPaths: Bool
        public var redactInbound: InboundRedaction
        public var unmeteredAllowed: Bool
        public var tls: TLSMode
        /// `type/subtype`, `type/*` or `*/*` that a body may have; nil: any.
        public var contentTypes: [String]?
        /// Most bytes of one body; nil: only the session's limit holds.
        public var body: ByteSize?
        public var rates = Rates()
        public var risk = Risk.medium
        /// An operator has to say yes to each request.
        public var needsApproval = false

        public init(
            host: HostPattern, ports: [UInt16] = [443], methods: [String] = ["GET", "HEAD"],
            paths: [String] = ["/**"],
            namesPaths: Bool = false, redactInbound: InboundRedaction = .none,
            unmeteredAllowed: Bool = false,
            tls: TLSMode = .intercept
        ) {
            self.host = host
            self.ports = ports
            self.methods = methods
            self.paths = paths
            self.namesPaths = namesPaths
            self.redactInbound = redactInbound
            self.unmeteredAllowed = unmeteredAllowed
            self.tls = tls
        }
    }

    /// One place of one port, reached over plain TCP.
    public struct Endpoint: Sendable, Hashable {
        public enum Place: Sendable, Hashable, CustomStringConvertible {
            case name(HostName)
            /// Dialled by the agent as it stands here.
            case address(IPAddress)
            /// The host's own loopback, which the agent reaches by its own.
            case localhost

            /// - Parameter text: a name, an address, or `localhost` (also as 127.0.0.1 and ::1). Other loopback addresses, and
            ///   those that lead nowhere or to many, are none.
            public init?(_ text: String) {
                if let address = IPAddress(text)?.unmapped {
                    switch address.reach {
                    case .global, .private, .linkLocal: self = .address(address)
                    case .loopback:
                        guard Self.own.contains(address) else { return nil }
                        self = .localhost
                    case .multicast, .metadata, .reserved: return nil
                    }
                } else {
                    guard let name = HostName(text) else { return nil }
                    self = name.text == "localhost" ? .localhost : .name(name)
                }
            }

            /// What `localhost` is in the cage and on the host.
            public static let own: [IPAddress] = [.v4(0x7f00_0001), .v6(high: 0, low: 1)]

            public var description: String {
                switch self {
                case .name(let name): name.text
                case .address(let address): address.description
                case .localhost: "localhost"
                }
            }
        }
        public var place: Place
        public var port: UInt16
        public init(place: Place, port: UInt16) {
            self.place = place
            self.port = port
        }
    }

    /// Ports of the host's loopback that the agent reaches by its own, ascending.
    public var hostServices: [UInt16] { Set(tcp.filter { $0.place == .localhost }.map(\.port)).sorted() }
    /// Each is two packet rules of the cage.
    public static let mostHostServices = 16

    /// A name that the profile itself resolves; grants exactly this address and port.
    public struct Resolution: Sendable, Hashable {
        public var address: IPAddress
        public var port: UInt16?
        public init(address: IPAddress, port: UInt16?) {
            self.address = address
            self.port = port
        }
    }

    /// When a host that keeps failing is left alone for a while.
    public struct Breaker: Sendable, Hashable {
        /// So many failures in a row open it,
        public var failures: UInt32 = 5
        /// or so many per cent of the requests within the window,
        public var percent: UInt32 = 50
        /// if there were at least so many.
        public var requests: UInt32 = 20
        public var window = TimeSpan(milliseconds: 60_000)
        /// How long the host is not asked, before one request goes as a probe.
        public var open = TimeSpan(milliseconds: 30_000)
        public init() {}
    }

    public struct Limits: Sendable, Hashable {
        public var rates = Rates()
        public var connections: UInt32 = 64
        public var body = ByteSize(bytes: 16 << 20)
        /// Most bytes of one request's head.
        public var header = ByteSize(bytes: 64 << 10)
        /// Longest time in which no byte goes either way.
        public var idleTimeout = TimeSpan(milliseconds: 600_000)
        /// Longest time from a request's head to its answer's end.
        public var requestTimeout = TimeSpan(milliseconds: 3_600_000)
        /// nil: hosts are asked however often they fail.
        public var breaker: Breaker? = Breaker()
        public init() {}
    }

    public var allow: [Rule] = []
    /// Endpoints without TLS that egress reads, or raw ones that it does not.
    public var tcp: [Endpoint] = []
    /// Wins over `allow`, `providers` and what a child adds. Here an empty list of ports, methods or paths means every one:
    /// what a denial leaves out denies most.
    public var deny: [Rule] = []
    /// Networks that are reachable although private; empty means `deny`.
    public var privateNetworks: [IPNetwork] = []
    public var resolve: [HostName: Resolution] = [:]
    /// PEM files with further upstream roots, absolute after loading.
    public var trust: [String] = []
    public var upstreamProxy: UpstreamProxy?
    public var limits = Limits()
    public init() {}
}

public struct ProviderGrant: Sendable, Hashable {
    public enum Keys: String, Sendable, Hashable { case broker, pinned, any }
    public var id: ProviderID
    /// nil: all models that have a price.
    public var models: [String]?
    public var serverTools = false
    public var keys = Keys.pinned
    public init(id: ProviderID) { self.id = id }
}

/// A key that the agent gets only a placeholder for. The value itself never enters a `Spec`.
public struct Credential: Sendable, Hashable {
    public enum Source: Sendable, Hashable {
        case file(String)
        case environment(String)
        /// A name in the folder that systemd gives a service for its credentials.
        case systemd(String)
        /// A program by absolute path or bare name, and its arguments. No shell reads them.
        case command([String])
    }
    /// The agent's variable that holds the placeholder.
    public var variable: String
    public var source: Source
    public var hosts: [HostName]
    public var optional: Bool
    /// The one header that it is sent in, in lower case; nil, without `query`: those that logins travel in.
    public var header: String?
    /// The parameter of the query that it is sent in.
    public var query: String?
    public init(
        variable: String, source: Source, hosts: [HostName], optional: Bool, header: String? = nil, query: String? = nil
    ) {
        self.variable = variable
        self.source = source
        self.hosts = hosts
        self.optional = optional
        self.header = header
        self.query = query
    }
}

public struct PIIHandling: Sendable, Hashable {
    public enum Mode: String, Sendable, Hashable {
        case redact = "redact_before_inference"
        case block, detect
    }
    public enum Direction: String, Sendable, Hashable { case out, `in`, both }
    public enum Binary: String, Sendable, Hashable { case block, allow }
    public var mode = Mode.redact
    /// Type names in upper case or lower-case categories; nil means all. Secrets are always on.
    public var types: Set<String>?
    public var direction = Direction.both
    public var binary = Binary.block
    public init() {}
}

public struct Budget: Sendable, Hashable {
    public enum Action: String, Sendable, Hashable { case terminate, throttle, alert }

    public struct Window: Sendable, Hashable {
        public var maxCost: Money?
        public var maxTokens: Int64?
        public var maxRequests: Int64?
        public var action = Action.terminate
        public var grace = TimeSpan(milliseconds: 2000)
        public init() {}
    }

    public enum UnknownModel: String, Sendable, Hashable { case refuse, allow }

    public var unknownModel = UnknownModel.refuse
    /// Output cap of one call in tokens; put in where the agent sets none.
    public var perCallMaxTokens: Int64?
    public var perSession = Window()
    public var perMinute = Window()
    public var perDay: Window?
    public init() {
        perSession.maxCost = Money(nanos: 1_000_000_000)
        perMinute.action = .throttle
    }
}

/// When an operator is asked before a request goes out.
public struct Approvals: Sendable, Hashable {
    /// explore: reads and model calls only. ask: what is risky enough is asked. auto: the rules alone decide.
    public enum Mode: String, Sendable, Hashable { case explore, ask, auto }
    public var mode = Mode.ask
    /// The least risk that is asked in the mode `ask`; nil: none is.
    public var askAt: NetworkAccess.Risk? = .high
    /// How long a question waits for its answer; then it is no.
    public var timeout = TimeSpan(milliseconds: 300_000)
    public init() {}
}

extension Spec {
    /// Whether some request that the rules allow has to be asked about.
    public var canAsk: Bool {
        if network.allow.contains(where: \.needsApproval) { return true }
        guard approvals.mode == .ask, let level = approvals.askAt else { return false }
        // What a provider's grant alone allows is of medium risk.
        return network.allow.contains { $0.risk >= level } || (!providers.isEmpty && level <= .medium)
    }
}

/// How somebody is told of questions and stops while a session runs.
public enum Alerting: Sendable, Hashable {
    case syslog
    case webhook(String)
    /// A program's absolute path and its arguments.
    case command([String])
}

public struct AuditSpec: Sendable, Hashable {
    public enum Sync: String, Sendable, Hashable { case batch, always }
    public var sync = Sync.batch
    public var checkpointEvery: UInt32 = 1000
    public var alerts: [Alerting] = []
    public init() {}
}
