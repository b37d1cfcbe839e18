// What a proxy may answer to CONNECT, whole and in pieces.

import Testing

@testable import Egress

@Suite struct ConnectAnswerTests {
    static let verdicts: [(String, ConnectAnswer.Verdict)] = [
        ("HTTP/1.1 200 Connection established\r\n\r\n", .open),
        ("HTTP/1.0 200\r\n\r\n", .open),
        ("HTTP/1.1 299 \r\nVia: 1.1 squid\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", .open),
        ("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n<html>", .refused(status: 407)),
        ("HTTP/1.1 502 \r\n\r\n", .refused(status: 502)),
        ("HTTP/1.1 101 Switching\r\n\r\n", .refused(status: 101)),
        ("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK", .malformed("bytes follow its answer")),
        ("HTTP/1.1 200 OK\r\n\r\n\u{16}\u{3}", .malformed("bytes follow its answer")),
        ("HTTP/2 200 OK\r\n\r\n", .malformed("its answer is not HTTP")),
        ("HTTP/1.1 2000 OK\r\n\r\n", .malformed("its answer is not HTTP")),
        ("HTTP/1.1  200\r\n\r\n", .malformed("its answer is not HTTP")),
        ("HTTP/1.1 700 OK\r\n\r\n", .malformed("its answer is not HTTP")),
        ("ICY 200 OK\r\n\r\n", .malformed("its answer is not HTTP")),
        ("\r\n\r\n", .malformed("its answer is not HTTP")),
        ("HTTP/1.1 200 OK\nVia: x\r\n\r\n", .malformed("its answer's head has a stray control character")),
        ("HTTP/1.1 200 OK\r\nVia: x\rY: z\r\n\r\n", .malformed("its answer's head has a stray control character")),
        ("HTTP/1.1 200 OK\r\nVia: \0\r\n\r\n", .malformed("its answer's head has a stray control character")),
        ("HTTP/1.1 200 OK\r\n folded: x\r\n\r\n", .malformed("its answer's head is malformed")),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", .malformed("its answer's head is malformed")),
        ("HTTP/1.1 200 OK\r\n: x\r\n\r\n", .malformed("its answer's head is malformed")),
        ("HTTP/1.1 200 OK\r\nVia: x\r\n", .more),
    ]

    @Test(arguments: verdicts) func verdict(_ text: String, _ expected: ConnectAnswer.Verdict) {
        var whole = ConnectAnswer()
        #expect(whole.feed(Array(text.utf8)) == expected)
    }

    @Test func piecesAreReadAsTheWhole() {
        let text = Array("HTTP/1.1 200 OK\r\nVia: 1.1 squid\r\n\r\n".utf8)
        for cut in 1..<text.count {
            var answer = ConnectAnswer()
            #expect(answer.feed(text[..<cut]) == .more)
            #expect(answer.feed(text[cut...]) == .open, "cut at \(cut)")
        }
    }

    @Test func aHeadWithoutEndIsGivenUp() {
        var answer = ConnectAnswer()
        #expect(answer.feed(Array("HTTP/1.1 200 OK\r\n".utf8)) == .more)
        let line = Array("X: \(String(repeating: "x", count: 1000))\r\n".utf8)
        var last = ConnectAnswer.Verdict.more
        for _ in 0..<17 where last == .more { last = answer.feed(line) }
        #expect(last == .malformed("its answer's head is too long"))
    }
}
