// DecisionTests: each fact that a request is decided on, one at a time: the same request passes without it.

import Profile
import Testing
import Vocabulary

@testable import Policy

private let second: UInt64 = 1_000_000_000

struct Identity {
    private func decide(_ connection: ConnectionFacts, _ authorities: [String]) throws -> Refusal.Code? {
        let engine = engine(allow: [try rule("a.example"), try rule("b.example")])
        var pace = Pace(engine.spec.network)
        let facts = RequestFacts(connection: connection, authorities: authorities, method: "GET", path: "/")
        return code(engine.request(facts, on: engine.connection(connection), pace: &pace, at: 0))
    }

    @Test func allNamesMustAgree() throws {
        let usual = try dialled("a.example")
        for authority in ["a.example", "A.example", "a.example.", "a.example:443"] {
            #expect(try decide(usual, [authority]) == nil)
        }
        #expect(try decide(usual, ["a.example", "a.example:443"]) == nil)
        for wrong in [
            [], [""], ["b.example"], ["a.example", "b.example"], ["a.example:8443"], ["a.example@b.example"],
            ["b.example@a.example"],
            ["a.example:"], ["198.18.0.7"], ["[::1]"], ["a.ex\u{e4}mple"], ["\u{430}.example"], ["a.example/"], ["a.example "],
        ] {
            #expect(try decide(usual, wrong) == .identityMismatch, "\(wrong)")
        }
        #expect(try decide(dialled("a.example", spoken: "b.example"), ["a.example"]) == .identityMismatch)
        #expect(try decide(dialled("a.example", spoken: "b.example"), ["b.example"]) == .identityMismatch)
        // A spoken name does not make up for an address that was not handed out.
        #expect(try decide(dialled(nil, spoken: "a.example"), ["a.example"]) == .rawAddress)
        #expect(try decide(dialled("a.example", isTLS: false), ["a.example"]) == .plainHTTP)
    }
}

struct Bodies {
    private func send(_ rules: [NetworkAccess.Rule], types: [String], size: UInt64? = 10, limit: UInt64 = 1000) throws
        -> Refusal.Code?
    {
        let engine = engine(allow: rules) { $0.network.limits.body = ByteSize(bytes: limit) }
        return code(
            try ask(engine, "a.example", "POST", "/x") {
                $0.contentTypes = types
                $0.hasBody = true
                $0.size = size
            })
    }

    @Test func aBodyMustBeOfATypeThatEveryRuleTakes() throws {
        var json = try rule("a.example", methods: ["POST"])
        json.contentTypes = ["application/json", "text/*"]
        for type in ["application/json", "Application/JSON; charset=utf-8", "text/plain", "text/csv;x=y"] {
            #expect(try send([json], types: [type]) == nil)
        }
        for types in [[], ["application/octet-stream"], ["application/jsonx"], ["texty/plain"], ["application/json", "image/png"]] {
            #expect(try send([json], types: types) == .contentTypeNotAllowed, "\(types)")
            #expect(try send([rule("a.example", methods: ["POST"])], types: types) == nil)
        }
        var any = json
        any.contentTypes = ["*/*"]
        #expect(try send([any], types: ["image/png"]) == nil)
        // The strictest of all that grant it.
        #expect(try send([any, json], types: ["image/png"]) == .contentTypeNotAllowed)
        // Nothing is sent, so nothing is of the wrong type.
        let engine = engine(allow: [json])
        #expect(code(try ask(engine, "a.example", "POST", "/x")) == nil)
    }

    @Test func theSmallestBodyLimitHolds() throws {
        var small = try rule("a.example", methods: ["POST"])
        small.body = ByteSize(bytes: 100)
        let large = try rule(".example", methods: ["POST"])
        #expect(try send([large], types: [], size: 1000) == nil)
        #expect(try send([large], types: [], size: 1001) == .tooLarge)
        #expect(try send([large, small], types: [], size: 100) == nil)
        #expect(try send([large, small], types: [], size: 101) == .tooLarge)
        // Where the head does not say, the grant tells the reader how much to take.
        #expect(granted(try ask(engine(allow: [small]), "a.example", "POST", "/x"))?.bodyLimit == 100)
    }
}

struct Carriers {
    @Test func whoDeniesWhatAWebSocketBeginsAsDeniesIt() throws {
        func socket(_ deny: [NetworkAccess.Rule]) throws -> Refusal.Code? {
            let engine = engine(allow: [try rule("a.example", methods: ["WEBSOCKET"])], deny: deny)
            return code(try ask(engine, "a.example", "WEBSOCKET", "/") { $0.carrier = "GET" })
        }
        #expect(try socket([]) == nil)
        #expect(try socket([deny("a.example", methods: ["POST"])]) == nil)
        #expect(try socket([deny("a.example", methods: ["GET"])]) == .hostDenied)
        #expect(try socket([deny("a.example", methods: ["WEBSOCKET"])]) == .hostDenied)
        // And a grant to read is no grant of a WebSocket.
        #expect(
            code(try ask(engine(allow: [try rule("a.example")]), "a.example", "WEBSOCKET", "/") { $0.carrier = "GET" })
                == .methodNotAllowed)
    }
}

