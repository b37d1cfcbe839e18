// Rules: how the tests spell a profile.

import Profile
import Testing
import Vocabulary

@testable import Policy

func host(_ name: String) throws -> HostName { try #require(HostName(name)) }

func rule(
    _ pattern: String, ports: [UInt16] = [443], methods: [String] = ["GET", "HEAD"], paths: [String]? = nil,
    redact: NetworkAccess.InboundRedaction = .none, unmetered: Bool = false, tls: NetworkAccess.Rule.TLSMode = .intercept
) throws -> NetworkAccess.Rule {
    NetworkAccess.Rule(
        host: try #require(HostPattern(pattern)), ports: ports, methods: methods, paths: paths ?? ["/**"], namesPaths: paths != nil,
        redactInbound: redact, unmeteredAllowed: unmetered, tls: tls)
}

/// As the profile decoder makes them: what a deny rule leaves out is empty and means everything.
func deny(_ pattern: String, ports: [UInt16] = [], methods: [String] = [], paths: [String]? = nil) throws -> NetworkAccess.Rule {
    NetworkAccess.Rule(
        host: try #require(HostPattern(pattern)), ports: ports, methods: methods, paths: paths ?? [], namesPaths: paths != nil)
}

func engine(
    allow: [NetworkAccess.Rule] = [], deny: [NetworkAccess.Rule] = [], providers: [ProviderGrant] = [],
    change: (inout Spec) -> Void = { _ in }
) -> PolicyEngine {
    var spec = Spec()
    spec.name = "strict"
    spec.network.allow = allow
    spec.network.deny = deny
    spec.providers = providers
    change(&spec)
    return PolicyEngine(spec: spec)
}

/// The refusal's code, or nil for a yes.
func code<Grant>(_ decision: Decision<Grant>) -> Refusal.Code? {
    decision.refusal?.code
}

func granted<Grant>(_ decision: Decision<Grant>) -> Grant? {
    if case .allow(let grant) = decision { grant } else { nil }
}

/// A connection to the address that stands for `name`, over TLS that names it too.
func dialled(_ name: String?, port: UInt16 = 443, spoken: String? = nil, isTLS: Bool = true) throws -> ConnectionFacts {
    let name = try name.map { try host($0) }
    return ConnectionFacts(
        address: try #require(IPAddress("198.18.0.7")), port: port, name: name, spoken: try spoken.map { try host($0) } ?? name,
        isTLS: isTLS)
}

func connect(_ engine: PolicyEngine, _ name: String, port: UInt16 = 443) throws -> Decision<ConnectionGrant> {
    engine.connection(try dialled(name, port: port))
}

/// One request of a session's first moment.
func ask(
    _ engine: PolicyEngine, _ name: String, _ method: String, _ path: String, port: UInt16 = 443,
    change: (inout RequestFacts) -> Void = { _ in }
) throws -> Decision<RequestGrant> {
    var pace = Pace(engine.spec.network)
    return try ask(engine, name, method, path, port: port, &pace, at: 0, change: change)
}

func ask(
    _ engine: PolicyEngine, _ name: String, _ method: String, _ path: String, port: UInt16 = 443, _ pace: inout Pace,
    at now: UInt64,
    change: (inout RequestFacts) -> Void = { _ in }
) throws -> Decision<RequestGrant> {
    let connection = try dialled(name, port: port)
    var facts = RequestFacts(
        connection: connection, authorities: [port == 443 ? name : "\(name):\(port)"], method: method, path: path)
    change(&facts)
    return engine.request(facts, on: engine.connection(facts.connection), pace: &pace, at: now)
}

func globMatches(_ pattern: String, _ path: String) -> Bool {
    var set = GlobSet()
    set.insert(pattern, id: 0)
    return !set.matching(Array(path.utf8)).isEmpty
}
