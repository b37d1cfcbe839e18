// BudgetTests: settled + reserved stays within the limit, whatever comes in which order.

import Profile
import Testing
import Vocabulary
import Wire

@testable import Metering

func dollars(_ text: String) -> Money { Money(decimal: text) ?? Money(nanos: -1) }

func budget(_ change: (inout Budget) -> Void) -> Budget {
    var budget = Budget()
    budget.perSession = Budget.Window()
    change(&budget)
    return budget
}

func call(_ cost: String, _ tokens: Int64 = 10) -> Reservation { Reservation(cost: dollars(cost), tokens: tokens) }

func used(_ cost: String, _ tokens: Int64 = 10) -> Settlement {
    Settlement(cost: dollars(cost), usage: TokenUsage(input: tokens), model: "gpt-4o", usageKnown: true)
}

extension BudgetVerdict {
    var isAdmitted: Bool { if case .admitted = self { true } else { false } }
    var refusal: BudgetRefusal? { if case .refused(let refusal) = self { refusal } else { nil } }
    var isClosed: Bool { if case .closed = self { true } else { false } }
    var isWaiting: Bool { if case .wait = self { true } else { false } }
    var until: UInt64? { if case .wait(let until, _) = self { until } else { nil } }
}

struct SessionBudget {
    /// litellm#34732: a check before the spend is recorded lets N parallel calls through.
    @Test func parallelCallsCannotAllPassTheSameCheck() {
        var state = BudgetState(budget { $0.perSession.maxCost = dollars("0.10") }, now: 0)
        let admitted = (1...20).filter { state.reserve(UInt64($0), call("0.03"), at: 0).isAdmitted }
        #expect(admitted.count == 3)
        #expect(state.held(.perSession).cost == dollars("0.09"))
    }

    @Test func theLimitItselfMayBeSpentAndNothingBeyond() {
        var state = BudgetState(budget { $0.perSession.maxCost = dollars("0.10") }, now: 0)
        #expect(state.reserve(1, call("0.10"), at: 0).isAdmitted)
        #expect(state.settle(1, used("0.10"), at: 1) == .settled(exceeded: []))
        #expect(state.reserve(2, Reservation(cost: Money(nanos: 1), tokens: 0), at: 2).refusal?.action == .terminate)
        #expect(state.held(.perSession).cost == dollars("0.10"))
    }

    /// litellm#36592, #36926: what calls in flight hold is not spent; the agent is not ended for it.
    @Test func callsInFlightMakeOthersWaitNotFail() {
        var state = BudgetState(budget { $0.perSession.maxCost = dollars("0.10") }, now: 0)
        #expect(state.reserve(1, call("0.08"), at: 0).isAdmitted)
        let verdict = state.reserve(2, call("0.08"), at: 0)
        #expect(verdict.isWaiting && verdict.until == nil)
        _ = state.settle(1, used("0.01"), at: 5)
        #expect(state.reserve(2, call("0.08"), at: 5).isAdmitted)
        _ = state.settle(2, used("0.08"), at: 6)
        #expect(state.reserve(3, call("0.08"), at: 6).refusal?.window == .perSession)
    }

    /// litellm#33736 and kin: a client that hangs up does not make the call free.
    @Test func withoutUsageTheReservationIsSpent() {
        var state = BudgetState(budget { $0.perSession.maxCost = dollars("1") }, now: 0)
        #expect(state.reserve(1, call("0.40", 700), at: 0).isAdmitted)
        #expect(state.settle(1, PriceBook.unknown("gpt-4o", .nothing), at: 1) == .settled(exceeded: []))
        #expect(state.totals.cost == dollars("0.40") && state.totals.unreported == 700 && state.totals.usage == TokenUsage())
    }

    /// litellm#37992: an explicit zero is a number.
    @Test func zeroUsageCostsNothing() {
        var state = BudgetState(budget { $0.perSession.maxCost = dollars("1") }, now: 0)
        #expect(state.reserve(1, call("0.40"), at: 0).isAdmitted)
        _ = state.settle(1, used("0", 0), at: 1)
        #expect(state.totals.cost == .zero && state.totals.unreported == 0 && state.held(.perSession).cost == .zero)
    }

