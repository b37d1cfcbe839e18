// What an operator sees of a request that waits, and what a typed line means.

import Events
import Testing
import Vocabulary
import Wire

@testable import Operator

private func question(_ id: UInt64 = 3, path: String = "/v1/x", type: String = "application/json") throws -> SessionQuestion {
    SessionQuestion(
        session: try #require(SessionID("20261121-061705-7k2mq0xd")),
        open: OpenQuestion(
            id: id,
            question: ApprovalQuestion(
                method: "POST", host: "files.example", port: 8443, path: path, contentType: type, bytes: 12,
                digest: [UInt8](repeating: 0xab, count: 32), scope: [UInt8](repeating: 1, count: 32), risk: .high,
                reason: "risk high", rule: "allowlist[0]"), millisecondsLeft: 1500))
}

@Suite struct ApprovalTextTests {
    @Test func aRowSaysWhereWhatAndHowLong() throws {
        #expect(
            try question().cells == ["7k2mq0xd-3", "high", "POST", "12", "2 s", "abababababab", "https://files.example:8443/v1/x"])
    }

    @Test func nothingInItSteersATerminal() throws {
        // A session is believed no more than the agent is: these could not even be decoded.
        let hostile = try question(path: "/\u{1b}]0;x\u{7}\u{9b}2J\r\n\u{202e}", type: "\u{1b}[2J")
        for text in hostile.cells + hostile.lines {
            #expect(
                text.unicodeScalars.allSatisfy {
                    $0.value >= 0x20 && $0.value != 0x7f && !(0x80..<0xa0).contains($0.value) && $0 != "\u{202e}"
                })
        }
        #expect(hostile.cells.last == "https://files.example:8443/?]0;x??2J???")
    }

    @Test func anIDNamesOneSession() throws {
        let session = try #require(SessionID("20261121-061705-7k2mq0xd"))
        #expect(SessionQuestion.number(in: "7k2mq0xd-3", of: session) == 3)
        #expect(SessionQuestion.number(in: "20261121-061705-7k2mq0xd-3", of: session) == 3)
        for wrong in ["3", "-3", "7k2mq0x-3", "7k2mq0xd-", "7k2mq0xd--3", "7k2mq0xd-x", "0xd-3", "", "20261121-061705-7k2mq0xd"] {
            #expect(SessionQuestion.number(in: wrong, of: session) == nil, "\(wrong)")
        }
        let all: [RunningSessions.Found] = [(session, "/a"), (try #require(SessionID("20261121-070000-aaaaaaaa")), "/b")]
        #expect(RunningSessions.matches("latest", all).map(\.base) == ["/b"])
        #expect(RunningSessions.matches("20261121", all).count == 2)
        #expect(RunningSessions.matches("7k2mq0xd", all).map(\.base) == ["/a"])
        #expect(RunningSessions.matches("2026-", all).isEmpty)
    }
}

@Suite struct WatchBoardTests {
    private func isPrompt(_ step: WatchBoard.Step?) -> Bool { if case .prompt? = step { true } else { false } }

    @Test func oneQuestionAtATime() throws {
        var board = WatchBoard(asks: true)
        let (first, second) = (try question(1), try question(2))
        let shown = board.came(first)
        #expect(shown.count == 2 && shown[0] == .print(first.lines) && isPrompt(shown.last))
        #expect(board.came(first).isEmpty && board.came(second).isEmpty)
        let answered = board.typed("y")
        #expect(answered.first == .answer(first, OperatorWord(allows: true)))
        #expect(answered.dropFirst().first == .print(second.lines) && isPrompt(answered.last))
        #expect(board.typed("n") == [.answer(second, OperatorWord(allows: false))])
        #expect(board.typed("y").isEmpty)
    }

    @Test(arguments: ["", " ", "yn", "yes please", "Ja", "\u{1b}[A"]) func onlyAWholeWordIsAnAnswer(_ line: String) throws {
        var board = WatchBoard(asks: true)
        _ = board.came(try question())
        let steps = board.typed(line)
        #expect(steps.count == 1 && isPrompt(steps.first))
        #expect(board.typed("S") == [.answer(try question(), OperatorWord(allows: true, forSession: true))])
    }

    @Test func whatIsOverIsNotAskedAnyMore() throws {
        var board = WatchBoard(asks: true)
        let (first, second) = (try question(1), try question(2))
        _ = board.came(first)
        _ = board.came(second)
        let steps = board.gone(first.id)
        #expect(isPrompt(steps.last) && !steps.contains(.print(second.lines)))
        let next = board.typed("")
        #expect(isPrompt(next.last) && next.first == .print(second.lines))
        #expect(board.typed("y") == [.answer(second, OperatorWord(allows: true))])
        _ = board.came(first)
        #expect(board.gone("7k2mq0xd-9").isEmpty)
    }

    /// The agent takes back what is shown, when it likes: keys on their way must not answer what it asks instead.
    @Test func whatIsTypedForOneThatWentAnswersNothing() throws {
        var board = WatchBoard(asks: true)
        let (first, second, third) = (try question(1), try question(2), try question(3))
        _ = board.came(first)
        // Also where the next comes only now.
        #expect(board.gone(first.id).count == 1)
        let told = board.came(second)
        #expect(told.count == 1 && isPrompt(told.first))
        #expect(board.came(third).isEmpty)
        for line in ["y", "s", " "] {
            let steps = board.typed(line)
            #expect(steps == told)
        }
        // That one went as well, unseen.
        #expect(board.gone(second.id).isEmpty)
        #expect(board.typed("").first == .print(third.lines))
        #expect(board.typed("n") == [.answer(third, OperatorWord(allows: false))])
        // An answer of one's own leaves the way open.
        #expect(board.came(first).first == .print(first.lines))
        // A key for it before the next has come counts for neither.
        _ = board.gone(first.id)
        #expect(board.typed("y").isEmpty)
        #expect(board.came(second) == told)
    }

    @Test func withoutATerminalNothingIsAsked() throws {
        var board = WatchBoard(asks: false)
        #expect(board.came(try question()) == [.print(try question().lines)])
        #expect(board.typed("y").isEmpty)
    }
}
