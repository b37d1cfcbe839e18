// The way out by the operator's proxy: what it is asked, what its answers become, and what it is never told.

import Events
import JSONBytes
import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP1
import NIOSSL
import Policy
import Profile
import Testing
import Vocabulary

@testable import Egress

@Suite struct UpstreamProxyTests {
    private static let host = "files.example"
    private static let get = "GET /x HTTP/1.1\r\nhost: files.example\r\n\r\n"

    private struct Ground {
        let proxy: ConnectProxy
        let harness: Harness

        func end() {
            harness.end()
            proxy.end()
        }
    }

    private func ground(
        _ proxy: ConnectProxy, place: String = "127.0.0.1", user: String = "", scheme: String = "http", password: String? = nil,
        known: [String: String] = [:], roots: [String] = [], except: [String] = [],
        _ change: @escaping (inout Spec) -> Void = { _ in }
    ) throws -> Ground {
        var road = try UpstreamProxy(url: "\(scheme)://\(user)\(place):\(proxy.port)")
        road.except = except.compactMap { HostPattern($0) }
        var hosts: [HostName: [IPAddress]] = [:]
        for (name, address) in known { hosts[try #require(HostName(name))] = [try #require(IPAddress(address))] }
        let files = try #require(HostName(Self.host))
        let harness = try Harness(
            { spec in
                spec.network.resolve[files] = nil
                spec.network.upstreamProxy = road
                change(&spec)
            }, known: hosts, roots: roots, proxyPassword: password
        ) { _ in .init(["{}"]) }
        proxy.lead(to: harness.upstream.port)
        return Ground(proxy: proxy, harness: harness)
    }

    private func outcome(_ ground: Ground) throws -> JSONValue {
        try #require(ground.harness.supervisor.waitForRecords(.requestOutcome, count: 1)?.first)
    }

    @Test func aRequestGoesThroughAndIsVerifiedAsTheHost() throws {
        let ground = try ground(try ConnectProxy(), user: "jane%40corp@", password: "pass-word")
        defer { ground.end() }
        #expect(Answer.status(try ground.harness.exchange(Self.host, Self.get)) == 200)
        // The second takes the same tunnel.
        #expect(Answer.status(try ground.harness.exchange(Self.host, Self.get)) == 200)
        let login = Base64.encode(Array("jane@corp:pass-word".utf8))
        #expect(
            ground.proxy.asked == [
                "CONNECT files.example:443 HTTP/1.1\r\nHost: files.example:443\r\nProxy-Authorization: Basic \(login)\r\n\r\n"
            ])
        #expect(try outcome(ground)["via"]?.stringValue == "proxy_names")
        // The login ends at the proxy.
        let sent = try #require(ground.harness.upstream.requests.first).head
        #expect(!sent.headers.contains { $0.value.contains(login) || $0.name.lowercased().hasPrefix("proxy-") })
    }

    @Test func httpTwoGoesThroughOneTunnel() throws {
        let ground = try ground(try ConnectProxy())
        defer { ground.end() }
        let client = try ground.harness.connectHTTP2(Self.host)
        let statuses = try (0..<3).map { _ in try client.get(Self.host, "/x").wait().heads.last?.first(name: ":status") }
        #expect(statuses == ["200", "200", "200"])
        #expect(ground.proxy.asked.count == 1)
        #expect(ground.harness.upstream.requests.allSatisfy { $0.head.version == .http2 })
    }

    static let refusals: [(String, String, String)] = [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "upstream_proxy", "does not let this through"),
        ("HTTP/1.1 403 Forbidden\r\n\r\njane:pass-word", "upstream_proxy", "does not let this through"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "upstream_unreachable", "the host could not be reached"),
        ("HTTP/1.1 200 OK\r\n\r\nearly", "upstream_proxy", "does not let this through"),
        ("SSH-2.0-x\r\n\r\n", "upstream_proxy", "does not let this through"),
    ]

    @Test(arguments: refusals) func aNoIsSaidInOurWords(_ answer: String, _ code: String, _ words: String) throws {
        let ground = try ground(try ConnectProxy(answer: answer), user: "jane@", password: "pass-word")
        defer { ground.end() }
        let text = try ground.harness.exchange(
            Self.host, "GET /x HTTP/1.1\r\nhost: files.example\r\naccept: application/json\r\n\r\n")
        #expect(Answer.status(text) == 502)
        #expect(text.contains(code) && text.contains(words), "\(text)")
        #expect(ground.harness.upstream.requests.isEmpty)
        let record = String(decoding: try outcome(ground).canonical(), as: UTF8.self)
        #expect(record.contains(#""code":"\#(code)""#) && record.contains("the upstream proxy"), "\(record)")
        for secret in ["pass-word", Base64.encode(Array("jane:pass-word".utf8))] {
            #expect(!text.contains(secret) && !record.contains(secret))
        }
    }

