// Folding: whatever comes how often and when, the records are few and their counts sum up to all that came.

import Events
import Testing

@Suite struct FoldingTests {
    private static let quiet = Folding<Int>.firstQuiet

    @Test func theFirstIsToldAtOnceAndItsLikeLater() {
        var folding = Folding<Int>(mostKinds: 4)
        #expect(folding.take(7, at: 100)?.count == 1)
        #expect(folding.take(8, at: 100)?.kind == 8, "another kind is told at once too")
        for time in 1...10 as ClosedRange<UInt64> { #expect(folding.take(7, at: 100 + time) == nil) }
        let told = folding.take(7, at: 100 + Self.quiet)
        #expect(told?.kind == 7 && told?.count == 11)
        #expect(folding.take(7, at: 100 + 2 * Self.quiet) == nil, "the second time it takes twice as long")
        #expect(folding.take(7, at: 100 + 3 * Self.quiet)?.count == 2)
        #expect(folding.rest().isEmpty)
    }

    @Test func tooManyKindsAreOneSum() {
        var folding = Folding<Int>(mostKinds: 3)
        let told = (0..<100).compactMap { folding.take($0, at: 5) }
        #expect(told.map(\.kind) == [0, 1, 2, nil])
        #expect(told.allSatisfy { $0.count == 1 })
        let rest = folding.rest()
        #expect(rest.count == 1 && rest.first?.kind == nil && rest.first?.count == 96)
        #expect(folding.rest().isEmpty, "told once only")
    }

    @Test func aFloodOfADayIsAFewRecordsAndNothingIsLost() {
        var folding = Folding<Int>(mostKinds: 8)
        var told = 0
        var records = 0
        // 20 kinds, each ten times a second for a day of simulated time, in steps of a second.
        for second in 0..<86_400 as Range<UInt64> {
            for kind in 0..<20 {
                for _ in 0..<(second % 100 == 0 ? 10 : 1) {
                    guard let one = folding.take(kind, at: second * 1_000_000_000) else { continue }
                    told += Int(one.count)
                    records += 1
                }
            }
        }
        told += folding.rest().reduce(0) { $0 + Int($1.count) }
        #expect(told == 20 * (86_400 + 864 * 9))
        #expect(records <= 9 * 16)
    }

    @Test func theEndOfTheClockIsNoCrash() {
        var folding = Folding<Int>(mostKinds: 1)
        #expect(folding.take(1, at: .max)?.count == 1)
        #expect(folding.take(1, at: .max)?.count == 1)
        #expect(folding.take(2, at: .max)?.kind == nil)
    }
}
