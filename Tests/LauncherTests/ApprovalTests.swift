// Questions to the operator: each ends once, a yes is for one request or for one path, and nothing goes on without its record.

import LogStore
import Metering
import Profile
import Testing
import Vocabulary
import Wire

@testable import Launcher

func question(_ digest: UInt8 = 1, scope: UInt8 = 1, path: String = "/x") -> ApprovalQuestion {
    ApprovalQuestion(
        method: "POST", host: "files.example", port: 443, path: path, contentType: "application/json", bytes: 12,
        digest: [UInt8](repeating: digest, count: 32), scope: [UInt8](repeating: scope, count: 32), risk: .high,
        reason: "risk high", rule: "allowlist[0]")
}

@Suite struct ApprovalStateTests {
    private func approvals() -> ApprovalQueue { ApprovalQueue(timeout: TimeSpan(milliseconds: 1000)) }
    private func digest(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 32) }

    @Test func aYesIsForOneRequestOnce() throws {
        var state = approvals()
        #expect(state.ask(1, question(), at: 0) == .waits)
        #expect(try state.decide(1, digest: digest(1), OperatorWord(allows: true), by: 7, at: 10).map(\.id) == [1])
        #expect(throws: ApprovalQueue.Refused.notPending) {
            try state.decide(1, digest: digest(1), OperatorWord(allows: true), by: 7, at: 10)
        }
        // The very same request again is asked about again.
        #expect(state.ask(2, question(), at: 20) == .waits)
        #expect(state.pending.map(\.id) == [2])
    }

    @Test func aWordIsBoundToWhatWasSeen() throws {
        var state = approvals()
        _ = state.ask(1, question(1), at: 0)
        #expect(throws: ApprovalQueue.Refused.otherRequest) {
            try state.decide(1, digest: digest(2), OperatorWord(allows: true), by: 7, at: 10)
        }
        #expect(throws: ApprovalQueue.Refused.notPending) {
            try state.decide(2, digest: digest(1), OperatorWord(allows: true), by: 7, at: 10)
        }
        #expect(state.pending.count == 1)
    }

    @Test func aWordForTheSessionHoldsForItsScopeAlone() throws {
        var state = approvals()
        _ = state.ask(1, question(1, scope: 1), at: 0)
        _ = state.ask(2, question(2, scope: 1), at: 0)
        _ = state.ask(3, question(3, scope: 2), at: 0)
        let settled = try state.decide(1, digest: digest(1), OperatorWord(allows: true, forSession: true), by: 7, at: 10)
        #expect(settled.map(\.id) == [1, 2])
        #expect(state.ask(4, question(9, scope: 1), at: 20) == .settled(allows: true, uid: 7))
        #expect(state.ask(5, question(9, scope: 2), at: 20) == .waits)
        _ = try state.decide(3, digest: digest(3), OperatorWord(allows: false, forSession: true), by: 8, at: 30)
        #expect(state.ask(6, question(9, scope: 2), at: 40) == .settled(allows: false, uid: 8))
        #expect(state.pending.isEmpty)
    }

    @Test func silenceIsANo() throws {
        var state = approvals()
        _ = state.ask(1, question(), at: 0)
        _ = state.ask(2, question(), at: 500)
        #expect(state.deadline == 1000)
        #expect(state.expire(at: 999).isEmpty)
        // A word that comes with the last bell is too late, whether or not the loop has looked.
        #expect(throws: ApprovalQueue.Refused.notPending) {
            try state.decide(1, digest: digest(1), OperatorWord(allows: true), by: 7, at: 1000)
        }
        #expect(state.expire(at: 1000).map(\.id) == [1])
        #expect(state.deadline == 1500)
        var endless = ApprovalQueue(timeout: TimeSpan(milliseconds: .max))
        _ = endless.ask(1, question(), at: 5)
        #expect(endless.deadline == .max)
    }

    @Test func whoHasGoneIsNotAskedFor() throws {
        var state = approvals()
        _ = state.ask(1, question(), at: 0)
        #expect(state.withdraw(1)?.id == 1)
        #expect(state.withdraw(1) == nil)
        #expect(throws: ApprovalQueue.Refused.notPending) {
            try state.decide(1, digest: digest(1), OperatorWord(allows: true), by: 7, at: 1)
        }
    }

    @Test func onlySoManyWait() {
        var state = approvals()
        for id in 1...UInt64(ApprovalQueue.mostPending) { #expect(state.ask(id, question(), at: 0) == .waits) }
        #expect(state.ask(99, question(), at: 0) == .tooMany)
        _ = state.withdraw(1)
        #expect(state.ask(100, question(), at: 0) == .waits)
    }

    @Test func onlySoManyWordsAreKept() throws {
        var state = approvals()
        func scope(_ number: Int) -> ApprovalQuestion {
            var asked = question()
            asked.scope = [UInt8(number >> 8), UInt8(number & 255)] + [UInt8](repeating: 0, count: 30)
            return asked
        }
        for number in 0..<ApprovalQueue.mostForSession {
            _ = state.ask(UInt64(number), scope(number), at: 0)
            _ = try state.decide(UInt64(number), digest: digest(1), OperatorWord(allows: true, forSession: true), by: 7, at: 1)
        }
        _ = state.ask(9999, scope(ApprovalQueue.mostForSession), at: 0)
        #expect(throws: ApprovalQueue.Refused.tooManyForSession) {
            try state.decide(9999, digest: digest(1), OperatorWord(allows: true, forSession: true), by: 7, at: 1)
        }
        #expect(try state.decide(9999, digest: digest(1), OperatorWord(allows: true), by: 7, at: 1).count == 1)
    }
}

