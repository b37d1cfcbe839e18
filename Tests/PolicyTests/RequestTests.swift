// RequestTests: rules have no order, deny wins, and what is absent means least.

import Profile
import Providers
import Testing
import Vocabulary

@testable import Policy

struct OrdinaryHosts {
    @Test func absentMeansLeast() throws {
        let engine = engine(allow: [try rule("pypi.org")])
        #expect(code(try ask(engine, "pypi.org", "GET", "/simple/x")) == nil)
        #expect(code(try ask(engine, "pypi.org", "POST", "/simple/x")) == .methodNotAllowed)
        #expect(code(try ask(engine, "pypi.org", "GET", "/", port: 8443)) == .portNotAllowed)
        #expect(code(try ask(engine, "files.pypi.org", "GET", "/")) == .hostNotAllowed)
        #expect(code(try ask(engine, "xpypi.org", "GET", "/")) == .hostNotAllowed)
    }

    @Test func subdomainsAreNotTheNameItself() throws {
        let engine = engine(allow: [try rule(".example.com"), try rule("*.b.example.net")])
        #expect(code(try ask(engine, "a.example.com", "GET", "/")) == nil)
        #expect(code(try ask(engine, "x.y.example.com", "GET", "/")) == nil)
        #expect(code(try ask(engine, "example.com", "GET", "/")) == .hostNotAllowed)
        #expect(code(try ask(engine, "badexample.com", "GET", "/")) == .hostNotAllowed)
        #expect(code(try ask(engine, "a.b.example.net", "GET", "/")) == nil)
    }

    @Test func denyWinsWhateverTheOrder() throws {
        let engine = engine(
            allow: [try rule(".example.com", paths: ["/**"])],
            deny: [try deny("a.example.com", paths: ["/admin/**"]), try deny("b.example.com")])
        #expect(code(try ask(engine, "a.example.com", "GET", "/x")) == nil)
        for path in ["/admin/x", "/%61dmin/x", "//admin/x", "/admin%2fx"] {
            #expect(code(try ask(engine, "a.example.com", "GET", path)) == .hostDenied)
        }
        #expect(code(try ask(engine, "b.example.com", "GET", "/x")) == .hostDenied)
    }

    @Test func aDenialIsNotLostBehindAnother() throws {
        let engine = engine(
            allow: [try rule("a.example", methods: ["*"], paths: ["/**"])],
            deny: [
                try deny("a.example", methods: ["GET"], paths: ["/api/**", "/api/admin/**"]),
                try deny("a.example", paths: ["/api/admin/**"]),
            ])
        #expect(code(try ask(engine, "a.example", "POST", "/api/admin/x")) == .hostDenied)
        #expect(code(try ask(engine, "a.example", "POST", "/api/x")) == nil)
    }

    @Test func aDenialWrittenInEscapesHoldsInEverySpelling() throws {
        let engine = engine(
            allow: [try rule("a.example", paths: ["/**"])], deny: [try deny("a.example", paths: ["/my%20files/**"])])
        for path in ["/my%20files/x", "/%6Dy%20files/x", "/MY%20FILES/x"] {
            #expect(code(try ask(engine, "a.example", "GET", path)) == .hostDenied)
        }
        #expect(code(try ask(engine, "a.example", "GET", "/myfiles/x")) == nil)
    }

    @Test(arguments: [
        "/pub/..%3F", "/pub/..%23x", "/pub/x%EF%BC%8F..%EF%BC%8F..%EF%BC%8Fadmin", "/pub/%E2%80%A5/admin", "/pub/%2e%2e/admin",
    ])
    func dotSegmentsInAnyReadingAreRefused(_ path: String) throws {
        let engine = engine(allow: [try rule("a.example", paths: ["/pub/**"])])
        #expect(code(try ask(engine, "a.example", "GET", path)) == .malformed)
        #expect(code(try ask(engine, "a.example", "GET", "/pub/b%20c/d")) == nil)
    }

    @Test func theStrictestOfEachAttributeHolds() throws {
        let engine = engine(allow: [
            try rule("a.example", redact: .secrets), try rule(".example", redact: .all), try rule("a.example"),
        ]) {
            $0.pii.direction = .both
        }
        let grant = try #require(granted(try ask(engine, "a.example", "GET", "/")))
        #expect(grant.redactInbound == .all && grant.rule == "allowlist[0],allowlist[2],allowlist[1]")
        #expect(granted(try ask(engine, "b.example", "GET", "/"))?.rule == "allowlist[1]")
    }