    @Test func aProxyThatIsNotThereIsNamed() throws {
        let proxy = try ConnectProxy()
        let ground = try ground(proxy)
        proxy.end()
        defer { ground.harness.end() }
        let text = try ground.harness.exchange(Self.host, Self.get)
        #expect(text.contains("upstream proxy"), "\(text)")
        #expect(
            try #require(ground.harness.supervisor.waitForRecords(.requestOutcome, count: 1)?.first)["cut"]?.stringValue
                == "not_sent")
    }

    @Test(arguments: ["10.0.0.1", "169.254.169.254", "127.0.0.1"])
    func anAddressThatTheHostKnowsIsStillChecked(_ address: String) throws {
        let ground = try ground(try ConnectProxy(), known: [Self.host: address])
        defer { ground.end() }
        let text = try ground.harness.exchange(Self.host, Self.get)
        #expect(text.contains("leads to an address that is not allowed"), "\(text)")
        #expect(ground.proxy.asked.isEmpty)
    }

    @Test func anAddressThatIsAllowedIsAskedForByName() throws {
        let ground = try ground(try ConnectProxy(), known: [Self.host: "93.184.215.14"])
        defer { ground.end() }
        #expect(Answer.status(try ground.harness.exchange(Self.host, Self.get)) == 200)
        #expect(ground.proxy.asked.count == 1)
        #expect(try outcome(ground)["via"]?.stringValue == "proxy")
    }

    @Test func exceptionsAndResolvedNamesAreDialled() throws {
        let excepted = try ground(try ConnectProxy(), known: [Self.host: "127.0.0.1"], except: [".example"])
        defer { excepted.end() }
        // Straight to port 443 of loopback, which is refused as an address: the proxy is not asked.
        #expect(try excepted.harness.exchange(Self.host, Self.get).contains("not allowed"))
        let files = try #require(HostName(Self.host))
        let resolved = try ground(try ConnectProxy())
        defer { resolved.end() }
        let other = ProxyTests.post(
            "/v1/chat/completions", host: Harness.openai, #"{"model":"gpt-4o","messages":[],"max_tokens":5}"#)
        _ = try resolved.harness.exchange(Harness.openai, other)
        #expect(resolved.harness.upstream.requests.count == 1)
        #expect(try outcome(resolved)["via"] == nil)
        #expect(excepted.proxy.asked.isEmpty && resolved.proxy.asked.isEmpty && files.text == Self.host)
    }

    @Test func theProxyMayBeAskedOverTLS() throws {
        let name = try #require(HostName("proxy.example"))
        let authority = try SessionAuthority()
        let context = try authority.serverContext(for: .name(name), protocols: ["http/1.1"])
        let roots = [String(decoding: authority.pem, as: UTF8.self)]
        let known = ["proxy.example": "127.0.0.1"]
        let trusted = try ground(
            try ConnectProxy(tls: context), place: "proxy.example", scheme: "https", known: known, roots: roots)
        defer { trusted.end() }
        #expect(Answer.status(try trusted.harness.exchange(Self.host, Self.get)) == 200)
        let foreign = try ground(try ConnectProxy(tls: context), place: "proxy.example", user: "u@", scheme: "https", known: known)
        defer { foreign.end() }
        #expect(try foreign.harness.exchange(Self.host, Self.get).contains("upstream proxy"))
        #expect(foreign.proxy.asked.isEmpty)
    }

    /// Only an answer that there is no address lets the proxy resolve the name, and only that is remembered.
    @Test func aResolverThatFailsIsNotOneThatKnowsNone() throws {
        let proxy = try UpstreamProxy(url: "http://127.0.0.1:3128")
        var spec = Spec()
        spec.network.upstreamProxy = proxy
        spec.network.allow = [.init(host: try #require(HostPattern(Self.host)))]
        let policy = PolicyEngine(spec: spec)
        let host = try #require(HostName(Self.host))
        let facts = ConnectionFacts(address: .v4(0x0a00_0001), port: 443, name: host, spoken: host, isTLS: true)
        let grant = try #require(policy.connection(facts).grant)
        let loop = EmbeddedEventLoop()
        var asked = 0
        var answer = LookupFailure(0)
        let lookup: (HostName, @escaping LookupReply) -> Void = { _, reply in
            asked += 1
            reply(.failure(answer))
        }
        let road = ProxyRoad(proxy, password: { "" }, hosts: [:], loop: loop, lookup: lookup)
        let routes = Routes(loop: loop, policy: policy, hosts: [:], proxy: road, lookup: lookup)
        func find() throws -> Result<Route, UpstreamFailure> {
            var found: Result<Route, UpstreamFailure>?
            routes.find(grant) { found = $0 }
            loop.run()
            return try #require(found)
        }
        // c-ares: no time left, a server's failure, a server's refusal.
        for code: Int32 in [12, 3, 6] {
            answer = LookupFailure(code)
            let failure = try #require(throws: UpstreamFailure.self) { try find().get() }
            #expect(failure.code == .resolveFailed && failure.reason.contains("upstream_proxy is not asked"), "\(failure.reason)")
        }
        #expect(asked == 3)
        // No such name.
        answer = LookupFailure(4)
        for _ in 0..<2 { #expect(try find().get().road == .proxyNames) }
        #expect(asked == 4)
    }

    @Test func aProxyThatAnswersAsTheHostIsNotBelieved() throws {
        let ground = try ground(try ConnectProxy())
        defer { ground.end() }
        // The tunnel leads to a server whose certificate nobody trusts.
        let impostor = try Upstream(group: ground.proxy.group, names: [try #require(HostName(Self.host))]) { _ in .init(["{}"]) }
        ground.proxy.lead(to: impostor.port)
        let text = try ground.harness.exchange(Self.host, Self.get)
        #expect(text.contains("certificate could not be verified"), "\(text)")
        #expect(impostor.requests.isEmpty)
        try impostor.channel.close().wait()
    }
}
