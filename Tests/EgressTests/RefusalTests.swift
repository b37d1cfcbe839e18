// What is refused, how the agent reads it, what the log says, and that nothing of it left.

import Events
import Glibc
import JSONBytes
import NIOHTTP1
import Profile
import Testing
import Vocabulary
import Wire

@testable import Egress

@Suite struct RefusalTests {
    private func harness(_ change: (inout Spec) -> Void = { _ in }, trusted: Bool = true) throws -> Harness {
        try Harness(change, trusted: trusted) { _ in .init([ProxyTests.completion]) }
    }

    @Test func aHostNoRuleNamesIsExplained() throws {
        let harness = try harness()
        defer { harness.end() }
        let text = try harness.exchange("evil.example", "GET / HTTP/1.1\r\nhost: evil.example\r\n\r\n")
        #expect(Answer.status(text) == 403)
        #expect(text.contains("evil.example") && text.contains("harness") && text.contains("Ask the operator"))
        let record = try #require(harness.supervisor.waitForRecords(.requestRefused, count: 1)?.first)
        #expect(record["code"]?.stringValue == "host_not_allowed" && record["host"]?.stringValue == "evil.example")
        #expect(harness.upstream.requests.isEmpty)
    }

    @Test func aBareAddressIsReadableThroughTLS() throws {
        let harness = try harness()
        defer { harness.end() }
        let address = try #require(IPAddress("93.184.216.34"))
        let client = try harness.connect(address: address, sni: "93.example")
        client.send("GET / HTTP/1.1\r\nhost: 93.184.216.34\r\n\r\n")
        let text = client.wait(Answer.isWhole)
        client.close()
        #expect(Answer.status(text) == 403 && text.contains("bare addresses"))
        #expect(harness.supervisor.waitForRecords(.requestRefused, count: 1)?.first?["code"]?.stringValue == "raw_address")
    }

    @Test func plainHTTPIsExplained() throws {
        let harness = try harness()
        defer { harness.end() }
        let client = try harness.raw(port: 80)
        client.send("GET /v1/models HTTP/1.1\r\nHost: api.openai.com\r\n\r\n")
        let text = client.wait(Answer.isWhole)
        #expect((400..<500).contains(Answer.status(text)) && text.contains("https") && text.contains("api.openai.com"))
        #expect(harness.supervisor.waitForRecords(.requestRefused, count: 1)?.first?["code"]?.stringValue == "plain_http")
    }

    @Test func addressNameAndHostMustAgree() throws {
        let harness = try harness()
        defer { harness.end() }
        let address = try #require(harness.resolve("files.example"))
        let lied = try harness.connect(address: address, sni: Harness.openai)
        lied.send("GET /v1/models HTTP/1.1\r\nhost: api.openai.com\r\n\r\n")
        #expect(Answer.status(lied.wait(Answer.isWhole)) == 421)
        let fronted = try harness.exchange("files.example", "GET / HTTP/1.1\r\nhost: api.openai.com\r\n\r\n")
        #expect(Answer.status(fronted) == 421)
        let raw = try harness.exchange("files.example", "GET / HTTP/1.1\r\nhost: bücher.example\r\n\r\n")
        #expect((400..<500).contains(Answer.status(raw)), "\(raw)")
        #expect(harness.upstream.requests.isEmpty)
        #expect(harness.supervisor.waitForRecords(.requestRefused, count: 2) != nil)
    }

    @Test func sensitiveURLsAreBlockedAndNotRecorded() throws {
        let harness = try harness()
        defer { harness.end() }
        let text = try harness.exchange(
            "files.example", "GET /q?mail=jane.doe%40example.com HTTP/1.1\r\nhost: files.example\r\n\r\n")
        #expect(Answer.status(text) == 403 && text.contains("EMAIL"))
        let record = try #require(harness.supervisor.waitForRecords(.requestRefused, count: 1)?.first)
        #expect(record["findings"]?["EMAIL"]?.intValue == 1)
        #expect(!String(decoding: record.canonical(), as: UTF8.self).contains("jane"))
        #expect(harness.upstream.requests.isEmpty)
    }