    @Test func wordsForTheAgentTellNoRules() throws {
        let engine = engine(allow: [try rule("pypi.org")], deny: [try deny("evil.example")])
        for name in ["evil.example", "other.example"] {
            guard case .deny(let refusal) = try ask(engine, name, "GET", "/") else {
                Issue.record("allowed")
                continue
            }
            #expect(refusal.told.contains(name) && refusal.told.contains("'strict'") && refusal.told.contains("Ask the operator"))
            #expect(!refusal.told.contains("pypi") && !refusal.told.contains("denylist"))
        }
    }
}

struct Paths {
    @Test(arguments: [
        "/a/../b", "/a/%2e%2e/b", "/a/.%2E/b", "/./a", "/a/%2e/b", "/a/..;x/b", "/a/%252e%252e/b", "/a\\b", "/a%5cb", "/a%00b",
        "/a%zz", "/a%2",
        "a", "", "*", "/a?b", "/a#b", "/a b", "/caf\u{e9}", "/a%c3%28", "/..", "/a/%2e%2e%2fb",
    ])
    func ambiguousOnesAreRefused(path: String) throws {
        #expect(code(try ask(engine(allow: [try rule("h.example")]), "h.example", "GET", path)) == .malformed)
    }

    @Test(arguments: [
        "/a", "/", "/a//b", "/@scope%2fname", "/a%20b", "/.well-known/x", "/a...b", "/caf%c3%a9", "/a/.../b", "/100%25",
    ])
    func usualOnesPass(path: String) throws {
        #expect(code(try ask(engine(allow: [try rule("h.example")]), "h.example", "GET", path)) == nil)
    }

    @Test func everyReadingMustBeAllowed() throws {
        let engine = engine(allow: [try rule("h.example", paths: ["/pub/*"])])
        #expect(code(try ask(engine, "h.example", "GET", "/pub/x")) == nil)
        #expect(code(try ask(engine, "h.example", "GET", "/pub/x%2fy")) == .pathNotAllowed)
        #expect(code(try ask(engine, "h.example", "GET", "/pub//x")) == .pathNotAllowed)
        #expect(code(try ask(engine, "h.example", "GET", "/%70ub/x")) == .pathNotAllowed)
    }

    @Test(arguments: [
        ("/v1/**", "/v1/a/b", true), ("/v1/**", "/v1/", true), ("/v1/**", "/v1", false), ("/v1/*", "/v1/a", true),
        ("/v1/*", "/v1/a/b", false),
        ("/**", "/", true), ("/a/*/c", "/a/b/c", true), ("/a/*/c", "/a/b/b/c", false), ("/a/**/c", "/a/b/b/c", true),
        ("/a", "/a", true),
        ("/a", "/ab", false), ("/*.json", "/x.json", true), ("/*.json", "/x.json.exe", false), ("/a*b*c", "/aXbYbZc", true),
        ("/**/x/**", "/1/2/x/3", true), ("/a***b", "/a/x/b", true),
    ])
    func globs(pattern: String, path: String, matches: Bool) {
        #expect(globMatches(pattern, path) == matches)
    }

    @Test func aHostilePathCannotMakeAGlobExplode() {
        // Backtracking would need years for this; a set of states needs one pass.
        let pattern = "/" + String(repeating: "**a", count: 20) + "b"
        #expect(!globMatches(pattern, "/" + String(repeating: "a", count: 8000)))
    }
}

struct ProviderHosts {
    let openai = ProviderGrant(id: .openai)

