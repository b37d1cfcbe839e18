// Time and names of sessions: one spelling each.

import Events
import Testing

@Suite struct TimestampTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000000Z"), (1_795_241_825_000_000_001, "2026-11-21T06:17:05.000000001Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z"),
            (4_107_542_399_999_999_999, "2100-02-28T23:59:59.999999999Z"),
        ] as [(Int64, String)])
    func roundTrip(nanoseconds: Int64, text: String) {
        #expect(Timestamp(nanoseconds: nanoseconds).rfc3339 == text)
        #expect(Timestamp(rfc3339: text)?.nanoseconds == nanoseconds)
    }

    @Test func textOrderIsTimeOrder() {
        let times = stride(from: Int64(0), to: 9_000_000_000_000_000_000, by: 123_456_789_012_345_678).map {
            Timestamp(nanoseconds: $0)
        }
        #expect(times.map(\.rfc3339).sorted() == times.map(\.rfc3339))
    }

    @Test(arguments: [
        "2026-02-29T00:00:00.000000000Z", "2026-13-01T00:00:00.000000000Z", "2026-11-21T24:00:00.000000000Z",
        "2026-11-21T06:17:05.00000001Z", "2026-11-21t06:17:05.000000001Z", "2026-11-21T06:17:05.000000001+",
        "2026-11-21T06:17:60.000000001Z",
        "+026-11-21T06:17:05.000000001Z", "",
    ])
    func otherSpellingsAreRefused(text: String) { #expect(Timestamp(rfc3339: text) == nil) }

    @Test func sessionIDsSortByTimeAndDifferByBits() {
        let first = SessionID(at: Timestamp(nanoseconds: 1_795_241_825_000_000_001), random: 0)
        #expect(first.text == "20261121-061705-00000000")
        #expect(first < SessionID(at: Timestamp(nanoseconds: 1_795_241_826_000_000_000), random: 0))
        #expect(first != SessionID(at: Timestamp(nanoseconds: 1_795_241_825_000_000_001), random: 1 << 39))
        #expect(SessionID(first.text) == first)
    }

    @Test(arguments: ["", "-a", "A", "a/b", "..", "a b", "é", String(repeating: "a", count: 65)])
    func namesThatAreNoFolderNameAreNoSession(text: String) { #expect(SessionID(text) == nil) }
}
