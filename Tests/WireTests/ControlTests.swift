// The control socket's frames: both directions survive, nothing broken is half understood.

import Testing
import Vocabulary

@testable import Wire

private let digest = [UInt8](repeating: 3, count: 32)
private let asked = ApprovalQuestion(
    method: "GET", host: "a.example", port: 8443, path: "/x", contentType: "", bytes: 0, digest: digest, scope: digest, risk: .low,
    reason: "approval: ask", rule: "allowlist[0]")
private let requests: [ControlRequest] = [
    .hello(version: 1), .list, .watch, .decide(id: 4, digest: digest, OperatorWord(allows: true, forSession: true)),
    .decide(id: .max, digest: digest, OperatorWord(allows: false, stops: true)),
]
private let replies: [ControlReply] =
    [
        .hello(version: 1, session: "20261121-061705-7k2mq0xd"),
        .waiting(OpenQuestion(id: 4, question: asked, millisecondsLeft: 9)),
        .over(id: 4), .done,
    ] + ControlReply.Failure.allCases.map { .failed($0) }

@Suite struct ControlTests {
    @Test(arguments: requests) func requestsSurvive(_ request: ControlRequest) throws {
        let payload = try request.frame()[4...]
        #expect(try ControlRequest(payload: payload) == request)
        for length in 0..<payload.count {
            #expect(throws: WireError.self) { try ControlRequest(payload: payload.prefix(length)) }
        }
        #expect(throws: WireError.trailingBytes) { try ControlRequest(payload: payload + [0]) }
    }

    @Test(arguments: replies) func repliesSurvive(_ reply: ControlReply) throws {
        let payload = try reply.frame()[4...]
        #expect(try ControlReply(payload: payload) == reply)
        for length in 0..<payload.count {
            #expect(throws: WireError.self) { try ControlReply(payload: payload.prefix(length)) }
        }
    }

    @Test func flippedBytesNeverCrashAndHaveOneSpelling() throws {
        for frame in try requests.map({ try $0.frame() }) + replies.map({ try $0.frame() }) {
            for index in frame.indices.dropFirst(4) {
                for bit in 0..<8 {
                    var broken = frame
                    broken[index] ^= 1 << UInt8(bit)
                    if let parsed = try? ControlRequest(payload: broken[4...]) { #expect(try parsed.frame() == broken) }
                    if let parsed = try? ControlReply(payload: broken[4...]) { #expect(try parsed.frame() == broken) }
                }
            }
        }
    }

    @Test func aYesThatStopsIsNoWord() throws {
        let frame = try ControlRequest.decide(id: 1, digest: digest, OperatorWord(allows: true, stops: true)).frame()
        #expect(throws: WireError.unknownCode) { try ControlRequest(payload: frame[4...]) }
        let short = try ControlRequest.decide(id: 1, digest: [1], OperatorWord(allows: true)).frame()
        #expect(throws: WireError.unknownCode) { try ControlRequest(payload: short[4...]) }
    }
}
