// RateTests: what a minute and a second let through, on a clock that the test turns.

import TestKit
import Testing

@testable import Policy

private let second: UInt64 = 1_000_000_000

struct Rates {
    @Test func noMinuteHoldsMoreThanTheLimit() throws {
        var random = SplitMix(seed: 3)
        var rate = PerMinute(50)
        var passed: [UInt64] = []
        var now = 17 * second
        for _ in 0..<4000 {
            now += UInt64(random.below(200_000_000))
            if rate.take(1, at: now) == nil { passed.append(now) }
        }
        for (index, time) in passed.enumerated() where index >= 50 { #expect(time - passed[index - 50] >= 60 * second) }
        // Nor does it let much less through: a second of the minute is the price of a small memory.
        let minutes = Int((now - 17 * second) / (62 * second))
        #expect(passed.count >= 50 * minutes)
    }

    @Test func theTimeToWaitIsLongEnoughAndNoLongerThanNeeded() {
        var rate = PerMinute(3)
        #expect(rate.take(2, at: 5 * second) == nil)
        #expect(rate.take(1, at: 9 * second) == nil)
        #expect(rate.take(1, at: 10 * second) == 56 * second)
        #expect(rate.take(1, at: 66 * second - 1) == 1)
        #expect(rate.take(1, at: 66 * second) == nil)
        #expect(rate.take(4, at: 66 * second) == .max)
    }

    @Test func whatHappenedAlreadyIsWaitedFor() {
        var rate = PerMinute(100)
        #expect(rate.spend(99, at: 0) == 0)
        #expect(rate.spend(500, at: second) == 61 * second)
        #expect(rate.spend(0, at: 61 * second) == second)
        #expect(rate.spend(0, at: 62 * second) == 0)
        var none = PerMinute(0)
        #expect(none.spend(0, at: 0) == .max && none.take(1, at: 0) == .max)
    }

    @Test func aClockThatStandsOrGoesBackGivesNothing() {
        var rate = PerMinute(1)
        #expect(rate.take(1, at: 100 * second) == nil)
        #expect(rate.take(1, at: 5 * second) != nil)
        var bucket = TokenBucket(perSecond: 1000, burst: 10)
        #expect(bucket.spend(10, at: 100 * second) == 0)
        #expect(bucket.spend(1, at: 5 * second) == 1_000_000)
        #expect(bucket.spend(0, at: 100 * second) == 1_000_000)
    }

    @Test func aBucketKeepsItsRateHoweverTheReadsAreCut() {
        var random = SplitMix(seed: 11)
        var bucket = TokenBucket(perSecond: 12_345, burst: 1000)
        var now: UInt64 = 0
        var passed: UInt64 = 0
        while now < 1000 * second {
            let piece = UInt64(1 + random.below(9000))
            passed += piece
            now += max(bucket.spend(piece, at: now), UInt64(random.below(1000)))
        }
        // The burst, and one read of debt.
        #expect(passed <= 12_345 * now / second + 1000 + 9000)
        #expect(passed >= 12_345 * (now / second) - 9000)
    }

    @Test func aBucketNeverOverflows() {
        var bucket = TokenBucket(perSecond: .max, burst: .max)
        #expect(bucket.spend(.max, at: 0) == 0)
        #expect(bucket.spend(.max, at: .max) == 0)
        var slow = TokenBucket(perSecond: 1, burst: 1)
        #expect(slow.spend(.max, at: 0) == .max)
        #expect(slow.spend(.max, at: 1) == .max)
        var closed = TokenBucket(perSecond: 0, burst: 1)
        #expect(closed.spend(2, at: 0) == .max)
    }
}
