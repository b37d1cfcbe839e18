// WebSockets through egress, end to end: a handshake for each side, messages scanned both ways, over HTTP/1.1 and HTTP/2,
// and the ends of it.

import Events
import Glibc
import JSONBytes
import NIOHTTP1
import Profile
import Testing
import Vocabulary
import WebSocketFrames
import Wire

@testable import Egress

@Suite struct WebSocketTests {
    private static let files = "files.example"
    private static let key = "dGhlIHNhbXBsZSBub25jZQ=="

    private static func handshake(_ path: String = "/socket", extra: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nhost: files.example\r\nupgrade: websocket\r\nconnection: keep-alive, Upgrade\r\n"
            + "sec-websocket-key: \(key)\r\nsec-websocket-version: 13\r\n\(extra)\r\n"
    }

    /// A host that answers each message with itself, and with what it says of its own.
    private func harness(_ methods: [String] = ["WEBSOCKET"], deflates: Bool = false) throws -> Harness {
        let host = try #require(HostName(Self.files))
        return try Harness(
            {
                $0.network.allow = [
                    .init(host: .exact(host), methods: methods, paths: ["/**"], namesPaths: true, redactInbound: .all)
                ]
            }
        ) { _ in Upstream.Answer(socket: deflates) }
    }

    private static func frame(_ text: String) throws -> [UInt8] {
        var writer = WebSocketWriter(as: .client, deflate: nil) { 0x1234_5678 }
        return try writer.text(Array(text.utf8))
    }

    private static func events(_ bytes: [UInt8], deflate: DeflateAgreement? = nil) -> [WebSocketEvent] {
        var reader = WebSocketReader(from: .server, deflate: deflate, limit: 1 << 20)
        return reader.feed(bytes)
    }

    private static func texts(_ events: [WebSocketEvent]) -> [String] {
        events.compactMap { if case .text(let text) = $0 { String(decoding: text, as: UTF8.self) } else { nil } }
    }

    /// What came after the head.
    private static func frames(_ client: Client) -> [UInt8] {
        let bytes = client.bytes
        guard let gap = bytes.indices.dropLast(3).first(where: { bytes[$0..<($0 + 4)].elementsEqual([13, 10, 13, 10]) }) else {
            return []
        }
        return Array(bytes[(gap + 4)...])
    }

    @Test func messagesAreScannedBothWays() throws {
        let harness = try harness()
        defer { harness.end() }
        let client = try harness.connect(Self.files)
        // The first message does not wait for the answer.
        client.send(Array(Self.handshake().utf8) + (try Self.frame("I am jane.doe@example.com")))
        client.wait { $0.contains("said") }
        #expect(client.text.hasPrefix("HTTP/1.1 101"))
        #expect(client.text.lowercased().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="))
        #expect(Self.texts(Self.events(Self.frames(client))) == ["you said: I am «EMAIL»", "I am «EMAIL»"])
        #expect(harness.upstream.socketTexts == ["I am «EMAIL»"])
        let seen = try #require(harness.upstream.requests.first)
        #expect(seen.head.headers["sec-websocket-key"] != [Self.key] && seen.head.headers["sec-websocket-extensions"] == [])
        client.close()
        let outcome = try #require(harness.supervisor.waitForRecords(.requestOutcome, count: 1)?.first)
        #expect(outcome["status"]?.intValue == 101)
        #expect(harness.supervisor.violation == nil)
    }

    @Test func aCloseGoesThroughAndBothConnectionsEnd() throws {
        let harness = try harness()
        defer { harness.end() }
        let client = try harness.connect(Self.files)
        client.send(Self.handshake())
        client.wait { $0.contains("\r\n\r\n") }
        let writer = WebSocketWriter(as: .client, deflate: nil) { 7 }
        client.send(writer.ping([1, 2]) + writer.close(.normal, reason: "done"))
        #expect(client.waitForClose())
        #expect(Self.events(Self.frames(client)) == [.pong([1, 2]), .close(.normal, reason: "done")])
        let outcome = try #require(harness.supervisor.waitForRecords(.requestOutcome, count: 1)?.first)
        #expect(outcome["cut"] == nil || outcome["cut"] == .null)
    }

    @Test func eachSideCompressesForItself() throws {
        let harness = try harness(deflates: true)
        defer { harness.end() }
        let client = try harness.connect(Self.files)
        client.send(Self.handshake(extra: "sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n"))
        client.wait { $0.contains("\r\n\r\n") }
        #expect(client.text.lowercased().contains("sec-websocket-extensions: permessage-deflate"))
        let agreed = try #require(DeflateAgreement.accepting(["permessage-deflate; client_max_window_bits"], keepsContext: false))
        var writer = WebSocketWriter(as: .client, deflate: agreed) { 99 }
        client.send(try writer.text(Array("mail carol.jones@corp.example".utf8)))
        for _ in 0..<400 where Self.texts(Self.events(Self.frames(client), deflate: agreed)).count < 2 { usleep(5000) }
        #expect(Self.texts(Self.events(Self.frames(client), deflate: agreed)).last == "mail «EMAIL»")
        #expect(harness.upstream.socketTexts == ["mail «EMAIL»"])
        client.close()
    }