    @Test func unknownModelsAndRepeatedKeysAreRefusedInTheProvidersShape() throws {
        let harness = try harness()
        defer { harness.end() }
        let unknown = ProxyTests.post("/v1/chat/completions", host: Harness.openai, #"{"model":"totally-unknown-9","messages":[]}"#)
        let text = try harness.exchange(Harness.openai, unknown)
        #expect(Answer.status(text) == 400 && text.contains("totally-unknown-9") && text.contains("x-should-retry: false"))
        let twice = ProxyTests.post(
            "/v1/chat/completions", host: Harness.openai, #"{"model":"gpt-4o","messages":[],"model":"gpt-4"}"#)
        #expect(Answer.status(try harness.exchange(Harness.openai, twice)) == 400)
        #expect(harness.upstream.requests.isEmpty)
    }

    @Test func theSupervisorsRefusalIsShapedForTheClient() throws {
        let harness = try harness()
        defer { harness.end() }
        harness.supervisor.change { $0.refuses = (.budgetExceeded, "akios-exec: the budget is used up") }
        let text = try harness.exchange(Harness.openai, ProxyTests.chat("x"))
        #expect(Answer.status(text) == 400 && text.contains("akios_budget_exceeded") && text.contains("the budget is used up"))
        #expect(harness.upstream.requests.isEmpty)
        #expect(harness.supervisor.settlements.isEmpty)
    }

    @Test func nothingLeavesBeforeItIsAdmitted() throws {
        let harness = try harness()
        defer { harness.end() }
        harness.supervisor.change { $0.holds = true }
        let client = try harness.connect(Harness.openai)
        client.send(ProxyTests.chat("x"))
        let id = try #require(harness.supervisor.wait { $0.held.first })
        #expect(harness.upstream.requests.isEmpty)
        harness.supervisor.say(.admitted(id: id))
        #expect(Answer.status(client.wait(Answer.isWhole)) == 200)
        client.close()
    }

    @Test func anUnverifiedUpstreamGetsNothing() throws {
        let harness = try harness(trusted: false)
        defer { harness.end() }
        let text = try harness.exchange("files.example", "GET /x HTTP/1.1\r\nhost: files.example\r\n\r\n")
        #expect(Answer.status(text) == 502 && text.contains("certificate"))
        #expect(harness.upstream.requests.isEmpty)
        let outcome = try #require(harness.supervisor.waitForRecords(.requestOutcome, count: 1)?.first)
        #expect(outcome["cut"]?.stringValue == "not_sent")
    }

    @Test func unreadableAndBinaryBodiesAreRefused() throws {
        let harness = try harness()
        defer { harness.end() }
        let packed = "POST /x HTTP/1.1\r\nhost: files.example\r\ncontent-encoding: compress\r\ncontent-length: 3\r\n\r\nabc"
        #expect(Answer.status(try harness.exchange("files.example", packed)) == 415)
        let binary = "POST /x HTTP/1.1\r\nhost: files.example\r\ncontent-type: image/png\r\ncontent-length: 3\r\n\r\na\u{0}c"
        #expect(Answer.status(try harness.exchange("files.example", binary)) == 403)
        #expect(harness.upstream.requests.isEmpty)
    }

    @Test func tooManyConnectionsAndRequestsAreToldToWait() throws {
        let full = try harness { $0.network.limits.connections = 1 }
        defer { full.end() }
        let first = try full.connect("files.example")
        let text = try full.exchange("files.example", "GET /x HTTP/1.1\r\nhost: files.example\r\n\r\n")
        first.close()
        #expect(Answer.status(text) == 429 && text.contains("too many connections") && text.contains("retry-after: "))
        let busy = try harness { $0.network.limits.rates.requestsPerMinute = 1 }
        defer { busy.end() }
        #expect(Answer.status(try busy.exchange(Harness.openai, ProxyTests.chat("x"))) == 200)
        #expect(Answer.status(try busy.exchange(Harness.openai, ProxyTests.chat("x"))) == 429)
        #expect(busy.upstream.requests.count == 1)
    }

    /// Egress' memory is the host's: the agent's connections and bodies are bounded all together.
    @Test func floodsEndAtEgress() throws {
        let harness = try harness { $0.network.limits.connections = 1 }
        defer { harness.end() }
        let idle = try (0..<66).map { _ in try harness.raw("files.example") }
        #expect(harness.supervisor.records(.connectionRefused).isEmpty)
        let over = try harness.raw("files.example")
        #expect(over.waitForClose())
        #expect(harness.supervisor.waitForRecords(.connectionRefused, count: 1)?.first?["code"]?.stringValue == "rate_limited")
        for client in idle { client.close() }
        var status = 0
        for _ in 0..<200 where status != 200 {
            // Closing takes the loop a moment; until then a place may be missing.
            usleep(5000)
            guard let client = try? harness.connect("files.example") else { continue }
            client.send("GET /x HTTP/1.1\r\nhost: files.example\r\n\r\n")
            status = Answer.status(client.wait(Answer.isWhole))
            client.close()
        }
        #expect(status == 200, "places are given back")
    }

    @Test func bodiesOfAllConnectionsTogetherAreBounded() throws {
        let harness = try harness { $0.network.limits.body = ByteSize(bytes: 80 << 20) }
        defer { harness.end() }
        let part = [UInt8](repeating: UInt8(ascii: "x"), count: 70 << 20)
        func open() throws -> Client {
            let client = try harness.connect("files.example")
            client.send(
                "POST /x HTTP/1.1\r\nhost: files.example\r\ncontent-type: text/plain\r\ncontent-length: \(part.count + 1)\r\n\r\n")
            client.send(part)
            return client
        }
        let clients = try (0..<3).map { _ in try open() }
        let refused = harness.supervisor.waitForRecords(.requestRefused, count: 1)
        #expect(refused?.first?["code"]?.stringValue == "rate_limited")
        #expect(clients.filter { Answer.status($0.wait { _ in true }) == 429 }.count <= 1)
        for client in clients { client.close() }
        #expect(harness.upstream.requests.isEmpty)
    }

    @Test func aBodyOverTheLimitIsRefused() throws {
        let harness = try harness { $0.network.limits.body = ByteSize(bytes: 10) }
        defer { harness.end() }
        let long = "POST /x HTTP/1.1\r\nhost: files.example\r\ncontent-length: 11\r\n\r\nhello world"
        let client = try harness.connect("files.example")
        client.send(long)
        #expect(Answer.status(client.wait(Answer.isWhole)) == 413)
        client.send("GET /after HTTP/1.1\r\nhost: files.example\r\n\r\n")
        #expect(client.wait { $0.contains("200 OK") }.contains("200 OK"), "the connection lives on")
        client.close()
        #expect(harness.upstream.requests.map(\.head.uri) == ["/after"])
    }
}

/// "Garbage instead of HTTP, half a ClientHello, a 1 MB header, a body cut short, a name with NUL: connection ended cleanly,
/// one record, nothing forwarded, egress lives on."
@Suite struct BadInputTests {
    private func check(_ kind: EventKind, _ act: (Harness) throws -> Client) throws {
        let harness = try Harness { _ in .init(["{}"]) }
        defer { harness.end() }
        let client = try act(harness)
        #expect(harness.supervisor.waitForRecords(kind, count: 1) != nil)
        client.close()
        #expect(client.waitForClose())
        #expect(harness.upstream.requests.isEmpty)
        let after = try harness.exchange("files.example", "GET /after HTTP/1.1\r\nhost: files.example\r\n\r\n")
        #expect(Answer.status(after) == 200)
        #expect(harness.supervisor.records(.connectionRefused).count + harness.supervisor.records(.requestRefused).count == 1)
    }

    @Test func garbage() throws {
        try check(.connectionRefused) { harness in
            let client = try harness.raw()
            client.send([0x00, 0xff, 0x01])
            #expect(client.waitForClose())
            return client
        }
    }

    @Test func garbageInsideTLS() throws {
        try check(.connectionRefused) { harness in
            let client = try harness.connect("files.example")
            client.send("\u{1}\u{2}\u{3} what is this\r\n\r\n")
            #expect(client.waitForClose())
            #expect(Answer.status(client.text) == 400)
            return client
        }
    }

    @Test func halfAClientHello() throws {
        try check(.connectionRefused) { harness in
            let client = try harness.raw()
            client.send(Array(ClientHelloTests.hello(Array("api.openai.com".utf8)).prefix(40)))
            client.close()
            return client
        }
    }

    @Test func aMegabyteOfHeader() throws {
        try check(.connectionRefused) { harness in
            let client = try harness.connect("files.example")
            client.send("GET / HTTP/1.1\r\nhost: files.example\r\nx: " + String(repeating: "y", count: 1 << 20) + "\r\n\r\n")
            #expect(client.waitForClose())
            #expect(Answer.status(client.text) == 431)
            return client
        }
    }

    @Test func aBodyCutShort() throws {
        try check(.requestRefused) { harness in
            let client = try harness.connect("files.example")
            client.send("POST /x HTTP/1.1\r\nhost: files.example\r\ncontent-length: 100\r\n\r\nonly this")
            client.close()
            return client
        }
    }

    @Test func aServerNameWithNUL() throws {
        try check(.connectionRefused) { harness in
            let client = try harness.raw()
            client.send(ClientHelloTests.hello(Array("api.openai.com\u{0}.evil.example".utf8)))
            #expect(client.waitForClose())
            return client
        }
    }

    @Test func aClientThatDoesNotTrustTheAuthority() throws {
        try check(.connectionRefused) { try $0.untrusting("files.example") }
    }

    @Test func aClientThatWaitsForTheServerIsResetAtOnce() throws {
        let harness = try Harness { _ in .init([]) }
        defer { harness.end() }
        let client = try harness.raw(Harness.openai, port: 25)
        #expect(client.waitForClose())
        #expect(client.error?.contains("reset") ?? false, "a reset, not an end: \(client.error ?? "none")")
        let record = try #require(harness.supervisor.waitForRecords(.connectionRefused, count: 1)?.first)
        #expect(record["reason"]?.stringValue?.contains("speak first") == true)
    }
}
