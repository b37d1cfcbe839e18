// KeyTests: whose key a request may leave with, for every mode and everything that may stand in it.

import Profile
import Providers
import Testing
import Vocabulary

@testable import Policy

struct KeyDecisions {
    private let openai = ProviderGrant(id: .openai)
    private static let one = KeyIdentity(digest: [1]), two = KeyIdentity(digest: [2])
    private static let ours = KeyFacts.Presented(place: "authorization", owner: .broker, variable: "OURS")
    private static func agents(_ identity: KeyIdentity, _ place: String = "authorization") -> KeyFacts.Presented {
        .init(place: place, owner: .agent(identity))
    }

    private func decide(_ keys: ProviderGrant.Keys, _ facts: KeyFacts) throws -> Decision<RequestGrant> {
        var grant = openai
        grant.keys = keys
        return try ask(engine(providers: [grant]), "api.openai.com", "POST", "/v1/chat/completions") { $0.keys = facts }
    }

    private func use(_ keys: ProviderGrant.Keys, _ facts: KeyFacts) throws -> KeyUse? { try decide(keys, facts).grant?.key }

    @Test func aBrokersHostTakesTheBrokersKeyOnly() throws {
        for held in ["OURS", nil] {
            #expect(try use(.broker, KeyFacts(presented: [Self.ours], held: held)) == .broker(variables: ["OURS"], shown: true))
            #expect(code(try decide(.broker, KeyFacts(presented: [Self.agents(Self.one)], held: held))) == .foreignKey)
        }
        #expect(try use(.broker, KeyFacts(held: "OURS")) == .broker(variables: ["OURS"], shown: false))
        #expect(code(try decide(.broker, KeyFacts())) == .foreignKey)
    }

    @Test func aPinnedHostKeepsItsFirstKey() throws {
        #expect(try use(.pinned, KeyFacts()) == KeyUse.none)
        #expect(try use(.pinned, KeyFacts(presented: [Self.agents(Self.one)])) == .agent(Self.one))
        #expect(try use(.pinned, KeyFacts(presented: [Self.agents(Self.one)], pinned: Self.one)) == .agent(Self.one))
        #expect(code(try decide(.pinned, KeyFacts(presented: [Self.agents(Self.two)], pinned: Self.one))) == .foreignKey)
        // The same key at two places is one; two keys are two wherever they stand.
        let same = [Self.agents(Self.one), Self.agents(Self.one, "?key")]
        #expect(try use(.pinned, KeyFacts(presented: same)) == .agent(Self.one))
        let other = [Self.agents(Self.one), Self.agents(Self.two, "?key")]
        #expect(code(try decide(.pinned, KeyFacts(presented: other))) == .foreignKey)
        // The broker's is the first, where it holds one.
        #expect(try use(.pinned, KeyFacts(held: "OURS")) == .broker(variables: ["OURS"], shown: false))
        #expect(code(try decide(.pinned, KeyFacts(presented: [Self.agents(Self.one)], held: "OURS"))) == .foreignKey)
        #expect(code(try decide(.pinned, KeyFacts(presented: [Self.ours, Self.agents(Self.one)], held: "OURS"))) == .foreignKey)
    }

    @Test func anyLetsTheAgentsKeysBe() throws {
        let facts = KeyFacts(presented: [Self.agents(Self.one), Self.agents(Self.two)], held: "OURS", pinned: Self.two)
        #expect(try use(.any, facts) == .agent(nil))
        #expect(try use(.any, KeyFacts(presented: [Self.ours], held: "OURS")) == .broker(variables: ["OURS"], shown: true))
        #expect(try use(.any, KeyFacts(held: "OURS")) == KeyUse.none)
    }

    @Test(arguments: [KeyFacts.Stray.otherHost, .otherPlace, .absent, .presigned, .signature])
    func aStrayPlaceholderIsRefusedEverywhere(_ why: KeyFacts.Stray) throws {
        let stray = KeyFacts.Presented(place: "user-agent", owner: .stray(why), variable: "OURS")
        let facts = KeyFacts(presented: [stray], held: "OURS")
        for keys in [ProviderGrant.Keys.broker, .pinned, .any] { #expect(code(try decide(keys, facts)) == .foreignKey) }
        let ordinary = try ask(engine(allow: [try rule("pypi.org")]), "pypi.org", "GET", "/") { $0.keys = facts }
        let refusal = try #require(ordinary.refusal)
        #expect(refusal.code == .foreignKey && refusal.rule == "credentials.OURS" && refusal.reason.contains("OURS"))
        #expect(!refusal.told.contains("OURS"), "the agent is told no name of the profile's")
    }

    @Test func anOrdinaryHostTakesTheAgentsOwnKeys() throws {
        let two = KeyFacts(presented: [Self.agents(Self.one), Self.agents(Self.two)])
        let decision = try ask(engine(allow: [try rule("pypi.org")]), "pypi.org", "GET", "/") { $0.keys = two }
        #expect(decision.grant?.key == .agent(nil))
        // And as many of the broker's as are for it; a provider's takes one.
        let other = KeyFacts.Presented(place: "x-other-key", owner: .broker, variable: "MORE")
        let ours = KeyFacts(presented: [Self.ours, other, Self.agents(Self.one)])
        let both = try ask(engine(allow: [try rule("pypi.org")]), "pypi.org", "GET", "/") { $0.keys = ours }
        #expect(both.grant?.key == .broker(variables: ["MORE", "OURS"], shown: true))
        #expect(code(try decide(.broker, KeyFacts(presented: [Self.ours, other]))) == .foreignKey)
    }

    @Test func whatIsDeniedAnywayIsNotPinned() throws {
        let facts = KeyFacts(presented: [Self.agents(Self.one)])
        let decision = try ask(engine(providers: [openai]), "api.openai.com", "DELETE", "/v1/models") { $0.keys = facts }
        #expect(decision.grant == nil)
    }
}