    @Test func providersGrantModelEndpointsOnly() throws {
        let engine = engine(providers: [openai])
        let grant = try #require(granted(try ask(engine, "api.openai.com", "POST", "/v1/chat/completions")))
        #expect(
            grant.provider == .openai && grant.operation == .chatCompletions && grant.isMetered && grant.rule == "providers.openai")
        #expect(grant.keys == .pinned && !grant.serverTools && grant.models == nil && grant.redactInbound == .all)
        #expect(granted(try ask(engine, "api.openai.com", "GET", "/v1/models"))?.isMetered == false)
        #expect(code(try ask(engine, "api.openai.com", "POST", "/v1/audio/speech")) == .unpricedOperation)
        #expect(code(try ask(engine, "api.anthropic.com", "POST", "/v1/messages")) == .hostNotAllowed)
        #expect(code(try ask(engine, "api.openai.com", "POST", "/v1/chat/completions", port: 8443)) == .portNotAllowed)
    }

    @Test func aRuleWithoutPathsMeansTheModelEndpoints() throws {
        let engine = engine(allow: [try rule("api.openai.com", methods: ["POST", "GET"])])
        #expect(granted(try ask(engine, "api.openai.com", "POST", "/v1/chat/completions"))?.isMetered == true)
        #expect(code(try ask(engine, "api.openai.com", "POST", "/v1/files")) == .pathNotAllowed)
    }

    @Test func aTenantsHostIsNotGrantedByTheProvidersName() throws {
        let host = "me.openai.azure.com"
        let named = engine(providers: [ProviderGrant(id: .azure)])
        #expect(code(try ask(named, host, "POST", "/openai/v1/chat/completions")) == .hostNotAllowed)
        let ruled = engine(allow: [try rule(host, methods: ["POST"])], providers: [ProviderGrant(id: .azure)])
        let grant = granted(try ask(ruled, host, "POST", "/openai/deployments/d/chat/completions"))
        #expect(grant?.provider == .azure && grant?.operation == .chatCompletions)
        #expect(code(try ask(ruled, "you.openai.azure.com", "POST", "/openai/v1/chat/completions")) == .hostNotAllowed)
    }

    @Test func aModelInThePathMayBeEscaped() throws {
        let bedrock = engine(providers: [ProviderGrant(id: .bedrock)])
        let host = "bedrock-runtime.us-east-1.amazonaws.com"
        for path in ["/model/a-v2%3A0/converse", "/model/a-v2:0/converse"] {
            #expect(granted(try ask(bedrock, host, "POST", path))?.operation == .converse)
        }
        for path in [
            "/model/a%2fb/converse", "/model/a/conver%73e", "/model/a;x/converse", "/Model/a/converse", "/model//a/converse",
        ] {
            #expect(code(try ask(bedrock, host, "POST", path)) != nil, "\(path)")
        }
        #expect(code(try ask(bedrock, host, "POST", "/model/a/invoke")) == .unpricedOperation)
    }

    @Test func operationsOfOtherRegionsHaveNoPrice() throws {
        let host = "bedrock-runtime.eu-west-1.amazonaws.com"
        let wide = engine(allow: [try rule(host, methods: ["POST"], paths: ["/**"])])
        for path in ["/model/a/converse", "/model/a/invoke", "/model/a/invoke-with-response-stream"] {
            #expect(code(try ask(wide, host, "POST", path)) == .unpricedOperation)
        }
        let vertex = "europe-west1-aiplatform.googleapis.com"
        let allowed = engine(allow: [try rule(vertex, methods: ["POST"], paths: ["/**"])])
        let path = "/v1/projects/p/locations/l/publishers/google/models/m:generateContent"
        #expect(code(try ask(allowed, vertex, "POST", path)) == .unpricedOperation)
    }

    @Test func anUnpricedOperationNeedsTheWord() throws {
        let named = engine(allow: [try rule("api.openai.com", methods: ["POST"], paths: ["/v1/**"])])
        #expect(code(try ask(named, "api.openai.com", "POST", "/v1/audio/speech")) == .unpricedOperation)
        #expect(granted(try ask(named, "api.openai.com", "POST", "/v1/chat/completions"))?.isMetered == true)
        let allowed = engine(allow: [try rule("api.openai.com", methods: ["POST"], paths: ["/v1/**"], unmetered: true)])
        #expect(granted(try ask(allowed, "api.openai.com", "POST", "/v1/audio/speech"))?.operation == .some(nil))
        // With the word the model endpoint is still metered.
        #expect(granted(try ask(allowed, "api.openai.com", "POST", "/v1/chat/completions"))?.isMetered == true)
    }

    @Test(arguments: [
        "/v1/chat/completions/", "/v1//chat/completions", "/v1/chat%2fcompletions", "/v1/chat/complet%69ons",
        "/V1/chat/completions",
        "/v1/chat/completions;x", "/v1/chat;x/completions/;y", "/v1/chat%3bx/completions",
    ])
    func noOtherSpellingPassesTheMeter(path: String) throws {
        let engine = engine(
            allow: [try rule("api.openai.com", methods: ["POST"], paths: ["/**"], unmetered: true)], providers: [openai])
        #expect(code(try ask(engine, "api.openai.com", "POST", path)) == .malformed)
    }

    @Test func grantsMeetInTheStrictest() throws {
        var first = openai
        first.models = ["gpt-4o*", "o3"]
        first.keys = .any
        first.serverTools = true
        var second = openai
        second.models = ["gpt-4o-mini", "o*"]
        second.keys = .pinned
        let grant = try #require(
            granted(try ask(engine(providers: [first, second]), "api.openai.com", "POST", "/v1/chat/completions")))
        #expect(grant.models == ["gpt-4o-mini", "o3"] && grant.keys == .pinned && !grant.serverTools)
        #expect(grant.allows(model: "o3") && !grant.allows(model: "o1") && !grant.allows(model: "gpt-4o"))
    }

    @Test func denyWinsOverProviders() throws {
        let engine = engine(deny: [try deny("api.openai.com")], providers: [openai])
        #expect(code(try ask(engine, "api.openai.com", "POST", "/v1/chat/completions")) == .hostDenied)
        #expect(code(try connect(engine, "api.openai.com")) == .hostDenied)
    }

    @Test func bodiesAreHeldToTheGrant() throws {
        let name = try host("api.openai.com")
        let rules = ProviderRequest.Rules(words: RefusalWords(host: name.text, profile: "strict"))
        func refusal(_ body: String, _ change: (inout ProviderGrant, inout Spec) -> Void = { _, _ in }) throws -> Refusal? {
            var grant = openai
            var spec = Spec()
            change(&grant, &spec)
            spec.providers = [grant]
            let engine = PolicyEngine(spec: spec)
            let request = try ProviderRequest.parse(.chatCompletions, provider: .openai, body: Array(body.utf8), rules: rules)
            let allowed = try #require(granted(try ask(engine, name.text, "POST", "/v1/chat/completions")))
            return engine.refusal(of: request, grant: allowed, host: name)
        }
        let plain = "{\"model\":\"gpt-4o\",\"messages\":[]}"
        let search = "{\"model\":\"gpt-4o\",\"messages\":[],\"web_search_options\":{}}"
        let image =
            "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:x\"}}]}]}"
        let tier = "{\"model\":\"gpt-4o\",\"messages\":[],\"service_tier\":\"priority\"}"
        #expect(try refusal(plain) == nil)
        #expect(try refusal(plain) { grant, _ in grant.models = ["o3"] }?.code == .modelNotAllowed)
        #expect(try refusal(search)?.code == .serverTool)
        #expect(try refusal(search) { grant, _ in grant.serverTools = true } == nil)
        #expect(try refusal(image)?.code == .binaryContent)
        #expect(try refusal(image) { _, spec in spec.pii.binary = .allow } == nil)
        #expect(try refusal(tier)?.code == .unpricedOperation)
    }
}