@Suite struct ApprovalAdmissionTests {
    private func admissions(_ scratch: Scratch, limit: String = "1.00", timeout: UInt64 = 60_000, room: Int = 1 << 20) throws
        -> Admissions
    {
        var budget = Budget()
        budget.perSession = Budget.Window()
        budget.perSession.maxCost = Money(decimal: limit)
        return Admissions(
            log: try scratch.log(), budget: BudgetState(budget, now: 0), profile: "test",
            approvals: ApprovalQueue(timeout: TimeSpan(milliseconds: timeout)), room: room)
    }

    private func ask(_ id: UInt64, _ cost: String = "0.10", _ asked: ApprovalQuestion = question()) throws -> FromEgress {
        .ask(
            id: id, reservation: Reservation(cost: try #require(Money(decimal: cost)), tokens: 1), record: intent(id),
            question: asked)
    }

    private func decide(_ admissions: inout Admissions, _ id: UInt64, _ word: OperatorWord, at now: Moment = .now) throws
        -> (answers: [ToEgress], stop: StopReason?, refused: ApprovalQueue.Refused?)
    {
        var refused: ApprovalQueue.Refused?
        let turn = try admissions.decide(id, digest: question().digest, word, by: 1000, at: now, refused: &refused)
        return (turn.answers, turn.stop, refused)
    }

    private func order(_ scratch: Scratch, _ kinds: [String]) -> Bool {
        var rest = Substring(scratch.records)
        for kind in kinds {
            guard let range = rest.firstRange(of: #""kind":"\#(kind)""#) else { return false }
            rest = rest[range.upperBound...]
        }
        return true
    }

    @Test func nothingIsAdmittedOrReservedBeforeTheWord() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch)
        #expect(try admissions.handle([try ask(1)], at: .now).answers.isEmpty)
        #expect(admissions.budget.openCount == 0)
        #expect(!scratch.records.contains("request.intent"))
        let said = try decide(&admissions, 1, .init(allows: true))
        #expect(said.answers == [.admitted(id: 1)])
        #expect(admissions.budget.openCount == 1)
        #expect(order(scratch, ["approval.requested", "approval.decided", "request.intent"]))
        #expect(scratch.records.contains(#""decision":"approved""#) && scratch.records.contains(#""uid":1000"#))
        #expect(try decide(&admissions, 1, .init(allows: true)).refused == .notPending)
    }