    @Test func overHTTP2ItIsAStream() throws {
        let harness = try harness()
        defer { harness.end() }
        let client = try harness.connectHTTP2(Self.files)
        let stream = try client.request(
            [
                (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", Self.files),
                (":path", "/s"),
                ("sec-websocket-version", "13"),
            ], open: true)
        stream.wait { !$0.heads.isEmpty }
        #expect(stream.status == 200)
        stream.send(try Self.frame("I am jane.doe@example.com"))
        stream.wait { Self.texts(Self.events($0.body)).count == 2 }
        #expect(Self.texts(Self.events(stream.now.body)).last == "I am «EMAIL»")
        #expect(harness.upstream.requests.first?.head.version == .http1_1)
        let writer = WebSocketWriter(as: .client, deflate: nil) { 7 }
        stream.send(writer.close(.normal))
        #expect(stream.wait { $0.ended }.ended)
        #expect(harness.supervisor.waitForRecords(.requestOutcome, count: 1) != nil)
    }

    @Test func aRuleForGETGrantsNone() throws {
        let harness = try harness(["GET", "POST"])
        defer { harness.end() }
        let text = try harness.exchange(Self.files, Self.handshake())
        #expect(Answer.status(text) == 403)
        #expect(harness.upstream.requests.isEmpty)
    }

    @Test func aDenialOfGETDeniesIt() throws {
        let host = try #require(HostName(Self.files))
        let harness = try Harness({
            $0.network.allow = [.init(host: .exact(host), methods: ["WEBSOCKET"], paths: ["/**"], namesPaths: true)]
            $0.network.deny = [.init(host: .exact(host), methods: ["GET"], paths: ["/socket"], namesPaths: true)]
        }) { _ in Upstream.Answer(socket: false) }
        defer { harness.end() }
        #expect(Answer.status(try harness.exchange(Self.files, Self.handshake())) == 403)
        #expect(harness.upstream.requests.isEmpty)
    }

    @Test func aBinaryMessageEndsItWhereNoScannerReadsIt() throws {
        let harness = try harness()
        defer { harness.end() }
        let client = try harness.connect(Self.files)
        client.send(Self.handshake())
        client.wait { $0.contains("\r\n\r\n") }
        var writer = WebSocketWriter(as: .client, deflate: nil) { 7 }
        client.send(try writer.binary([0, 1, 2, 255]))
        #expect(client.waitForClose())
        guard case .close(let code, let reason) = Self.events(Self.frames(client)).first else {
            Issue.record("no close frame")
            return
        }
        #expect(code == .policyViolation && reason.contains("binary"))
        #expect(harness.supervisor.waitForRecords(.requestRefused, count: 1) != nil)
        #expect(harness.upstream.socketTexts.isEmpty)
    }

    @Test func anUnmaskedFrameIsNoFrameOfAClient() throws {
        let harness = try harness()
        defer { harness.end() }
        let client = try harness.connect(Self.files)
        client.send(Self.handshake())
        client.wait { $0.contains("\r\n\r\n") }
        client.send([0x81, 2, 0x68, 0x69])
        #expect(client.waitForClose())
        #expect(harness.upstream.socketTexts.isEmpty)
    }

    @Test(arguments: [
        "upgrade: h2c\r\nconnection: upgrade\r\n", "upgrade: websocket\r\n",
        "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: short\r\nsec-websocket-version: 13\r\n",
        "upgrade: websocket, foo\r\nconnection: upgrade\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n",
    ])
    func otherUpgradesAreRefused(_ headers: String) throws {
        let harness = try harness(["*"])
        defer { harness.end() }
        let client = try harness.connect(Self.files)
        client.send("GET / HTTP/1.1\r\nhost: files.example\r\n\(headers)\r\n")
        #expect(client.waitForClose())
        #expect([400, 501].contains(Answer.status(client.text)))
        #expect(harness.upstream.requests.isEmpty)
    }

    @Test func aHostThatRefusesIsHeard() throws {
        let host = try #require(HostName(Self.files))
        let harness = try Harness({
            $0.network.allow = [.init(host: .exact(host), methods: ["WEBSOCKET"], paths: ["/**"], namesPaths: true)]
        }) { _ in .init([#"{"error":"no"}"#], status: .unauthorized) }
        defer { harness.end() }
        let text = try harness.exchange(Self.files, Self.handshake())
        #expect(Answer.status(text) == 401 && text.contains(#"{"error":"no"}"#))
    }

    @Test func aStopClosesItInWords() throws {
        let harness = try harness()
        defer { harness.end() }
        let client = try harness.connect(Self.files)
        client.send(Self.handshake())
        client.wait { $0.contains("\r\n\r\n") }
        harness.supervisor.say(.stop(why: .budgetExceeded, told: "akios-exec: budget used up, stopping"))
        #expect(client.waitForClose())
        #expect(Self.events(Self.frames(client)) == [.close(.policyViolation, reason: "akios-exec: budget used up, stopping")])
    }
}
