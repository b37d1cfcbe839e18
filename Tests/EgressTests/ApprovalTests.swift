// What an operator is asked about waits whole and unsent: until the word, for as long as the agent waits, whatever the deadlines
// of other requests are; and a word is for one request.

import Events
import JSONBytes
import NIOHTTP1
import Profile
import Testing
import Vocabulary
import Wire

@testable import Egress

@Suite struct ApprovalTests {
    private func harness(_ change: (inout Spec) -> Void = { _ in }) throws -> Harness {
        try Harness({
            $0.network.allow[0].risk = .high
            change(&$0)
        }) { _ in .init(["{}"]) }
    }

    private static func post(_ body: String, _ target: String = "/x?a=1", more: String = "") -> String {
        "POST \(target) HTTP/1.1\r\nhost: files.example\r\ncontent-type: application/json\r\n\(more)content-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// A request that waits, and the question about it.
    private func asked(_ harness: Harness, _ request: String, count: Int = 1) throws -> (Client, UInt64, ApprovalQuestion) {
        let client = try harness.connect("files.example")
        client.send(request)
        let (id, question) = try #require(harness.supervisor.waitForQuestions(count)?.last)
        return (client, id, question)
    }

    @Test func nothingLeavesBeforeTheWord() throws {
        let harness = try harness()
        defer { harness.end() }
        let (client, id, question) = try asked(harness, Self.post(#"{"mail":"ann@corp.example"}"#))
        #expect(harness.upstream.requests.isEmpty && client.text.isEmpty)
        #expect(question.method == "POST" && question.host == "files.example" && question.port == 443 && question.path == "/x")
        #expect(question.risk == .high && question.rule == "allowlist[0]" && question.contentType == "application/json")
        harness.supervisor.say(.admitted(id: id))
        #expect(Answer.status(client.wait(Answer.isWhole)) == 200)
        let sent = try #require(harness.upstream.requests.first)
        // What was shown is what left: after redaction.
        #expect(UInt64(sent.body.count) == question.bytes && !String(decoding: sent.body, as: UTF8.self).contains("ann@"))
        #expect(harness.supervisor.violation == nil)
    }

    @Test func aNoReachesTheAgentInWords() throws {
        let harness = try harness()
        defer { harness.end() }
        let (client, id, _) = try asked(harness, Self.post("{}"))
        harness.supervisor.say(.refused(id: id, why: .approvalDenied, told: "akios-exec: the operator denied this request"))
        let text = client.wait(Answer.isWhole)
        #expect(Answer.status(text) == 403 && text.contains("the operator denied this request"))
        let record = try #require(harness.supervisor.waitForRecords(.requestRefused, count: 1)?.first)
        #expect(record["code"]?.stringValue == "approval_denied" && record["rule"]?.stringValue == "allowlist[0]")
        #expect(harness.upstream.requests.isEmpty)
    }

    @Test func eachRequestIsAQuestionOfItsOwn() throws {
        let harness = try harness()
        defer { harness.end() }
        let requests = [
            Self.post("{}"), Self.post("{}"), Self.post(#"{"a":1}"#), Self.post("{}", "/x?a=2"), Self.post("{}", "/y?a=1"),
            Self.post("{}", more: "x-a: 1\r\n"),
        ]
        var questions: [ApprovalQuestion] = []
        for (number, request) in requests.enumerated() {
            let (client, id, question) = try asked(harness, request, count: number + 1)
            questions.append(question)
            harness.supervisor.say(.admitted(id: id))
            #expect(Answer.status(client.wait(Answer.isWhole)) == 200)
        }
        // The same one is asked about again, and can be told by its digest; all others are others.
        #expect(questions[0].digest == questions[1].digest)
        #expect(Set(questions.map(\.digest)).count == 5)
        // A word for the session is for the path without its query.
        #expect(Set(questions.map(\.scope)).count == 2 && questions[3].scope == questions[0].scope)
        #expect(questions[0].scope != questions[4].scope)
    }

    @Test func scopesAreExactWhereWhatIsShownIsNot() throws {
        let seal = RequestSeal()
        func scope(_ target: String, method: String = "GET", host: String = "a.example", port: UInt16 = 443) -> [UInt8] {
            seal.scope(method: method, host: host, port: port, target: target)
        }
        #expect(scope("/a?x") == scope("/a?y") && scope("/a") == scope("/a?"))
        let long = "/" + String(repeating: "a", count: 600)
        let others = [
            scope("/a"), scope("/A"), scope("/%61"), scope("/a/"), scope("//a"), scope("/a", method: "POST"),
            scope("/a", port: 444),
            scope("/a", host: "b.example"), scope(long), scope(long + "b"),
        ]
        #expect(Set(others).count == others.count)
        #expect(RequestSeal().scope(method: "GET", host: "a.example", port: 443, target: "/a") != scope("/a"))
    }

    @Test func anotherKeyIsAnotherRequest() {
        let seal = RequestSeal()
        func digest(_ credential: String?) -> [UInt8] {
            seal.digest(
                method: "GET", host: "a.example", port: 443, target: "/", headers: [:], body: [], credential: credential)
        }
        #expect(digest("a") == digest("a") && Set([digest(nil), digest("a"), digest("b")]).count == 3)
    }

    @Test func whoHangsUpTakesTheQuestionBack() throws {
        let harness = try harness()
        defer { harness.end() }
        let (client, id, _) = try asked(harness, Self.post("{}"))
        client.close()
        #expect(harness.supervisor.wait { $0.messages.contains(.withdrawn(id: id)) ? true : nil } != nil)
        #expect(harness.upstream.requests.isEmpty)
        let over = try harness.connectHTTP2("files.example")
        let stream = try over.get("files.example", "/")
        let (second, _) = try #require(harness.supervisor.waitForQuestions(2)?.last)
        stream.reset()
        #expect(harness.supervisor.wait { $0.messages.contains(.withdrawn(id: second)) ? true : nil } != nil)
        #expect(harness.supervisor.violation == nil && harness.upstream.requests.isEmpty)
    }

    @Test func whatIsTakenBackIsNotSentEvenIfTheWordWasYes() throws {
        let harness = try harness()
        defer { harness.end() }
        harness.supervisor.change { $0.crosses = true }
        let (client, id, _) = try asked(harness, Self.post("{}"))
        client.close()
        _ = harness.supervisor.wait { $0.messages.contains(.withdrawn(id: id)) ? true : nil }
        let record = try #require(harness.supervisor.waitForRecords(.requestOutcome, count: 1)?.first)
        #expect(record["id"]?.stringValue == String(id) && record["cost_usd"]?.stringValue == "0.00")
        #expect(harness.upstream.requests.isEmpty)
    }

    @Test func noDeadlineRunsWhileSomebodyIsAsked() throws {
        let harness = try harness {
            $0.network.limits.idleTimeout = TimeSpan(milliseconds: 100)
            $0.network.limits.requestTimeout = TimeSpan(milliseconds: 100)
        }
        defer { harness.end() }
        let (client, id, _) = try asked(harness, Self.post("{}"))
        // Another request under way is ended by the deadline that the parked one does not have.
        let late = try harness.connect("files.example")
        late.send("POST /x HTTP/1.1\r\nhost: files.example\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{")
        #expect(Answer.status(late.wait(Answer.isWhole)) == 504)
        #expect(client.text.isEmpty && !client.isClosed)
        harness.supervisor.say(.admitted(id: id))
        #expect(Answer.status(client.wait(Answer.isWhole)) == 200)
    }

    @Test func streamsAndWebSocketsAreAskedAboutToo() throws {
        let harness = try harness { $0.network.allow[0].methods.append("WEBSOCKET") }
        defer { harness.end() }
        let client = try harness.connectHTTP2("files.example")
        let stream = try client.get("files.example", "/a")
        let (id, question) = try #require(harness.supervisor.waitForQuestions(1)?.last)
        #expect(question.method == "GET" && question.path == "/a")
        // Other streams of the connection wait for nothing of it.
        let other = try client.get("evil.example", "/")
        #expect(other.wait { !$0.heads.isEmpty || $0.closed }.heads.isEmpty == false)
        harness.supervisor.say(.admitted(id: id))
        _ = stream.wait()
        #expect(stream.status == 200)
        let socket =
            "GET /socket HTTP/1.1\r\nhost: files.example\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            + "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
        let (_, offer, asked) = try asked(harness, socket, count: 2)
        #expect(asked.method == "WEBSOCKET")
        harness.supervisor.say(.refused(id: offer, why: .approvalDenied, told: "no"))
        #expect(harness.supervisor.waitForRecords(.requestRefused, count: 1) != nil)
    }

    @Test func aStopReachesWhatWaits() throws {
        let harness = try harness()
        defer { harness.end() }
        let (client, id, _) = try asked(harness, Self.post("{}"))
        harness.supervisor.say(.refused(id: id, why: .stopping, told: "akios-exec: the operator stopped this session"))
        harness.supervisor.say(.stop(why: .stopping, told: "akios-exec: the operator stopped this session"))
        #expect(client.wait(Answer.isWhole).contains("the operator stopped this session"))
        #expect(harness.upstream.requests.isEmpty)
    }

    @Test func whatTheAgentWritesIsCut() throws {
        let harness = try harness()
        defer { harness.end() }
        let long = String(repeating: "a", count: 2000)
        let (client, _, question) = try asked(harness, Self.post("{}", "/\(long)?\(long)", more: "x-a: \(long)\r\n"))
        #expect(question.path.utf8.count <= 512 && question.path.hasPrefix("/aaa"))
        let typed = "POST /x HTTP/1.1\r\nhost: files.example\r\ncontent-type: text/plain; a=\(long)\r\ncontent-length: 1\r\n\r\nx"
        let (other, _, asked) = try asked(harness, typed, count: 2)
        #expect(asked.contentType.utf8.count == ApprovalQuestion.limits.contentType)
        client.close()
        other.close()
    }
}
