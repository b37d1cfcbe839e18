// RawTests: connections that go on unread: what is logged, what is counted, what ends them, and what does not begin.

import Events
import Glibc
import JSONBytes
import NIOHTTP1
import NIOPosix
import Profile
import Testing
import Vocabulary
import Wire

@testable import Egress

@Suite struct RawTests {
    static let db = "files.example"
    static let port: UInt16 = 5432

    /// A harness whose profile has one raw endpoint, and the server behind it.
    private func place(
        greeting: String = "", echoes: Bool = false, farewell: Int = 0, reads: Bool = true, change: (inout Spec) -> Void = { _ in }
    ) throws -> (Harness, RawServer) {
        let place = try #require(NetworkAccess.Endpoint.Place(Self.db))
        let name = try #require(HostName(Self.db))
        let server = try RawServer(
            group: MultiThreadedEventLoopGroup.singleton, greeting: greeting, echoes: echoes, farewell: farewell,
            reads: reads)
        let harness = try Harness({ spec in
            spec.network.allow = []
            spec.network.tcp = [.init(place: place, port: Self.port)]
            spec.network.resolve[name] = .init(address: .v4(0x7f00_0001), port: server.port)
            change(&spec)
        }) { _ in .init(["{}"]) }
        return (harness, server)
    }