struct ApprovalTable {
    private enum Answer { case allow, ask, deny }

    private func answer(
        _ mode: Approvals.Mode, _ risk: NetworkAccess.Risk, method: String = "GET", approval: Bool = false,
        at level: NetworkAccess.Risk? = .high
    ) throws -> Answer {
        var rule = try rule("a.example", methods: ["GET", "POST"])
        (rule.risk, rule.needsApproval) = (risk, approval)
        let engine = engine(allow: [rule]) { ($0.approvals.mode, $0.approvals.askAt) = (mode, level) }
        switch try ask(engine, "a.example", method, "/") {
        case .allow: return .allow
        case .ask(_, let refusal):
            #expect(refusal.code == .approvalNeeded && refusal.rule == "allowlist[0]")
            #expect(refusal.told.contains("needs approval, and nobody could be asked"))
            return .ask
        case .deny, .throttle: return .deny
        }
    }

    @Test func modeByRisk() throws {
        for risk in NetworkAccess.Risk.allCases {
            #expect(try answer(.auto, risk) == .allow)
            #expect(try answer(.explore, risk, method: "POST") == .deny)
            #expect(try answer(.explore, risk) == (risk == .high ? .deny : .allow))
            #expect(try answer(.ask, risk) == (risk == .high ? .ask : .allow))
            #expect(try answer(.ask, risk, at: .medium) == (risk == .low ? .allow : .ask))
            #expect(try answer(.ask, risk, at: .low) == .ask)
            #expect(try answer(.ask, risk, at: nil) == .allow)
        }
    }

    @Test func aRuleCanAskInEveryMode() throws {
        for mode in [Approvals.Mode.ask, .auto, .explore] { #expect(try answer(mode, .low, approval: true) == .ask) }
        #expect(try answer(.explore, .low, method: "POST", approval: true) == .deny)
    }

    @Test func theRiskiestRuleCounts() throws {
        var risky = try rule(".example")
        risky.risk = .high
        let both = engine(allow: [try rule("a.example"), risky])
        #expect(code(try ask(both, "a.example", "GET", "/")) == .approvalNeeded)
        // Whoever obeys a refusal and nothing else refuses what should be asked.
        #expect(try ask(both, "a.example", "GET", "/").refusal != nil)
        #expect(code(try ask(engine(allow: [try rule("a.example")]), "a.example", "GET", "/")) == nil)
    }

    @Test func whatIsAskedAboutIsPacedAndCountedLikeTheRest() throws {
        var risky = try rule("a.example")
        risky.risk = .high
        risky.rates.requestsPerMinute = 1
        let engine = engine(allow: [risky])
        var pace = Pace(engine.spec.network)
        func decide() throws -> Decision<RequestGrant> {
            let connection = try dialled("a.example")
            let facts = RequestFacts(connection: connection, authorities: ["a.example"], method: "GET", path: "/")
            return engine.request(facts, on: engine.connection(connection), pace: &pace, at: 0)
        }
        guard case .ask(let grant, _) = try decide() else {
            Issue.record("not asked")
            return
        }
        #expect(grant.ticket != nil && grant.risk == .high)
        guard case .throttle = try decide() else {
            Issue.record("a question is free of the rule's rate")
            return
        }
    }

    @Test func whetherAProfileCanAskAtAll() throws {
        func canAsk(_ change: (inout Spec) -> Void) throws -> Bool {
            var spec = Spec()
            spec.network.allow = [try rule("a.example")]
            change(&spec)
            return spec.canAsk
        }
        #expect(try !canAsk { _ in })
        #expect(try canAsk { $0.network.allow[0].risk = .high })
        #expect(try canAsk { $0.network.allow[0].needsApproval = true })
        #expect(try canAsk { $0.approvals.askAt = .medium })
        #expect(
            try !canAsk {
                $0.network.allow[0].risk = .low; $0.approvals.askAt = .medium
            })
        #expect(
            try canAsk {
                $0.network.allow = []; $0.providers = [ProviderGrant(id: .openai)]; $0.approvals.askAt = .medium
            })
        #expect(
            try !canAsk {
                $0.network.allow[0].risk = .high; $0.approvals.mode = .auto
            })
        #expect(
            try !canAsk {
                $0.network.allow[0].risk = .high; $0.approvals.askAt = nil
            })
    }

    @Test func modelCallsAreReads() throws {
        let exploring = engine(providers: [ProviderGrant(id: .openai)]) { $0.approvals.mode = .explore }
        #expect(code(try ask(exploring, "api.openai.com", "POST", "/v1/chat/completions")) == nil)
    }
}

struct Throttling {
    private func wait(_ decision: Decision<RequestGrant>) -> UInt64? {
        if case .throttle(_, let wait) = decision { wait } else { nil }
    }

