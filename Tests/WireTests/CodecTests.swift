// Frames survive the round trip; every cut, stretched or flipped frame is an error value, never a crash.

import Events
import Testing
import Vocabulary

@testable import Wire

private let record = RecordDraft(kind: .requestIntent, data: Array(#"{"host":"api.openai.com"}"#.utf8))
private let outcome = RecordDraft(kind: .requestOutcome, data: Array("{}".utf8))

private let question = ApprovalQuestion(
    method: "POST", host: "a.example", port: 443, path: "/x/\u{ab}EMAIL\u{bb}", contentType: "application/json", bytes: 12,
    digest: [UInt8](repeating: 7, count: 32), scope: [UInt8](repeating: 8, count: 32), risk: .high, reason: "risk high",
    rule: "allowlist[0]")

private let fromEgress: [FromEgress] = [
    .hello(version: WireLimits.version, caPEM: [1, 2, 3]),
    .ready,
    .admit(id: 7, reservation: Reservation(cost: Money(nanos: 12), tokens: 34), record: record),
    .ask(id: 8, reservation: Reservation(cost: Money(nanos: 12), tokens: 34), record: record, question: question),
    .withdrawn(id: 8),
    .settle(
        id: 7,
        settlement: Settlement(
            cost: Money(nanos: 5), usage: TokenUsage(input: 1, cachedInput: 2, cacheWrite: 3, output: 4), model: "gpt-4o",
            usageKnown: true),
        record: outcome),
    .note(RecordDraft(kind: .nameRefused, data: [0x7b, 0x7d])),
    .totals(
        {
            var totals = EgressTotals()
            totals.requests = 3
            totals.hosts = ["a.example": 2, "b.example": 1]
            totals.redactions = ["EMAIL": 9]
            return totals
        }()),
    .fatal("no more sockets"),
]

private let toEgress: [ToEgress] = [
    .go, .admitted(id: 1), .refused(id: 2, why: .budgetExceeded, told: "ask the operator"), .stop(why: .stopping, told: "over"),
    .finish,
]

@Suite struct CodecTests {
    @Test(arguments: fromEgress) func egressMessagesSurvive(_ message: FromEgress) throws {
        let frame = try message.frame()
        #expect(try FromEgress(payload: frame[4...]) == message)
    }

    @Test(arguments: toEgress) func supervisorMessagesSurvive(_ message: ToEgress) throws {
        let frame = try message.frame()
        #expect(try ToEgress(payload: frame[4...]) == message)
    }

    @Test(arguments: fromEgress) func everyCutIsAnError(_ message: FromEgress) throws {
        let payload = try message.frame()[4...]
        for length in 0..<payload.count {
            #expect(throws: WireError.self) { try FromEgress(payload: payload.prefix(length)) }
        }
        #expect(throws: WireError.trailingBytes) { try FromEgress(payload: payload + [0]) }
    }

    @Test func negativeAmountsAndImpossibleCountsAreRefused() throws {
        let most = Int64.max
        func settle(_ cost: Int64, _ input: Int64) -> FromEgress {
            .settle(
                id: 1,
                settlement: Settlement(cost: Money(nanos: cost), usage: TokenUsage(input: input), model: "m", usageKnown: true),
                record: outcome)
        }
        var totals = EgressTotals()
        totals.redactions = ["EMAIL": .max]
        let refused: [FromEgress] = [
            .admit(id: 1, reservation: Reservation(cost: Money(nanos: -1), tokens: 0), record: record),
            .admit(id: 1, reservation: Reservation(cost: .zero, tokens: -1), record: record),
            settle(-1, 0), settle(0, -1), .totals(totals),
        ]
        for message in refused {
            let payload = try message.frame()[4...]
            #expect(throws: WireError.unknownCode) { try FromEgress(payload: payload) }
        }
        let payload = try settle(most, most).frame()[4...]
        #expect(try FromEgress(payload: payload) == settle(most, most))
        #expect(TokenUsage(input: .max, cachedInput: .max, cacheWrite: 1, output: 1).total == .max)
    }

    @Test func aQuestionHoldsNothingThatSteersATerminal() throws {
        func refuses(_ change: (inout ApprovalQuestion) -> Void) throws {
            var asked = question
            change(&asked)
            let payload = try FromEgress.ask(id: 1, reservation: .nothing, record: record, question: asked).frame()[4...]
            #expect(throws: WireError.self) { try FromEgress(payload: payload) }
        }
        for text in ["\u{1b}[2J", "a\nb", "\u{9b}2J", "\u{202e}x", "\u{7f}", "caf\u{e9}", "\0"] {
            try refuses { $0.path = text }
            try refuses { $0.method = text }
            try refuses { $0.host = text }
            try refuses { $0.contentType = text }
            try refuses { $0.rule = text }
            try refuses { $0.reason = text }
            let clean = ApprovalQuestion.clean(text, limit: 100)
            #expect(!clean.isEmpty && clean.unicodeScalars.allSatisfy { (0x20..<0x7f).contains($0.value) })
        }
        try refuses { $0.path = String(repeating: "a", count: ApprovalQuestion.limits.path + 1) }
        try refuses { $0.host = String(repeating: "a", count: ApprovalQuestion.limits.host + 1) }
        try refuses { $0.digest.removeLast() }
        try refuses { $0.scope.append(1) }
        try refuses { $0.bytes = WireLimits.maxCount + 1 }
        #expect(ApprovalQuestion.clean(String(repeating: "\u{ab}", count: 9), limit: 5) == "\u{ab}\u{ab}")
    }

    @Test func flippedBytesNeverCrash() throws {
        for message in fromEgress {
            let payload = Array(try message.frame()[4...])
            for index in payload.indices {
                for bit in 0..<8 {
                    var broken = payload
                    broken[index] ^= 1 << UInt8(bit)
                    if let parsed = try? FromEgress(payload: broken[...]) {
                        #expect(try Array(parsed.frame()[4...]) == broken, "two spellings of one message")
                    }
                }
            }
        }
    }

    @Test func negativeMoneyIsRefused() throws {
        let minus = FromEgress.admit(id: 1, reservation: Reservation(cost: Money(nanos: -1), tokens: 0), record: record)
        let frame = try minus.frame()
        #expect(throws: WireError.unknownCode) { try FromEgress(payload: frame[4...]) }
    }

    @Test func oversizedIsRefusedByBothEnds() throws {
        let huge = FromEgress.hello(version: WireLimits.version, caPEM: Array(repeating: 0, count: WireLimits.maxFrame))
        #expect(throws: WireError.oversized) { try huge.frame() }
        var assembler = FrameAssembler()
        assembler.feed([0, 1, 0, 1])
        #expect(throws: WireError.oversized) { try assembler.next() }
    }

    @Test func dripFeedYieldsTheSameFrames() throws {
        let stream = try fromEgress.flatMap { try $0.frame() }
        var assembler = FrameAssembler()
        var seen: [FromEgress] = []
        for byte in stream {
            assembler.feed([byte])
            while let payload = try assembler.next() { seen.append(try FromEgress(payload: payload)) }
        }
        #expect(seen == fromEgress)
    }
}

@Suite struct PermitTests {
    @Test func onlySoManyRequestsAreOpen() throws {
        var permits = try serving()
        for id in 1...UInt64(EgressPermits.mostOpen) {
            try permits.receive(.admit(id: id, reservation: .nothing, record: record))
        }
        let next = UInt64(EgressPermits.mostOpen) + 1
        #expect(throws: WireError.self) { try permits.receive(.admit(id: next, reservation: .nothing, record: record)) }
        permits.refused(1)
        try permits.receive(.admit(id: next, reservation: .nothing, record: record))
    }

    private func serving() throws -> EgressPermits {
        var permits = EgressPermits()
        try permits.receive(.hello(version: WireLimits.version, caPEM: []))
        try permits.receive(.ready)
        return permits
    }

    @Test func nothingButHelloComesFirst() throws {
        for message in fromEgress {
            var permits = EgressPermits()
            switch message {
            case .hello, .fatal: try permits.receive(message)
            default: #expect(throws: WireError.self) { try permits.receive(message) }
            }
        }
    }

    @Test func helloAndReadyComeOnce() throws {
        var permits = try serving()
        #expect(throws: WireError.self) { try permits.receive(.hello(version: WireLimits.version, caPEM: [])) }
        #expect(throws: WireError.self) { try permits.receive(.ready) }
    }

    @Test func aReservationIsSettledOnceAndOnlyIfItStands() throws {
        var permits = try serving()
        let admit = FromEgress.admit(id: 1, reservation: .nothing, record: record)
        let settle = FromEgress.settle(
            id: 1, settlement: Settlement(cost: .zero, usage: TokenUsage(), model: "", usageKnown: true), record: outcome)
        #expect(throws: WireError.self) { try permits.receive(settle) }
        try permits.receive(admit)
        #expect(throws: WireError.self) { try permits.receive(admit) }
        // Nobody has answered yet.
        #expect(throws: WireError.self) { try permits.receive(settle) }
        permits.admitted(1)
        try permits.receive(settle)
        #expect(throws: WireError.self) { try permits.receive(settle) }
        try permits.receive(.admit(id: 2, reservation: .nothing, record: record))
        permits.refused(2)
        permits.admitted(2)
        #expect(throws: WireError.self) {
            try permits.receive(
                .settle(
                    id: 2, settlement: Settlement(cost: .zero, usage: TokenUsage(), model: "", usageKnown: true), record: outcome))
        }
    }

    @Test func aQuestionIsAnIntentAndIsTakenBackByItsNumber() throws {
        var permits = try serving()
        func ask(_ id: UInt64, _ kind: EventKind = .requestIntent) -> FromEgress {
            .ask(id: id, reservation: .nothing, record: RecordDraft(kind: kind, data: []), question: question)
        }
        #expect(throws: WireError.self) { try permits.receive(.withdrawn(id: 1)) }
        #expect(throws: WireError.self) { try permits.receive(ask(5, .approvalDecided)) }
        try permits.receive(ask(5))
        #expect(throws: WireError.self) { try permits.receive(ask(5)) }
        #expect(throws: WireError.self) { try permits.receive(.admit(id: 5, reservation: .nothing, record: record)) }
        #expect(throws: WireError.self) { try permits.receive(.withdrawn(id: 0)) }
        #expect(throws: WireError.self) { try permits.receive(.withdrawn(id: 6)) }
        try permits.receive(.withdrawn(id: 5))
        permits.refused(5)
        // It crossed the answer.
        try permits.receive(.withdrawn(id: 5))
        permits.finishing()
        try permits.receive(ask(6))
        try permits.receive(.withdrawn(id: 6))
    }

    @Test(arguments: EventKind.allCases) func egressWritesNoRecordOfTheSupervisor(_ kind: EventKind) throws {
        var permits = try serving()
        let note = FromEgress.note(RecordDraft(kind: kind, data: []))
        if [.requestRefused, .connectionRefused, .nameRefused, .packetFenced].contains(kind) {
            try permits.receive(note)
        } else {
            #expect(throws: WireError.self) { try permits.receive(note) }
        }
    }
}