    @Test func theBudgetHoldsForWhatWasApproved() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch, limit: "0.05")
        _ = try admissions.handle([try ask(1)], at: .now).answers
        guard case .refused(1, .budgetExceeded, _) = try decide(&admissions, 1, .init(allows: true)).answers.first else {
            Issue.record("admitted beyond the budget")
            return
        }
    }

    @Test func aNoIsToldWithoutItsReasons() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch)
        _ = try admissions.handle([try ask(1)], at: .now).answers
        let said = try decide(&admissions, 1, .init(allows: false))
        #expect(
            said.answers == [
                .refused(
                    id: 1, why: .approvalDenied,
                    told: "akios-exec: the operator denied this request (host files.example, profile 'test'). Ask the operator.")
            ])
        #expect(said.stop == nil && scratch.records.contains(#""decision":"denied""#))
    }

    @Test func aNoCanEndTheSession() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch)
        _ = try admissions.handle([try ask(1), try ask(2)], at: .now).answers
        let said = try decide(&admissions, 1, .init(allows: false, stops: true))
        #expect(said.stop?.status == 122 && said.stop?.code == "approval")
        #expect(said.answers.count == 2)
        for case .refused(_, let why, _) in said.answers { #expect(why == .approvalDenied || why == .stopping) }
        #expect(try admissions.handle([try ask(3)], at: .now).answers.count == 1)
        #expect(admissions.approvals.pending.isEmpty && admissions.deadline == nil)
    }

    @Test func timeDenies() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch, timeout: 10)
        let now = Moment.now
        _ = try admissions.handle([try ask(1)], at: now).answers
        #expect(try admissions.retry(at: now).answers.isEmpty)
        let later = Moment(wall: now.wall, monotonic: now.monotonic + 11_000_000)
        #expect(try decide(&admissions, 1, .init(allows: true), at: later).refused == .notPending)
        guard case .refused(1, .approvalExpired, _) = try admissions.retry(at: later).answers.first else {
            Issue.record("a question without an answer stays open")
            return
        }
        #expect(scratch.records.contains(#""decision":"expired""#))
    }

    @Test func theAgentTakesItBack() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch)
        _ = try admissions.handle([try ask(1)], at: .now).answers
        guard case .refused(1, _, _) = try admissions.handle([.withdrawn(id: 1)], at: .now).answers.first else {
            Issue.record("every question is answered once")
            return
        }
        #expect(scratch.records.contains(#""decision":"withdrawn""#))
        // It crossed the answer: nothing follows.
        #expect(try admissions.handle([.withdrawn(id: 1)], at: .now).answers.isEmpty)
    }

    @Test func aWordForTheSessionIsRecordedEachTime() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch)
        _ = try admissions.handle([try ask(1), try ask(2)], at: .now).answers
        #expect(try decide(&admissions, 1, .init(allows: true, forSession: true)).answers == [.admitted(id: 1), .admitted(id: 2)])
        #expect(try admissions.handle([try ask(3)], at: .now).answers == [.admitted(id: 3)])
        #expect(scratch.records.ranges(of: #""kind":"approval.decided""#).count == 3)
        #expect(scratch.records.ranges(of: #""how":"session""#).count == 2)
        #expect(try admissions.handle([try ask(4, "0.10", question(4, scope: 4))], at: .now).answers.isEmpty)
    }

    @Test func withoutALogNobodyIsAskedAndNothingIsApproved() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch, room: 10)
        #expect(throws: LogError.self) { _ = try admissions.handle([try ask(1)], at: .now).answers }
        #expect(admissions.parked.isEmpty)
    }

    @Test func othersThatAreSentMeanwhileDoNotWearItOut() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch)
        _ = try admissions.handle([try ask(1), try ask(2), try ask(3)], at: .now).answers
        #expect(try admissions.handle([.withdrawn(id: 2)], at: .now).answers.count == 1)
        _ = try decide(&admissions, 3, .init(allows: false))
        let far = FromEgress.admit(id: 1_000_000, reservation: .nothing, record: intent(1_000_000))
        #expect(try admissions.handle([far], at: .now).answers == [.admitted(id: 1_000_000)])
        #expect(try decide(&admissions, 1, .init(allows: true)).answers == [.admitted(id: 1)])
        // Over is over.
        for id: UInt64 in [1, 2, 3] {
            #expect(admissions.budget.reserve(id, .nothing, at: 0) == .closed(reason: "request id \(id) was used before"))
        }
    }

    @Test func whoIsToldIsToldOfWhatIsInTheLog() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch)
        let alerts = try admissions.handle([try ask(1)], at: .now).alerts
        let record = try #require(scratch.records.split(separator: "\n").last { $0.contains("approval.requested") })
        #expect(alerts.map(\.topic) == [.question] && alerts.first?.line == Array(record.utf8))
        #expect(try admissions.handle([.withdrawn(id: 1)], at: .now).alerts == [])
    }

    @Test func tooManyAreRefusedAtOnce() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch)
        for id in 1...UInt64(ApprovalQueue.mostPending) { #expect(try admissions.handle([try ask(id)], at: .now).answers.isEmpty) }
        guard case .refused(99, .approvalNeeded, _) = try admissions.handle([try ask(99)], at: .now).answers.first else {
            Issue.record("one too many waits")
            return
        }
        #expect(admissions.close(.egressFailed("test")).count == ApprovalQueue.mostPending)
    }
}