    @Test func settlingTwiceCountsOnce() {
        var state = BudgetState(budget { $0.perSession.maxCost = dollars("1") }, now: 0)
        #expect(state.reserve(1, call("0.40"), at: 0).isAdmitted)
        #expect(state.settle(1, used("0.10"), at: 1) == .settled(exceeded: []))
        #expect(state.settle(1, used("0.10"), at: 2) == .unknown)
        #expect(state.release(1) == .unknown)
        #expect(state.settle(99, used("0.10"), at: 2) == .unknown)
        #expect(state.totals.cost == dollars("0.10") && state.totals.calls == 1 && state.openCount == 0)
    }

    @Test func anIdIsGoodForOneAdmission() {
        var state = BudgetState(budget { $0.perSession.maxCost = dollars("1") }, now: 0)
        #expect(state.reserve(7, call("0.01"), at: 0).isAdmitted)
        #expect(state.reserve(7, call("0.01"), at: 0).isClosed)
        _ = state.settle(7, used("0.01"), at: 1)
        #expect(state.reserve(7, call("0.01"), at: 2).isClosed)
        // Requests overtake each other, so a lower id may come later, but not from long ago.
        #expect(state.reserve(3, call("0.01"), at: 2).isAdmitted)
        #expect(state.reserve(100_000, call("0.01"), at: 2).isAdmitted)
        #expect(state.reserve(4, call("0.01"), at: 2).isClosed)
    }

    @Test func idsAreRememberedInBoundedMemory() {
        var ids = UsedIDs(reach: 16)
        for id in 1...10_000 as ClosedRange<UInt64> { ids.use(id) }
        #expect((1...10_000 as ClosedRange<UInt64>).allSatisfy { !ids.isFresh($0) })
        #expect(ids.isFresh(10_001) && ids.remembered <= 33)
    }

    @Test func anIDThatIsHeldStaysGoodForOneUse() {
        var ids = UsedIDs(reach: 16)
        ids.hold(1)
        ids.hold(2)
        for id in 3...10_000 as ClosedRange<UInt64> { ids.use(id) }
        ids.letGo(2)
        #expect(ids.isFresh(1) && !ids.isFresh(2))
        ids.use(1)
        // What was used cannot be held.
        ids.hold(1)
        #expect(!ids.isFresh(1) && ids.remembered <= 33)
    }

    @Test func aRefusedCallLeavesNothingBehind() {
        var state = BudgetState(budget { $0.perSession.maxCost = dollars("0.10") }, now: 0)
        #expect(state.reserve(1, call("0.20"), at: 0).refusal != nil)
        #expect(state.reserved == Spend() && state.openCount == 0)
        #expect(state.reserve(1, call("0.10"), at: 0).isAdmitted)
    }

    @Test func releasedMoneyComesBack() {
        var state = BudgetState(
            budget {
                $0.perSession = Budget.Window(); $0.perSession.maxRequests = 1
            }, now: 0)
        #expect(state.reserve(1, call("0.10"), at: 0).isAdmitted)
        #expect(state.release(1) == .settled(exceeded: []))
        #expect(state.reserve(2, call("0.10"), at: 0).isAdmitted)
        _ = state.settle(2, used("0.10"), at: 0)
        #expect(state.reserve(3, call("0.10"), at: 0).refusal?.limits.map(\.name) == ["per_session.max_requests"])
    }

    @Test func lateSettlementsCountAfterTheStop() {
        var state = BudgetState(budget { $0.perSession.maxCost = dollars("1") }, now: 0)
        #expect(state.reserve(1, call("0.40"), at: 0).isAdmitted)
        #expect(state.reserve(2, call("0.30"), at: 0).isAdmitted)
        state.close()
        #expect(state.reserve(3, call("0.01"), at: 1).isClosed)
        #expect(state.settle(1, used("0.20"), at: 2) == .settled(exceeded: []))
        #expect(state.settleAllOpen(at: 3) == [2])
        #expect(state.totals.cost == dollars("0.50") && state.reserved == Spend() && state.openCount == 0)
    }

