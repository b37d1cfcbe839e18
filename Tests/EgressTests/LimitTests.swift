// What a rule's conditions and the session's limits do to real requests: types of bodies, approval, rates, deadlines, hosts
// that keep failing; and that a redirect is a request like any other.

import Events
import JSONBytes
import NIOHTTP1
import Profile
import Testing
import Vocabulary

@testable import Egress

@Suite struct LimitTests {
    private static func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nhost: files.example\r\n\r\n" }
    private static func post(_ type: String, _ body: String, length: Int? = nil) -> String {
        "POST /x HTTP/1.1\r\nhost: files.example\r\ncontent-type: \(type)\r\ncontent-length: \(length ?? body.utf8.count)\r\n\r\n\(body)"
    }

    @Test func aRedirectIsARequestLikeAnyOther() throws {
        let harness = try Harness { request in
            request.head.uri == "/old"
                ? .init(["{}"], status: .found, headers: [("location", "https://evil.example/new")]) : .init(["{}"])
        }
        defer { harness.end() }
        let text = try harness.exchange("files.example", Self.get("/old"))
        #expect(Answer.status(text) == 302 && text.contains("location: https://evil.example/new"))
        // The client follows: to the host that no rule names, and on the connection that it has.
        let followed = try harness.exchange("evil.example", "GET /new HTTP/1.1\r\nhost: evil.example\r\n\r\n")
        #expect(Answer.status(followed) == 403 && followed.contains("this host is not allowed"))
        let reused = try harness.exchange("files.example", "GET /new HTTP/1.1\r\nhost: evil.example\r\n\r\n")
        #expect(Answer.status(reused) == 421)
        #expect(harness.upstream.requests.map(\.head.uri) == ["/old"])
    }

    @Test func aRuleSaysWhatABodyMayBe() throws {
        let harness = try Harness({
            $0.network.allow[0].contentTypes = ["application/json"]
            $0.network.allow[0].body = ByteSize(bytes: 20)
        }) { _ in .init(["{}"]) }
        defer { harness.end() }
        #expect(Answer.status(try harness.exchange("files.example", Self.post("application/json", "{}"))) == 200)
        #expect(Answer.status(try harness.exchange("files.example", Self.post("text/plain", "{}"))) == 415)
        let long = "{\"a\":\"\(String(repeating: "x", count: 20))\"}"
        #expect(Answer.status(try harness.exchange("files.example", Self.post("application/json", long))) == 413)
        #expect(Answer.status(try harness.exchange("files.example", Self.get("/"))) == 200)
        #expect(harness.upstream.requests.map(\.head.method) == [.POST, .GET])
    }

    @Test func anAnswerIsNoFasterThanItsBandwidth() throws {
        let piece = String(repeating: "x", count: 65_536)
        let harness = try Harness({ $0.network.limits.rates.bandwidth = ByteRate(bytesPerSecond: 1_000_000) }) { _ in
            .init([String?](repeating: piece, count: 8), type: "application/octet-stream")
        }
        defer { harness.end() }
        let text = try harness.exchange("files.example", Self.get("/"))
        #expect(Answer.body(text).utf8.count == 8 * 65_536)
        // A quarter of a second's bytes are free, and so is the last read.
        let outcome = try #require(harness.supervisor.waitForRecords(.requestOutcome, count: 1)?.first)
        #expect(try #require(outcome["milliseconds"]?.intValue) >= 100)
    }

    @Test func aHostThatKeepsFailingIsLeftAlone() throws {
        let harness = try Harness({ $0.network.limits.breaker?.failures = 2 }) { _ in .init(["{}"], status: .serviceUnavailable) }
        defer { harness.end() }
        for _ in 0..<2 {
            let text = try harness.exchange("files.example", Self.get("/"))
            #expect(Answer.status(text) == 503 && !text.contains("akios-exec"))
        }
        let text = try harness.exchange("files.example", Self.get("/"))
        #expect(Answer.status(text) == 503 && text.contains("the host keeps failing") && text.contains("retry-after: "))
        #expect(harness.upstream.requests.count == 2)
        let record = try #require(harness.supervisor.waitForRecords(.requestRefused, count: 1)?.first)
        #expect(record["code"]?.stringValue == "circuit_open")
    }

    @Test func aSilentSideEndsTheExchange() throws {
        let harness = try Harness({ $0.network.limits.idleTimeout = TimeSpan(milliseconds: 200) }) { request in
            request.head.uri == "/stalls" ? .init(["a", nil], type: "application/octet-stream", isChunked: true) : .init(["{}"])
        }
        defer { harness.end() }
        // The agent announces a body and does not send it.
        let late = try harness.connect("files.example")
        late.send(Self.post("application/json", "{", length: 100))
        let text = late.wait(Answer.isWhole)
        #expect(Answer.status(text) == 504 && text.contains("the request took too long"))
        late.close()
        // The host begins an answer and does not go on.
        let cut = try harness.connect("files.example")
        cut.send(Self.get("/stalls"))
        #expect(cut.waitForClose())
        #expect(harness.supervisor.waitForRecords(.requestOutcome, count: 1)?.first?["cut"]?.stringValue == "stopped")
        harness.upstream.release()
    }

    @Test func aHeadHasALimit() throws {
        let harness = try Harness({ $0.network.limits.header = ByteSize(bytes: 1024) }) { _ in .init(["{}"]) }
        defer { harness.end() }
        let long = "GET / HTTP/1.1\r\nhost: files.example\r\nx-a: \(String(repeating: "a", count: 1024))\r\n\r\n"
        #expect(Answer.status(try harness.exchange("files.example", long)) == 431)
        #expect(Answer.status(try harness.exchange("files.example", Self.get("/"))) == 200)
        let client = try harness.connectHTTP2("files.example")
        let stream = try client.get("files.example", "/", [("x-a", String(repeating: "a", count: 1024))])
        #expect(stream.wait { $0.heads.count > 0 || $0.closed }.closed || stream.status == 431)
        #expect(harness.upstream.requests.count == 1)
    }

    @Test func aPauseDoesNotOutliveItsConnection() throws {
        let harness = try Harness({ $0.network.limits.rates.bandwidth = ByteRate(bytesPerSecond: 20_000) }) { _ in
            .init([String(repeating: "x", count: 40_000)], type: "text/plain")
        }
        defer { harness.end() }
        let text = try harness.exchange("files.example", "GET /1 HTTP/1.1\r\nhost: files.example\r\nconnection: close\r\n\r\n")
        #expect(Answer.body(text).utf8.count == 40_000)
        // Its own pause ends after the first one's would have.
        let again = try harness.exchange("files.example", "GET /2 HTTP/1.1\r\nhost: files.example\r\nconnection: close\r\n\r\n")
        #expect(Answer.body(again).utf8.count == 40_000)
        #expect(try Answer.status(harness.exchange("files.example", "GET /3 HTTP/1.1\r\nhost: files.example\r\n\r\n")) == 200)
    }
}
