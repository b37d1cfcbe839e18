// RawTests: connections that go on unread: only where a rule names the very place, and nothing has to be read.

import Profile
import Testing
import Vocabulary

@testable import Policy

struct RawDecisions {
    private func endpoint(_ place: String, _ port: UInt16) throws -> NetworkAccess.Endpoint {
        .init(place: try #require(NetworkAccess.Endpoint.Place(place)), port: port)
    }

    private func engine(
        _ endpoints: [(String, UInt16)], deny: [NetworkAccess.Rule] = [], change: (inout Spec) -> Void = { _ in }
    ) throws -> PolicyEngine {
        let rules = try endpoints.map { try endpoint($0.0, $0.1) }
        return PolicyTests.engine(deny: deny) {
            $0.network.tcp = rules
            change(&$0)
        }
    }

    /// A connection to the address that stands for a name.
    private func named(_ name: String, _ port: UInt16) throws -> ConnectionFacts { try dialled(name, port: port, isTLS: false) }

    private func bare(_ address: String, _ port: UInt16) throws -> ConnectionFacts {
        ConnectionFacts(address: try #require(IPAddress(address)), port: port, name: nil, spoken: nil, isTLS: false)
    }

    @Test func aRuleIsForItsOnePlaceAndPort() throws {
        let engine = try engine([("db.example", 5432), ("10.0.0.9", 6379), ("localhost", 11434)])
        let grant = try #require(engine.tcp(try named("db.example", 5432))?.grant)
        #expect(grant.target == .name(try host("db.example"), resolved: nil) && grant.rule == "tcp[0]" && grant.dialPort == 5432)
        #expect(engine.tcp(try bare("10.0.0.9", 6379))?.grant?.target == .address(try #require(IPAddress("10.0.0.9"))))
        for loopback in ["127.0.0.1", "::1"] {
            #expect(engine.tcp(try bare(loopback, 11434))?.grant?.target == .localhost)
        }
        for other in [
            try named("db.example", 5433), try named("other.example", 5432), try named("a.db.example", 5432),
            try bare("10.0.0.9", 6380), try bare("10.0.0.8", 6379), try bare("127.0.0.1", 11435), try bare("127.0.0.2", 11434),
        ] {
            #expect(engine.tcp(other) == nil, "\(other)")
            #expect(code(engine.connection(other)) != nil, "\(other)")
        }
    }

    @Test func aPlaceLeadsToOneHost() {
        for text in ["db.example", "10.0.0.9", "93.184.216.34", "169.254.7.7", "2606:4700::1", "localhost", "::1", "127.0.0.1"] {
            #expect(NetworkAccess.Endpoint.Place(text) != nil, "\(text)")
        }
        #expect(NetworkAccess.Endpoint.Place("::ffff:127.0.0.1") == .localhost)
        // Metadata, everywhere and nowhere, many at once, addresses that stand for names, names that stand for many.
        for text in [
            "169.254.169.254", "100.100.100.200", "fd00:ec2::254", "0.0.0.0", "::", "127.0.0.2", "224.0.0.1", "255.255.255.255",
            "198.18.0.7", "::ffff:169.254.169.254", "*.example", ".example", "", "a b",
        ] {
            #expect(NetworkAccess.Endpoint.Place(text) == nil, "\(text)")
        }
    }

    /// A denial of any part of a host's port takes all of it: bytes that nobody reads cannot be held to the rest.
    @Test func denialsWin() throws {
        let facts = try named("db.example", 443)
        #expect(try engine([("db.example", 443)]).tcp(facts)?.grant != nil)
        for rule in [
            try deny("db.example"), try deny(".example"), try deny("db.example", paths: ["/admin"]),
            try deny("db.example", ports: [443], methods: ["PUT"]),
        ] {
            let engine = try engine([("db.example", 443)], deny: [rule])
            #expect(engine.tcp(facts).map { code($0) } == .hostDenied)
            #expect(code(engine.connection(facts)) == .hostDenied)
        }
        #expect(try engine([("db.example", 443)], deny: [deny("db.example", ports: [80])]).tcp(facts)?.grant != nil)
        let local = try engine([("localhost", 11434)], deny: [deny("localhost")])
        #expect(local.tcp(try bare("127.0.0.1", 11434)).map { code($0) } == .hostDenied)
    }

    @Test func aProvidersMeterIsNotGoneRound() throws {
        for name in ["api.openai.com", "eu.api.openai.com", "mine.openai.azure.com"] {
            #expect(try engine([(name, 443)]).tcp(named(name, 443)).map { code($0) } == .unpricedOperation, "\(name)")
        }
        // A database in a cloud that also sells models is none of its model endpoints.
        #expect(try engine([("db.rds.amazonaws.com", 5432)]).tcp(named("db.rds.amazonaws.com", 5432))?.grant != nil)
    }

    @Test func whatWouldBeAskedIsRefused() throws {
        let facts = try named("db.example", 5432)
        func tcp(_ change: @escaping (inout Approvals) -> Void) throws -> Refusal.Code? {
            try engine([("db.example", 5432)]) { change(&$0.approvals) }.tcp(facts).flatMap { code($0) }
        }
        #expect(try tcp { _ in } == nil)
        #expect(try tcp { $0.mode = .explore } == .methodNotAllowed)
        #expect(try tcp { $0.askAt = .medium } == .approvalNeeded)
        #expect(try tcp { ($0.mode, $0.askAt) = (.auto, .low) } == nil)
        func passed(_ change: (inout NetworkAccess.Rule) -> Void, _ approvals: (inout Approvals) -> Void = { _ in }) throws
            -> Refusal.Code?
        {
            var rule = try rule("pinned.example", tls: .passthrough)
            change(&rule)
            return code(try connect(PolicyTests.engine(allow: [rule]) { approvals(&$0.approvals) }, "pinned.example"))
        }
        #expect(try passed { _ in } == nil)
        #expect(try passed { $0.needsApproval = true } == .approvalNeeded)
        #expect(try passed { $0.risk = .high } == .approvalNeeded)
        #expect(try passed({ _ in }, { $0.mode = .explore }) == .methodNotAllowed)
    }

    @Test func passthroughNeedsTheNameInTheHandshake() throws {
        let engine = try PolicyTests.engine(allow: [rule("pinned.example", tls: .passthrough)])
        #expect(granted(engine.connection(try dialled("pinned.example")))?.unread != nil)
        #expect(code(engine.connection(try dialled("pinned.example", spoken: "evil.example"))) == .identityMismatch)
        let silent = ConnectionFacts(
            address: try #require(IPAddress("198.18.0.7")), port: 443, name: try host("pinned.example"), spoken: nil, isTLS: true)
        #expect(code(engine.connection(silent)) == .identityMismatch)
    }

    @Test func aProvidersHostIsPassedThroughOnlyUnmeteredAndUngranted() throws {
        func isUnread(_ name: String, unmetered: Bool, providers: [ProviderGrant] = []) throws -> Bool {
            let rule = try rule(name, unmetered: unmetered, tls: .passthrough)
            return granted(try connect(PolicyTests.engine(allow: [rule], providers: providers), name))?.unread != nil
        }
        #expect(try !isUnread("api.openai.com", unmetered: false))
        #expect(try isUnread("api.openai.com", unmetered: true))
        #expect(try !isUnread("api.openai.com", unmetered: true, providers: [ProviderGrant(id: .openai)]))
        #expect(try !isUnread("eu.api.openai.com", unmetered: false))
        #expect(try isUnread("pinned.example", unmetered: false))
    }

    @Test func aConnectionCountsAsARequestAndItsBytesAsABodys() throws {
        var slow = try rule("pinned.example", tls: .passthrough)
        slow.rates.bandwidth = ByteRate(bytesPerSecond: 1000)
        let engine = PolicyTests.engine(allow: [slow]) {
            $0.network.limits.rates.requestsPerMinute = 2
            $0.network.limits.connections = 3
        }
        let grant = try #require(granted(try connect(engine, "pinned.example"))?.unread)
        var pace = Pace(engine.spec.network)
        #expect(code(engine.begin(grant, connections: 4, pace: &pace, at: 0)) == .rateLimited)
        #expect(granted(engine.begin(grant, connections: 3, pace: &pace, at: 0))?.ticket != nil)
        #expect(granted(engine.begin(grant, connections: 1, pace: &pace, at: 0)) != nil)
        #expect(code(engine.begin(grant, connections: 1, pace: &pace, at: 0)) == .rateLimited)
        #expect(pace.passed(10_000, grant.paced, at: 0) > 0)
    }

    @Test func whatTheRuleNamesIsDialledAndNamesAreLookedUp() throws {
        let engine = try engine([("db.example", 5432), ("10.0.0.9", 6379), ("localhost", 11434)])
        let named = try #require(engine.tcp(try named("db.example", 5432))?.grant)
        #expect(named.addresses.isEmpty && named.connection?.dialPort == 5432)
        let bare = try #require(engine.tcp(try bare("10.0.0.9", 6379))?.grant)
        #expect(bare.addresses.map(\.description) == ["10.0.0.9"] && bare.connection == nil)
        let local = try #require(engine.tcp(try self.bare("::1", 11434))?.grant)
        #expect(local.addresses == NetworkAccess.Endpoint.Place.own && local.connection == nil)
    }
}
