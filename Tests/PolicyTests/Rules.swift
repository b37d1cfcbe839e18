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
    if case .deny(let refusal) = decision { refusal.code } else { nil }
}

func granted<Grant>(_ decision: Decision<Grant>) -> Grant? {
    if case .allow(let grant) = decision { grant } else { nil }
}

func ask(_ engine: PolicyEngine, _ name: String, _ method: String, _ path: String, port: UInt16 = 443) throws -> Decision<
    RequestGrant
> {
    engine.request(RequestFacts(host: try host(name), port: port, method: method, path: path))
}

func globMatches(_ pattern: String, _ path: String) -> Bool {
    var set = GlobSet()
    set.insert(pattern, id: 0)
    return !set.matching(Array(path.utf8)).isEmpty
}

/// Numbers that are the same in every run (SplitMix64).
struct Dice {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((value ^ (value >> 31)) % UInt64(limit))
    }
}
