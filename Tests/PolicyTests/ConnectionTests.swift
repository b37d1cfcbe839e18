// ConnectionTests: what is decided before a name is resolved, and which address may then be dialled.

import Profile
import Testing
import Vocabulary

@testable import Policy

struct Connections {
    @Test func onlyNamesThatSomeRuleCouldUse() throws {
        let engine = engine(
            allow: [try rule("pypi.org"), try rule("alt.example", ports: [8443])], providers: [ProviderGrant(id: .anthropic)])
        #expect(code(try connect(engine, "pypi.org")) == nil)
        #expect(code(try connect(engine, "api.anthropic.com")) == nil)
        #expect(code(try connect(engine, "alt.example", port: 8443)) == nil)
        #expect(code(try connect(engine, "alt.example")) == .portNotAllowed)
        #expect(code(try connect(engine, "api.anthropic.com", port: 80)) == .portNotAllowed)
        #expect(code(try connect(engine, "api.openai.com")) == .hostNotAllowed)
        #expect(code(engine.connection(try dialled(nil))) == .rawAddress)
    }

    @Test func passthroughOnlyWhereNothingNeedsReading() throws {
        func tls(_ allow: [NetworkAccess.Rule], deny: [NetworkAccess.Rule] = [], at name: String = "pinned.example") throws
            -> RawGrant.Way?
        {
            granted(try connect(engine(allow: allow, deny: deny), name))?.unread?.way
        }
        let open = try rule("pinned.example", tls: .passthrough)
        #expect(try tls([open]) == .passthrough)
        #expect(try tls([open, rule("pinned.example")]) == nil)
        #expect(try tls([open], deny: [deny("pinned.example", paths: ["/admin"])]) == nil)
        #expect(try tls([rule("api.openai.com", tls: .passthrough)], at: "api.openai.com") == nil)
    }

    @Test func privatePlacesNeedAGrantAndMetadataHasNone() throws {
        let name = try host("in.example")
        func dial(_ address: String, _ change: (inout Spec) -> Void = { _ in }) throws -> Refusal.Code? {
            code(engine(change: change).dial(try #require(IPAddress(address)), host: name))
        }
        let networks = try ["10.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"].map { try #require(IPNetwork($0)) }
        #expect(try dial("93.184.216.34") == nil)
        for address in [
            "10.1.2.3", "127.0.0.1", "169.254.169.254", "192.168.0.1", "::1", "::ffff:10.0.0.1", "fe80::1", "224.0.0.1",
        ] {
            #expect(try dial(address) == .addressNotAllowed)
        }
        #expect(try dial("10.1.2.3") { $0.network.privateNetworks = networks } == nil)
        #expect(try dial("::ffff:10.1.2.3") { $0.network.privateNetworks = networks } == nil)
        #expect(try dial("127.0.0.1") { $0.network.privateNetworks = networks } == .addressNotAllowed)
        #expect(try dial("169.254.169.254") { $0.network.privateNetworks = networks } == .addressNotAllowed)
        #expect(try dial("224.0.0.1") { $0.network.privateNetworks = networks } == .addressNotAllowed)
    }

    @Test func aResolutionGrantsItsOneAddressAndPort() throws {
        let name = try host("api.openai.com")
        let loopback = try #require(IPAddress("127.0.0.1"))
        let engine = engine(providers: [ProviderGrant(id: .openai)]) {
            $0.network.resolve[name] = NetworkAccess.Resolution(address: loopback, port: 9443)
        }
        let grant = try #require(granted(try connect(engine, name.text)))
        #expect(grant.resolved == loopback && grant.dialPort == 9443 && grant.port == 443)
        #expect(code(engine.dial(loopback, host: name)) == nil)
        #expect(code(engine.dial(try #require(IPAddress("127.0.0.2")), host: name)) == .addressNotAllowed)
        #expect(code(engine.dial(try #require(IPAddress("93.184.216.34")), host: name)) == .addressNotAllowed)
        // Not even the profile leads to cloud metadata.
        let metadata = try #require(IPAddress("169.254.169.254"))
        let careless = PolicyTests.engine { $0.network.resolve[name] = NetworkAccess.Resolution(address: metadata, port: nil) }
        #expect(code(careless.dial(metadata, host: name)) == .addressNotAllowed)
        // A resolution is no grant: the host still needs a rule.
        #expect(code(try connect(engine, "other.example")) == .hostNotAllowed)
    }

    @Test func manyRulesAreFoundByHost() throws {
        var rules = try (0..<1000).map { try rule("h\($0).example", methods: ["GET"], paths: ["/p\($0)/**"]) }
        rules.append(try rule(".deep.example", paths: ["/x"]))
        let engine = engine(allow: rules)
        #expect(granted(try ask(engine, "h999.example", "GET", "/p999/a"))?.rule == "allowlist[999]")
        #expect(code(try ask(engine, "h999.example", "GET", "/p998/a")) == .pathNotAllowed)
        #expect(granted(try ask(engine, "a.b.c.deep.example", "GET", "/x"))?.rule == "allowlist[1000]")
    }
}
