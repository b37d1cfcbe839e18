// Budget, record, answer, in this order; and nothing is answered that is not in the log.

import LogStore
import Metering
import Profile
import Testing
import Vocabulary
import Wire

@testable import Launcher

@Suite struct AdmissionsTests {
    private func admissions(_ scratch: Scratch, limit: String, room: Int = 1 << 20, change: (inout Budget) -> Void = { _ in })
        throws -> Admissions
    {
        var budget = Budget()
        budget.perSession = Budget.Window()
        budget.perSession.maxCost = Money(decimal: limit)
        change(&budget)
        return Admissions(
            log: try scratch.log(), budget: BudgetState(budget, now: 0), profile: "test",
            approvals: ApprovalQueue(timeout: TimeSpan(milliseconds: 1000)), room: room)
    }

    private func ask(_ id: UInt64, _ cost: String) throws -> FromEgress {
        .admit(id: id, reservation: Reservation(cost: try #require(Money(decimal: cost)), tokens: 1), record: intent(id))
    }

    private func settle(_ id: UInt64, _ cost: String) throws -> FromEgress {
        let settlement = Settlement(
            cost: try #require(Money(decimal: cost)), usage: TokenUsage(input: 1), model: "gpt-4o", usageKnown: true)
        return .settle(id: id, settlement: settlement, record: outcome(id))
    }

    @Test func anAnswerHasItsRecord() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch, limit: "1.00")
        let turn = try admissions.handle([try ask(1, "0.10")], at: .now)
        #expect(turn.answers == [.admitted(id: 1)])
        #expect(turn.stop == nil)
        #expect(scratch.records.contains(#""kind":"request.intent""#))
    }

    @Test func theCallBeyondTheBudgetEndsTheSessionAndWhatCameWithIt() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch, limit: "0.10") { $0.perSession.action = .terminate }
        let turn = try admissions.handle([try ask(1, "0.20"), try ask(2, "0.01")], at: .now)
        #expect(turn.stop?.status == 120)
        #expect(turn.stop?.code == "budget")
        #expect(turn.answers.count == 2)
        for case .refused(_, let why, let told) in turn.answers {
            #expect(why == .budgetExceeded)
            #expect(!told.contains("0.10"), "the agent is told no amounts")
        }
        #expect(!turn.answers.contains { if case .admitted = $0 { true } else { false } })
        #expect(scratch.records.contains(#""kind":"budget.exceeded""#))
        #expect(!scratch.records.contains(#""kind":"request.intent""#))
        #expect(try admissions.handle([try ask(3, "0.01")], at: .now).answers.count == 1)
    }

    /// `action_on_exceed: alert` lets through, and nothing but the record tells of it.
    @Test func anAlertIsARecordBeforeTheAnswer() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch, limit: "0.10") {
            $0.perSession.action = .alert
            $0.perSession.maxRequests = 5
        }
        #expect(try admissions.handle([try ask(1, "0.10")], at: .now).answers == [.admitted(id: 1)])
        #expect(!scratch.records.contains("budget.exceeded"))
        #expect(try admissions.handle([try ask(2, "0.05")], at: .now).answers == [.admitted(id: 2)])
        let record = #"{"action":"alert","allowed":"0.10","asked":"0.05","limit":"per_session.max_cost_usd","used":"0.10"}"#
        let alert = try #require(scratch.records.firstRange(of: record), "\(scratch.records)")
        let intents = scratch.records.ranges(of: #""kind":"request.intent""#)
        #expect(intents.count == 2 && intents[0].upperBound < alert.lowerBound && alert.upperBound < intents[1].lowerBound)
    }

    @Test func withoutALogNothingIsAnswered() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch, limit: "1.00", room: 10)
        #expect(throws: LogError.self) { _ = try admissions.handle([try ask(1, "0.10")], at: .now).answers }
        #expect(admissions.budget.openCount == 0, "money held for a call that did not happen")
        #expect(!scratch.records.contains(#""kind":"request.intent""#))
    }

    @Test func aFloodOfNotesEndsBeforeTheDiskDoes() throws {
        let scratch = try Scratch()
        let note = outcome(1)
        var admissions = try admissions(scratch, limit: "1.00", room: note.data.count * 3)
        #expect(throws: LogError.self) {
            for _ in 0..<4 { _ = try admissions.handle([.note(note)], at: .now).answers }
        }
    }

    @Test func whatFitsLaterWaitsForTheSettlement() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch, limit: "0.10")
        #expect(try admissions.handle([try ask(1, "0.08")], at: .now).answers == [.admitted(id: 1)])
        #expect(try admissions.handle([try ask(2, "0.08")], at: .now).answers.isEmpty)
        #expect(try admissions.handle([try settle(1, "0.01")], at: .now).answers == [.admitted(id: 2)])
    }

    @Test func closingAnswersAllThatWait() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch, limit: "0.10")
        _ = try admissions.handle([try ask(1, "0.08"), try ask(2, "0.08"), try ask(3, "0.07")], at: .now).answers
        let answers = admissions.close(.egressFailed("test"))
        #expect(answers.count == 2)
        #expect(answers.allSatisfy { if case .refused = $0 { true } else { false } })
        #expect(admissions.close(.egressFailed("again")).isEmpty)
        // What is open may still settle; nothing is admitted by it.
        #expect(try admissions.handle([try settle(1, "0.01"), try ask(4, "0.01")], at: .now).answers.count == 1)
        #expect(admissions.budget.totals.cost == Money(decimal: "0.01"))
    }

    @Test func onlySoManyMayWait() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch, limit: "0.10", room: 1 << 30)
        _ = try admissions.handle([try ask(1, "0.08")], at: .now).answers
        let most = UInt64(Admissions.mostWaiting)
        let waiting = try (2..<2 + most).map { try ask($0, "0.08") }
        #expect(try admissions.handle(waiting, at: .now).answers.isEmpty)
        let answers = try admissions.handle([try ask(2 + most, "0.08")], at: .now).answers
        #expect(answers.contains { if case .refused(2 + most, _, _) = $0 { true } else { false } })
    }

    @Test func whatNeverReportedCountsAsItsReservation() throws {
        let scratch = try Scratch()
        var admissions = try admissions(scratch, limit: "1.00")
        _ = try admissions.handle([try ask(1, "0.25")], at: .now).answers
        admissions.settleAllOpen(at: .now)
        #expect(admissions.budget.totals.cost == Money(decimal: "0.25"))
    }
}
