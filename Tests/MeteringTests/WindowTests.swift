// WindowTests: sliding limits on a clock that the tests turn by hand.

import Profile
import TestKit
import Testing
import Vocabulary
import Wire

@testable import Metering

struct SlidingWindows {
    func throttled(tokens: Int64) -> Budget {
        budget {
            $0.perMinute.maxTokens = tokens
            $0.perMinute.action = .throttle
        }
    }

    @Test func aThrottledCallIsToldWhen() {
        var state = BudgetState(throttled(tokens: 100), now: 5000)
        #expect(state.reserve(1, call("0", 80), at: 5000).isAdmitted)
        _ = state.settle(1, used("0", 80), at: 6500)
        let verdict = state.reserve(2, call("0", 80), at: 7000)
        // Settled in the second 6…7 s, so the minute is over at 67 s.
        #expect(verdict.until == 67_000)
        #expect(state.reserve(2, call("0", 80), at: 66_999).isWaiting)
        #expect(state.reserve(2, call("0", 80), at: 67_000).isAdmitted)
    }

    @Test func roomIsMadeByAsManyOldCallsAsItTakes() {
        var state = BudgetState(throttled(tokens: 100), now: 0)
        for (id, time) in [(1, 0), (2, 10_000), (3, 20_000)] as [(UInt64, UInt64)] {
            #expect(state.reserve(id, call("0", 30), at: time).isAdmitted)
            _ = state.settle(id, used("0", 30), at: time)
        }
        #expect(state.reserve(4, call("0", 40), at: 30_000).until == 61_000)
        #expect(state.reserve(4, call("0", 70), at: 30_000).until == 71_000)
    }

    @Test func aCallTooLargeForAnEmptyWindowNeverFits() {
        var state = BudgetState(throttled(tokens: 100), now: 0)
        #expect(state.reserve(1, call("0", 101), at: 0).refusal?.action == .throttle)
        _ = state.reserve(2, call("0", 50), at: 0)
        #expect(state.reserve(3, call("0", 101), at: 0).refusal != nil)
    }

    @Test func aWindowSlidesItDoesNotJump() {
        // Two full windows either side of a whole minute would be twice the limit within two seconds.
        var state = BudgetState(throttled(tokens: 100), now: 59_000)
        #expect(state.reserve(1, call("0", 100), at: 59_000).isAdmitted)
        _ = state.settle(1, used("0", 100), at: 59_000)
        #expect(state.reserve(2, call("0", 100), at: 61_000).isWaiting)
        #expect(state.reserve(2, call("0", 100), at: 120_000).isAdmitted)
    }

    @Test func aClockThatStepsBackStandsStill() {
        var state = BudgetState(throttled(tokens: 100), now: 100_000)
        #expect(state.reserve(1, call("0", 100), at: 100_000).isAdmitted)
        _ = state.settle(1, used("0", 100), at: 100_000)
        #expect(state.reserve(2, call("0", 1), at: 5).until == 161_000)
    }

    /// litellm#34492: the session's old spend has no place in the minute's window.
    @Test func windowsAreKeptApart() {
        var state = BudgetState(
            budget {
                $0.perSession.maxTokens = 1000
                $0.perMinute.maxTokens = 100
                $0.perMinute.action = .throttle
            }, now: 0)
        for id in 1...10 as ClosedRange<UInt64> {
            #expect(state.reserve(id, call("0", 100), at: id * 61_000).isAdmitted)
            _ = state.settle(id, used("0", 100), at: id * 61_000)
        }
        #expect(state.held(.perMinute).tokens == 100 && state.held(.perSession).tokens == 1000)
        #expect(state.reserve(11, call("0", 100), at: 11 * 61_000).refusal?.window == .perSession)
    }

    @Test func theDayIsCountedWhereAsked() {
        var state = BudgetState(
            budget {
                $0.perDay = Budget.Window()
                $0.perDay?.maxCost = dollars("1")
            }, now: 0)
        #expect(state.reserve(1, call("1"), at: 0).isAdmitted)
        _ = state.settle(1, used("1"), at: 0)
        #expect(state.reserve(2, call("0.01"), at: 80_000_000).refusal?.window == .perDay)
        #expect(state.reserve(3, call("0.01"), at: 86_460_000).isAdmitted)
    }
}

struct RandomInterleavings {
    @Test(arguments: 1...40)
    func neverOverAndNothingLeaks(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let limits = budget {
            $0.perSession.maxCost = Money(nanos: 100_000)
            $0.perSession.maxRequests = 400
            $0.perMinute.maxTokens = 5000
            $0.perMinute.maxCost = Money(nanos: 9000)
            $0.perMinute.action = .throttle
        }
        var state = BudgetState(limits, now: 0)
        // The reference: every settled amount with its time, and every open reservation.
        var open: [UInt64: Reservation] = [:]
        var settled: [(at: UInt64, cost: Int64, tokens: Int64)] = []
        var (time, id, refusals) = (UInt64(0), UInt64(0), 0)
        for _ in 0..<1200 {
            time += UInt64.random(in: 0...400, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                id += 1
                let asked = Reservation(
                    cost: Money(nanos: .random(in: 0...2500, using: &random)), tokens: .random(in: 0...1500, using: &random))
                if state.reserve(id, asked, at: time).isAdmitted { open[id] = asked } else { refusals += 1 }
            case 5..<9:
                guard let chosen = open.keys.sorted().randomElement(using: &random), let asked = open.removeValue(forKey: chosen)
                else {
                    continue
                }
                let known = Bool.random(using: &random)
                let cost = known ? Int64.random(in: 0...asked.cost.nanos, using: &random) : asked.cost.nanos
                let tokens = known ? Int64.random(in: 0...asked.tokens, using: &random) : asked.tokens
                let outcome = state.settle(
                    chosen,
                    Settlement(cost: Money(nanos: cost), usage: TokenUsage(output: tokens), model: "m", usageKnown: known), at: time
                )
                #expect(outcome == .settled(exceeded: []))
                settled.append((time, cost, tokens))
            default:
                guard let chosen = open.keys.sorted().randomElement(using: &random) else { continue }
                open[chosen] = nil
                #expect(state.release(chosen) == .settled(exceeded: []))
            }
            let held = open.values.reduce(Spend()) { Spend(cost: $0.cost + $1.cost, tokens: $0.tokens + $1.tokens) }
            let total = settled.reduce(Int64(0)) { $0 + $1.cost } + held.cost.nanos
            let minute = settled.filter { $0.at + 60_000 > time }
            #expect(total <= 100_000 && state.held(.perSession).cost.nanos == total)
            #expect(state.reserved.cost == held.cost && state.reserved.tokens == held.tokens && state.openCount == open.count)
            #expect(minute.reduce(Int64(0)) { $0 + $1.tokens } + held.tokens <= 5000)
            #expect(minute.reduce(Int64(0)) { $0 + $1.cost } + held.cost.nanos <= 9000)
        }
        #expect(refusals > 0 && !settled.isEmpty)
        _ = state.settleAllOpen(at: time)
        #expect(state.reserved == Spend() && state.held(.perSession).cost.nanos <= 100_000)
        #expect(state.totals.cost == state.held(.perSession).cost)
    }
}