    @Test func aCallThatUsedMoreThanItsBoundIsRecordedAndReported() {
        var state = BudgetState(budget { $0.perSession.maxCost = dollars("0.10") }, now: 0)
        #expect(state.reserve(1, call("0.10"), at: 0).isAdmitted)
        #expect(state.settle(1, used("0.15"), at: 1) == .settled(exceeded: [.perSession]))
        #expect(state.totals.cost == dollars("0.15") && state.held(.perSession).cost == dollars("0.15"))
    }

    @Test func nonsenseFromTheProxyIsNoCredit() {
        var state = BudgetState(budget { $0.perSession.maxCost = dollars("1") }, now: 0)
        #expect(state.reserve(1, Reservation(cost: Money(nanos: -5), tokens: 0), at: 0).isClosed)
        #expect(state.reserve(2, Reservation(cost: .zero, tokens: -1), at: 0).isClosed)
        #expect(state.reserve(3, call("0.40"), at: 0).isAdmitted)
        _ = state.settle(
            3, Settlement(cost: Money(nanos: -1_000_000_000), usage: TokenUsage(), model: "m", usageKnown: true), at: 1)
        #expect(state.totals.cost == dollars("0.40"))
        #expect(state.reserve(4, Reservation(cost: Money(nanos: .max), tokens: .max), at: 1).refusal != nil)
        #expect(state.reserve(5, call("0.40"), at: 1).isAdmitted)
        _ = state.settle(
            5, Settlement(cost: .zero, usage: TokenUsage(input: -9, output: 3), model: "m", usageKnown: true), at: 1)
        #expect(state.totals.cost == dollars("0.80"))
    }

    @Test func freeCallsAreNotCounted() {
        var state = BudgetState(budget { $0.perSession.maxRequests = 1 }, now: 0)
        for id in 1...5 as ClosedRange<UInt64> { #expect(state.reserve(id, .nothing, at: 0).isAdmitted) }
        #expect(state.reserve(6, call("0"), at: 0).isAdmitted)
        #expect(state.reserve(7, call("0"), at: 0).isWaiting)
    }

    @Test func anAlertLetsThroughAndSaysSo() {
        var state = BudgetState(
            budget {
                $0.perSession.maxCost = dollars("0.10")
                $0.perSession.action = .alert
            }, now: 0)
        #expect(state.reserve(1, call("0.10"), at: 0) == .admitted(alerts: []))
        guard case .admitted(let alerts) = state.reserve(2, call("0.07"), at: 0) else {
            Issue.record("not let through")
            return
        }
        #expect(
            alerts.map(\.limits) == [[.init(name: "per_session.max_cost_usd", allowed: "0.10", used: "0.10", asked: "0.07")]])
    }

    /// Of a window with several limits the ones that are passed are named, each in its own unit.
    @Test func aRefusalNamesTheLimitThatIsPassed() {
        var state = BudgetState(
            budget {
                $0.perSession.maxCost = dollars("1.00")
                $0.perSession.maxRequests = 1
                $0.perSession.maxTokens = 15
            }, now: 0)
        #expect(state.reserve(1, call("0.10"), at: 0).isAdmitted)
        _ = state.settle(1, used("0.10"), at: 0)
        let refusal = state.reserve(2, call("0.20"), at: 0).refusal
        #expect(
            refusal?.limits == [
                .init(name: "per_session.max_tokens", allowed: "15", used: "10", asked: "10"),
                .init(name: "per_session.max_requests", allowed: "1", used: "1", asked: "1"),
            ])
        #expect(
            refusal?.reason
                == "budget.per_session.max_tokens: 10 held and 10 asked of 15; per_session.max_requests: 1 held and 1 asked of 1")
    }

    @Test func totalsByModelStayBounded() {
        var state = BudgetState(budget { _ in }, now: 0)
        for id in 1...200 as ClosedRange<UInt64> {
            _ = state.reserve(id, call("0.01"), at: 0)
            _ = state.settle(
                id, Settlement(cost: dollars("0.01"), usage: TokenUsage(input: 1), model: "m\(id)", usageKnown: true), at: 0)
        }
        #expect(state.totals.byModel.count == 65 && state.totals.byModel["other"]?.calls == 136 && state.totals.calls == 200)
        #expect(state.totals.byModel.values.reduce(Money.zero) { $0 + $1.cost } == state.totals.cost)
    }
}