struct OddSpellings {
    @Test func aDenialHoldsForEverySpellingOfTheMethodAndPath() throws {
        let engine = engine(
            allow: [try rule("a.example", methods: ["*"], paths: ["/**"])],
            deny: [try deny("a.example", methods: ["DELETE"]), try deny("a.example", paths: ["/admin/**"])])
        #expect(code(try ask(engine, "a.example", "GET", "/x;v=1/y")) == nil)
        for method in ["DELETE", "delete", "Delete"] {
            #expect(code(try ask(engine, "a.example", method, "/x")) == .hostDenied)
        }
        for path in ["/admin;a=b/x", "/;/admin/x", "/admin%3ba/x"] {
            #expect(code(try ask(engine, "a.example", "GET", path)) == .hostDenied)
        }
    }

    /// A provider's other hosts take the same calls: without a meter they are a way round the budget.
    @Test func modelEndpointsOnAProvidersOtherHostsAreNotFree() throws {
        let metered = engine(allow: [
            try rule(".openai.com", methods: ["GET", "POST"], paths: ["/**"]),
            try rule("files.example", methods: ["POST"], paths: ["/**"]),
        ])
        #expect(code(try ask(metered, "eu.api.openai.com", "POST", "/v1/chat/completions")) == .unpricedOperation)
        #expect(code(try ask(metered, "eu.api.openai.com", "POST", "/v1/Chat//completions/")) == .unpricedOperation)
        #expect(code(try ask(metered, "cdn.openai.com", "GET", "/x")) == nil)
        #expect(code(try ask(metered, "files.example", "POST", "/v1/chat/completions")) == nil)
        let free = engine(allow: [try rule(".openai.com", methods: ["POST"], paths: ["/**"], unmetered: true)])
        #expect(code(try ask(free, "eu.api.openai.com", "POST", "/v1/chat/completions")) == nil)
    }
}
