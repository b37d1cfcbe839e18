// A request is sent again only where not one byte of it was written: by connections that die idle, under it, and after its
// first byte; and what a host that says it goes, or has no place, makes of its streams.

import Events
import JSONBytes
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Profile
import Testing
import Vocabulary

@testable import Egress

@Suite struct ResendTests {
    private static let host = "files.example"
    private static let get = "GET /x HTTP/1.1\r\nhost: files.example\r\n\r\n"

    private func harness(_ upstream: RawUpstream) throws -> Harness {
        let files = try #require(HostName(Self.host))
        let port = upstream.port
        return try Harness(
            { $0.network.resolve[files] = .init(address: .v4(0x7f00_0001), port: port) }, roots: upstream.roots
        ) { _ in .init(["{}"]) }
    }

    @Test func aConnectionThatWasClosedWhileItWasIdleCostsNothing() throws {
        let upstream = try RawUpstream(Self.host, .http1 { _ in .answerAndClose(RawUpstream.ok) })
        defer { upstream.end() }
        let harness = try harness(upstream)
        defer { harness.end() }
        for number in 1...3 {
            #expect(Answer.status(try harness.exchange(Self.host, Self.get)) == 200)
            #expect(upstream.waitForClosed(number))
        }
        #expect(upstream.requests == 3 && upstream.connections == 3)
    }

    @Test(arguments: [1, 2]) func aResetUnderARequestIsNotFollowedByAnother(_ fatal: Int) throws {
        let upstream = try RawUpstream(Self.host, .http1 { $0 == fatal ? .reset(after: "") : .answer(RawUpstream.ok) })
        defer { upstream.end() }
        let harness = try harness(upstream)
        defer { harness.end() }
        for number in 1...fatal {
            let text = try harness.exchange(Self.host, Self.get)
            #expect(Answer.status(text) == (number == fatal ? 502 : 200), "\(text)")
        }
        #expect(upstream.requests == fatal, "the first on its own connection, the second on the pooled one: once each")
        let outcome = try #require(harness.supervisor.waitForRecords(.requestOutcome, count: fatal)?.last)
        #expect(outcome["cut"]?.stringValue == "upstream_reset" && outcome["code"]?.stringValue == "upstream_unreachable")
        // What died is not used again.
        #expect(Answer.status(try harness.exchange(Self.host, Self.get)) == 200)
    }

    @Test(arguments: ["H", "HTTP/1.1 200 OK\r\ncontent-le", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"])
    func aResetAfterTheFirstByteEndsIt(_ part: String) throws {
        let upstream = try RawUpstream(Self.host, .http1 { _ in .reset(after: part) })
        defer { upstream.end() }
        let harness = try harness(upstream)
        defer { harness.end() }
        let client = try harness.connect(Self.host)
        client.send(Self.get)
        let text = client.wait(Answer.isWhole)
        #expect(!text.hasSuffix("abc") || client.waitForClose(), "a part is not taken for the whole")
        #expect(Answer.status(text) != 200 || text.contains("content-length: 9"))
        #expect(harness.supervisor.waitForRecords(.requestOutcome, count: 1)?.first?["cut"]?.stringValue == "upstream_reset")
        #expect(upstream.requests == 1)
    }

    @Test func aHostThatSpeaksHTTP2OnlyServesEveryAgent() throws {
        let upstream = try RawUpstream(Self.host, .http2(mostStreams: 100) { _ in .answer })
        defer { upstream.end() }
        let harness = try harness(upstream)
        defer { harness.end() }
        // The first is told by an alert that HTTP/1.1 is not spoken: no byte of it was written.
        for _ in 1...2 { #expect(Answer.dechunked(try harness.exchange(Self.host, Self.get)) == "ok") }
        #expect(try harness.connectHTTP2(Self.host).get(Self.host, "/x").wait().ended)
        #expect(upstream.requests == 3)
    }

    @Test(arguments: [RawUpstream.StreamDeed.goAway, .refuse])
    func aStreamThatTheHostDidNotReadIsNotRepeated(_ deed: RawUpstream.StreamDeed) throws {
        let upstream = try RawUpstream(Self.host, .http2(mostStreams: 100) { $0 == 2 ? deed : .answer })
        defer { upstream.end() }
        let harness = try harness(upstream)
        defer { harness.end() }
        let client = try harness.connectHTTP2(Self.host)
        let statuses = try (1...3).map { _ in
            let stream = try client.get(Self.host, "/x")
            stream.wait()
            return stream.status
        }
        // Its bytes were written, whatever the host says of them. The next one finds a connection that takes it.
        #expect(statuses == [200, 502, 200])
        #expect(upstream.requests == 3)
    }

    @Test func streamsBeyondTheHostsLimitGetAConnectionOfTheirOwn() throws {
        let upstream = try RawUpstream(Self.host, .http2(mostStreams: 10) { $0 <= 42 ? .silence : .answer })
        defer { upstream.end() }
        let harness = try harness(upstream)
        defer { harness.end() }
        let clients = try (1...3).map { _ in try harness.connectHTTP2(Self.host) }
        // Most of them wait for the first connection's handshake, and are more than it takes.
        for _ in 1...14 { for client in clients { _ = try client.get(Self.host, "/silent") } }
        #expect(upstream.waitForRequests(42), "none was refused for want of a place")
        let last = try clients[0].get(Self.host, "/x")
        #expect(last.wait().ended && last.status == 200)
        // Two of four streams with wide windows, then what each takes.
        #expect(upstream.connections >= 4)
    }

    /// The moments that a socket cannot be made to show: found closed before the request, or closed under it.
    @Test func onlyAConnectionThatIsClosedAlreadyLeavesARequestUnsent() throws {
        let key = UpstreamKey(name: try #require(HostName(Self.host)), port: 443, credential: nil)
        let request = UpstreamRequest(method: "GET", target: "/", headers: ["host": Self.host], body: nil, takesTrailers: false)
        func connection(_ channel: EmbeddedChannel) throws -> UpstreamConnection {
            let connection = UpstreamConnection(key: key, road: .direct, pool: UpstreamPool(loop: channel.embeddedEventLoop))
            try channel.pipeline.syncOperations.addHTTPClientHandlers()
            try channel.pipeline.syncOperations.addHandler(connection)
            try channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            return connection
        }
        let closed = EmbeddedChannel()
        let first = try connection(closed)
        try closed.close().wait()
        let unsent = Listener()
        first.send(request, for: unsent)
        #expect(unsent.heard == ["unsent"])

        let open = EmbeddedChannel()
        let second = try connection(open)
        let failed = Listener()
        second.send(request, for: failed)
        #expect(try open.readOutbound(as: ByteBuffer.self) != nil)
        try open.close().wait()
        #expect(failed.heard == ["failed"])
    }

    private final class Listener: UpstreamUser {
        var heard: [String] = []
        func upstreamHead(_ head: HTTPResponseHead) { heard.append("head") }
        func upstreamBody(_ bytes: ByteBuffer) { heard.append("body") }
        func upstreamEnd(_ trailers: HTTPHeaders?) { heard.append("end") }
        func upstreamFailed(_ reason: String) { heard.append("failed") }
        func upstreamUnsent() { heard.append("unsent") }
        func upstreamSocketBytes(_ bytes: ByteBuffer) { heard.append("socket") }
        func upstreamTakes(_ on: Bool) {}
    }
}