    @Test func requestsOfTheSessionAndOfTheRule() throws {
        var slow = try rule("a.example")
        slow.rates.requestsPerMinute = 2
        let engine = engine(allow: [slow, try rule("b.example")]) { $0.network.limits.rates.requestsPerMinute = 4 }
        var pace = Pace(engine.spec.network)
        for _ in 0..<2 { #expect(code(try ask(engine, "a.example", "GET", "/", &pace, at: 0)) == nil) }
        let third = try ask(engine, "a.example", "GET", "/", &pace, at: second)
        #expect(wait(third) == 60 * second && third.refusal?.rule == "allowlist[0].limits.requests_per_minute")
        // Others have the session's; what is refused counts there too.
        #expect(code(try ask(engine, "b.example", "PUT", "/", &pace, at: second)) == .methodNotAllowed)
        #expect(code(try ask(engine, "b.example", "GET", "/", &pace, at: second)) == .rateLimited)
        #expect(code(try ask(engine, "b.example", "GET", "/", &pace, at: 61 * second)) == nil)
    }

    @Test func bytesHoldBackTheNextRequest() throws {
        let engine = engine(allow: [try rule("a.example")]) {
            $0.network.limits.rates.bytesPerMinute = ByteSize(bytes: 1000)
            $0.network.limits.rates.bandwidth = ByteRate(bytesPerSecond: 400)
        }
        var pace = Pace(engine.spec.network)
        let grant = try #require(granted(try ask(engine, "a.example", "GET", "/", &pace, at: 0)))
        // A burst of a quarter of a second is free, the rest of the read is waited for.
        #expect(pace.passed(500, grant.paced, at: 0) == second)
        #expect(pace.passed(499, grant.paced, at: 10 * second) > 0)
        #expect(code(try ask(engine, "a.example", "GET", "/", &pace, at: 11 * second)) == nil)
        #expect(pace.passed(1, grant.paced, at: 12 * second) == 49 * second)
        let held = try ask(engine, "a.example", "GET", "/", &pace, at: 12 * second)
        #expect(wait(held) == 49 * second && held.refusal?.rule == "limits.bytes_per_minute")
    }

    @Test func tooManyConnections() throws {
        let engine = engine(allow: [try rule("a.example")]) { $0.network.limits.connections = 2 }
        #expect(code(try ask(engine, "a.example", "GET", "/") { $0.connections = 2 }) == nil)
        #expect(wait(try ask(engine, "a.example", "GET", "/") { $0.connections = 3 }) != nil)
    }

    @Test func oneRequestOnEachConnectionIsServedWhateverOthersDo() throws {
        // Three quarters as many requests on connections that are busy already; one on each whatever others do.
        let wide = engine(allow: [try rule("a.example")]) { $0.network.limits.connections = 8 }
        #expect(code(try ask(wide, "a.example", "GET", "/") { ($0.underWay, $0.beside) = (5, 5) }) == nil)
        #expect(wait(try ask(wide, "a.example", "GET", "/") { ($0.underWay, $0.beside) = (6, 1) }) != nil)
        #expect(code(try ask(wide, "a.example", "GET", "/") { ($0.underWay, $0.beside) = (500, 0) }) == nil)
    }

    @Test func aHostThatFailsIsLeftAlone() throws {
        let engine = engine(allow: [try rule("a.example"), try rule("b.example")]) { $0.network.limits.breaker?.failures = 2 }
        var pace = Pace(engine.spec.network)
        for _ in 0..<2 {
            let grant = try #require(granted(try ask(engine, "a.example", "GET", "/", &pace, at: 0)))
            pace.ended(try #require(grant.ticket), host: try host("a.example"), .failed, at: 0)
        }
        let open = try ask(engine, "a.example", "GET", "/", &pace, at: second)
        #expect(code(open) == .circuitOpen && wait(open) == 29 * second)
        #expect(code(try ask(engine, "b.example", "GET", "/", &pace, at: second)) == nil)
        #expect(code(try ask(engine, "a.example", "GET", "/", &pace, at: 30 * second)) == nil)
        let without = PolicyTests.engine(allow: [try rule("a.example")]) { $0.network.limits.breaker = nil }
        var other = Pace(without.spec.network)
        #expect(granted(try ask(without, "a.example", "GET", "/", &other, at: 0))?.ticket == nil)
    }

    @Test func namesMadeUpWithoutEndAreNotRememberedForEver() throws {
        let engine = engine(allow: [try rule(".example"), try rule("a.bad")]) { $0.network.limits.breaker?.failures = 1 }
        var pace = Pace(engine.spec.network)
        let failing = try #require(granted(try ask(engine, "a.bad", "GET", "/", &pace, at: 0)))
        pace.ended(try #require(failing.ticket), host: try host("a.bad"), .failed, at: 0)
        for number in 0..<3000 { _ = try ask(engine, "h\(number).example", "GET", "/", &pace, at: 0) }
        #expect(pace.knownHosts <= 1024)
        #expect(code(try ask(engine, "a.bad", "GET", "/", &pace, at: second)) == .circuitOpen)
    }
}