    private func connect(_ harness: Harness, reads: Bool = true) throws -> Client {
        try harness.raw(address: #require(harness.resolve(Self.db)), port: Self.port, staysHalfOpen: true, reads: reads)
    }

    /// Closed at once: perhaps before the client has noticed that it was connected.
    private func isTurnedAway(_ harness: Harness) -> Bool { (try? connect(harness))?.waitForClose() ?? true }

    private func outcome(_ harness: Harness) throws -> JSONValue {
        try #require(harness.supervisor.waitForRecords(.requestOutcome, count: 1)?.first)
    }

    private func wait(_ what: () -> Bool) -> Bool {
        for _ in 0..<2000 {
            if what() { return true }
            usleep(5000)
        }
        return false
    }

    @Test func aServerThatSpeaksFirstIsHeard() throws {
        let (harness, server) = try place(greeting: "220 ready\r\n", echoes: true)
        defer { harness.end() }
        let client = try connect(harness)
        #expect(client.wait { $0 == "220 ready\r\n" } == "220 ready\r\n")
        client.send("mail jane.doe@example.com")
        #expect(client.wait { $0.hasSuffix(".com") }.hasSuffix("jane.doe@example.com"))
        client.endOutput()
        #expect(wait { client.sawEnd || client.isClosed })
        client.close()
        let intent = try #require(harness.supervisor.records(.requestIntent).first)
        #expect(intent["marks"]?.elements?.compactMap(\.stringValue) == ["unredacted"])
        #expect(intent["method"]?.stringValue == "TCP" && intent["rule"]?.stringValue == "tcp[0]")
        #expect(intent["host"]?.stringValue == Self.db && intent["port"]?.intValue == 5432)
        let outcome = try outcome(harness)
        #expect(outcome["bytes_out"]?.intValue == 25 && outcome["bytes_in"]?.intValue == 36)
        #expect(outcome["cut"] == nil && server.now.ended == 1)
        #expect(harness.supervisor.violation == nil)
    }

    /// The client's end of file goes through, and the answer that comes after it is whole.
    @Test func anEndOfOneDirectionLeavesTheOtherOpen() throws {
        let (harness, server) = try place(farewell: 3_000_000)
        defer { harness.end() }
        let client = try connect(harness)
        client.send("question")
        client.endOutput()
        #expect(wait { client.sawEnd || client.isClosed })
        #expect(client.bytes.count == 3_000_000)
        #expect(server.now.text == "question" && server.now.broken == 0)
        #expect(try outcome(harness)["cut"] == nil)
    }

    @Test func nothingLeavesBeforeItIsInTheLog() throws {
        let (harness, server) = try place(greeting: "hello")
        defer { harness.end() }
        harness.supervisor.change { $0.holds = true }
        let client = try connect(harness)
        client.send("early")
        let id = try #require(harness.supervisor.wait { $0.held.first })
        #expect(server.now.connections == 0)
        harness.supervisor.say(.admitted(id: id))
        #expect(wait { server.now.text == "early" })
        #expect(client.wait { $0 == "hello" } == "hello")
        client.close()
        _ = try outcome(harness)
    }

    @Test func whatIsNotAdmittedIsNotDialled() throws {
        let (harness, server) = try place()
        defer { harness.end() }
        harness.supervisor.change { $0.refuses = (.budgetExceeded, "no money") }
        #expect(isTurnedAway(harness))
        let refused = try #require(harness.supervisor.waitForRecords(.connectionRefused, count: 1)?.first)
        #expect(refused["code"]?.stringValue == "budget_exceeded")
        #expect(server.now.connections == 0 && harness.supervisor.records(.requestOutcome).isEmpty)
    }

    /// An agent that hangs up while it is asked for leaves an intent, and its outcome.
    @Test func anAgentThatIsGoneAtTheAnswerIsSettled() throws {
        let (harness, server) = try place()
        defer { harness.end() }
        harness.supervisor.change { $0.holds = true }
        let client = try connect(harness)
        let id = try #require(harness.supervisor.wait { $0.held.first })
        harness.supervisor.say(.stop(why: .stopping, told: "over"))
        #expect(client.waitForClose())
        harness.supervisor.say(.admitted(id: id))
        _ = try outcome(harness)
        #expect(server.now.connections == 0)
    }

    @Test func otherPortsAndHostsStayClosed() throws {
        let (harness, server) = try place(greeting: "hello")
        defer { harness.end() }
        for (name, port) in [(Self.db, UInt16(5433)), ("evil.example", Self.port)] {
            let client = try harness.raw(name, port: port)
            client.send([0, 0, 0, 8, 4, 210, 22, 47])
            #expect(client.waitForClose() && client.bytes.isEmpty)
        }
        let codes = try #require(harness.supervisor.waitForRecords(.connectionRefused, count: 2)).map { $0["code"]?.stringValue }
        #expect(codes == ["not_http", "not_http"] && server.now.connections == 0)
    }

    @Test func aServiceOfTheHostIsReachedByLocalhost() throws {
        let server = try RawServer(group: MultiThreadedEventLoopGroup.singleton, greeting: "hello")
        let harness = try Harness({ $0.network.tcp = [.init(place: .localhost, port: server.port)] }) { _ in .init(["{}"]) }
        defer { harness.end() }
        for address in NetworkAccess.Endpoint.Place.own {
            let client = try harness.raw(address: address, port: server.port)
            #expect(client.wait { $0 == "hello" } == "hello")
            client.close()
        }
        let other = try harness.raw(address: .v4(0x7f00_0001), port: server.port &+ 1)
        other.send([0, 0, 0, 8])
        #expect(other.waitForClose() && other.bytes.isEmpty)
        #expect(server.now.connections == 2)
        #expect(harness.supervisor.records(.requestIntent).map { $0["host"]?.stringValue } == ["localhost", "localhost"])
    }

    /// A slow host slows the agent down; nothing is heaped up in between, and nothing is lost.
    @Test func aSlowHostHoldsTheAgent() throws {
        let (harness, server) = try place(reads: false)
        defer { harness.end() }
        let client = try connect(harness)
        let size = 64 << 20
        client.send([UInt8](repeating: 0x61, count: size))
        client.endOutput()
        func sent() -> UInt64 { totals(harness)?.bytesOut ?? 0 }
        var last: UInt64 = 0
        var calm = 0
        while calm < 40 {
            let now = sent()
            calm = now == last && now > 0 ? calm + 1 : 0
            last = now
            usleep(10_000)
        }
        #expect(last < 32 << 20, "\(last) bytes went into a host that reads nothing")
        server.read()
        #expect(wait { server.now.ended == 1 })
        #expect(server.now.bytes == size)
    }

    private func totals(_ harness: Harness) -> EgressTotals? {
        harness.supervisor.wait { seen in
            seen.messages.reversed().lazy.compactMap { if case .totals(let totals) = $0 { totals } else { nil } }.first
        }
    }

    /// Sends until egress takes no more, because the other side reads nothing; what is under way then fits in its socket.
    /// - Returns: how much was sent.
    private func fill(_ harness: Harness, _ direction: KeyPath<EgressTotals, UInt64>, _ send: ([UInt8]) -> Void) -> Int {
        var sent = 0
        while true {
            send([UInt8](repeating: 0x61, count: 65_536))
            sent += 65_536
            var calm = 0
            while (totals(harness)?[keyPath: direction] ?? 0) < UInt64(sent) {
                calm += 1
                if calm == 100 { return sent }
                usleep(5000)
            }
        }
    }

    /// Both sides have said their end, and the host still reads: it gets everything.
    @Test func aSlowHostThatHasSaidItsEndGetsTheRest() throws {
        let (harness, server) = try place(reads: false)
        defer { harness.end() }
        let client = try connect(harness)
        #expect(wait { server.now.connections == 1 })
        let size = fill(harness, \.bytesOut) { client.send($0) }
        client.endOutput()
        #expect(wait { totals(harness)?.bytesOut == UInt64(size) })
        try server.endOutput()
        server.read()
        #expect(wait { server.now.ended + server.now.broken == 1 })
        #expect(server.now.bytes == size && server.now.broken == 0)
        #expect(try outcome(harness)["cut"] == nil)
        #expect(wait { client.isClosed } && client.error == nil)
    }

    /// The same of a slow agent.
    @Test func aSlowAgentThatHasSaidItsEndGetsTheRest() throws {
        let (harness, server) = try place()
        defer { harness.end() }
        let client = try connect(harness, reads: false)
        #expect(wait { server.now.connections == 1 })
        let size = fill(harness, \.bytesIn) { server.say($0) }
        try server.endOutput()
        #expect(wait { totals(harness)?.bytesIn == UInt64(size) })
        client.endOutput()
        client.read()
        #expect(wait { client.isClosed })
        #expect(wait { server.now.ended + server.now.broken == 1 })
        #expect(client.bytes.count == size && client.error == nil)
        #expect(server.now.broken == 0)
        #expect(try outcome(harness)["cut"] == nil)
    }

    @Test(arguments: ["ended", "refused", "cut"]) func nothingIsKeptOfAConnectionThatIsOver(_ how: String) throws {
        let (harness, _) = try place(greeting: "hello")
        defer { harness.end() }
        harness.supervisor.change { $0.holds = true }
        let client = try connect(harness)
        let id = try #require(harness.supervisor.wait { $0.held.first })
        let kept = try harness.watchConnections()
        #expect(kept() == 1)
        if how == "refused" {
            harness.supervisor.say(.refused(id: id, why: .budgetExceeded, told: "no money"))
        } else {
            harness.supervisor.say(.admitted(id: id))
            client.wait { $0 == "hello" }
            if how == "ended" { client.endOutput() } else { harness.supervisor.say(.stop(why: .budgetExceeded, told: "over")) }
        }
        #expect(wait { client.isClosed || client.sawEnd })
        client.close()
        #expect(wait { kept() == 0 })
    }

    @Test func aSilentConnectionEnds() throws {
        for key in ["idle_timeout", "request_timeout"] {
            let (harness, server) = try place {
                let short = TimeSpan(milliseconds: 100)
                if key == "idle_timeout" { $0.network.limits.idleTimeout = short } else { $0.network.limits.requestTimeout = short }
            }
            defer { harness.end() }
            let client = try connect(harness)
            #expect(client.waitForClose())
            #expect(try outcome(harness)["cut"]?.stringValue == key)
            #expect(wait { server.now.broken == 1 })
        }
    }

    @Test func aStopCutsAtOnce() throws {
        let (harness, server) = try place(greeting: "hello", echoes: true)
        defer { harness.end() }
        let client = try connect(harness)
        client.wait { $0 == "hello" }
        harness.supervisor.say(.stop(why: .budgetExceeded, told: "over"))
        #expect(client.waitForClose())
        #expect(try outcome(harness)["cut"]?.stringValue == "stopped")
        #expect(wait { server.now.broken == 1 })
        #expect(isTurnedAway(harness) && server.now.connections == 1)
    }

    @Test func aHostThatBreaksOffIsNoWholeAnswer() throws {
        let (harness, server) = try place(greeting: "hello")
        defer { harness.end() }
        let client = try connect(harness)
        client.wait { $0 == "hello" }
        client.close()
        #expect(wait { server.now.ended + server.now.broken == 1 })
        _ = try outcome(harness)
        let other = try place()
        defer { other.0.end() }
        let refusing = try connect(other.0)
        #expect(wait { other.1.now.connections == 1 })
        refusing.send("x")
        other.1.reset()
        #expect(wait { refusing.sawEnd || refusing.isClosed })
    }

    @Test func ratesAndNumbersHoldHereToo() throws {
        let (harness, server) = try place(greeting: String(repeating: "g", count: 2000)) {
            $0.network.limits.rates.bytesPerMinute = ByteSize(bytes: 1000)
            $0.network.limits.connections = 1
        }
        defer { harness.end() }
        let client = try connect(harness)
        client.wait { $0.utf8.count == 2000 }
        // The minute is used up: what the agent says now is not read, and another connection does not begin.
        client.send("later")
        #expect(isTurnedAway(harness))
        let refused = try #require(harness.supervisor.waitForRecords(.connectionRefused, count: 1)?.first)
        #expect(refused["code"]?.stringValue == "rate_limited")
        harness.supervisor.say(.stop(why: .stopping, told: "over"))
        #expect(try outcome(harness)["bytes_out"]?.intValue == 0)
        #expect(server.now.bytes == 0 && server.now.connections == 1)
    }

    /// A pinned client sees the host's own certificate; its requests are the host's alone.
    @Test func tlsIsPassedThroughUnread() throws {
        let pinned = NetworkAccess.Rule(host: try #require(HostPattern(Self.db)), tls: .passthrough)
        let harness = try Harness({ $0.network.allow = [pinned] }) { _ in .init(["{\"mail\":\"jane.doe@example.com\"}"]) }
        defer { harness.end() }
        let client = try harness.untrusting(Self.db)
        client.send("DELETE /x HTTP/1.1\r\nhost: elsewhere.example\r\nx-mail: jane.doe@example.com\r\n\r\n")
        #expect(client.wait(Answer.isWhole).contains("jane.doe@example.com"))
        client.close()
        #expect(harness.upstream.requests.map(\.head.uri) == ["/x"])
        let intent = try #require(harness.supervisor.records(.requestIntent).first)
        #expect(intent["method"]?.stringValue == "TLS" && intent["rule"]?.stringValue == "allowlist[0]")
        #expect(intent["marks"]?.elements?.compactMap(\.stringValue) == ["unredacted"])
        #expect(try outcome(harness)["bytes_out"]?.intValue ?? 0 > 300)
    }

    @Test func otherNamesAndNoNameAreNotPassedThrough() throws {
        let pinned = NetworkAccess.Rule(host: try #require(HostPattern(Self.db)), tls: .passthrough)
        let harness = try Harness({ $0.network.allow = [pinned] }) { _ in .init(["{}"]) }
        defer { harness.end() }
        let foreign = try harness.untrusting(Self.db, sni: "evil.example")
        #expect(foreign.wait { _ in foreign.error != nil }.isEmpty && foreign.error?.contains("CERTIFICATE") == true)
        let address = try #require(harness.resolve(Self.db))
        let other = try harness.connect(address: address, sni: "evil.example")
        other.send("GET /x HTTP/1.1\r\nhost: \(Self.db)\r\n\r\n")
        #expect(Answer.status(other.wait(Answer.isWhole)) == 421, "\(other.text)")
        other.close()
        let silent = try harness.connect(address: address, sni: nil)
        #expect(silent.waitForClose())
        #expect(harness.upstream.requests.isEmpty && harness.supervisor.records(.requestIntent).isEmpty)
    }
}
