// Money and quantities: exact readings, and texts that must not be taken for one.

import Testing
import Vocabulary

@Suite struct QuantitiesTests {
    @Test(arguments: [
        ("1", 1_000_000_000), ("1.00", 1_000_000_000), ("$0.25", 250_000_000), ("0.000000001", 1), ("0", 0),
        ("9223372036.854775807", Int64.max),
    ])
    func money(_ text: String, _ nanos: Int64) throws {
        let money = try #require(Money(decimal: text))
        #expect(money.nanos == nanos)
        #expect(Money(decimal: money.decimal) == money)
    }

    @Test(arguments: [
        "", "$", "-1", "+1", "1.", ".5", "1e3", "1,000", "1 ", "$$1", "1.0000000001", "9223372036.854775808", "99999999999", "１",
        "0x1", "1.2.3", "1$",
    ])
    func notMoney(_ text: String) { #expect(Money(decimal: text) == nil) }

    @Test func moneySaturates() {
        #expect(Money(nanos: .max) + Money(nanos: 1) == Money(nanos: .max))
        #expect(Money(nanos: .min) - Money(nanos: 1) == Money(nanos: .min))
        #expect(Money(nanos: -1_500_000_000).decimal == "-1.50")
        #expect(Money(nanos: 2_500_000).decimal == "0.0025")
        #expect(
            [0, 1, 10_000_000, 12_000_000_100, .max].map { Money(nanos: $0).decimal } == [
                "0.00", "0.000000001", "0.01", "12.0000001", "9223372036.854775807",
            ])
        #expect(Money(nanos: .min).decimal == "-9223372036.854775808")
    }

    @Test func sizes() {
        #expect(ByteSize(text: "0")?.bytes == 0)
        #expect(ByteSize(text: "2G")?.bytes == 2 << 30)
        #expect(ByteSize(text: "16M")?.bytes == 16 << 20)
        #expect(ByteSize(text: "18446744073709551615")?.bytes == .max)
        for bad in ["", "G", "2g", "2GB", "2 G", "-1", "1.5G", "16777216T", "18446744073709551616"] {
            #expect(ByteSize(text: bad) == nil, "\(bad)")
        }
        #expect(ByteRate(text: "10M/s")?.bytesPerSecond == 10_000_000)
        for bad in ["10M", "/s", "M/s", "10M/m", "10Mi/s"] { #expect(ByteRate(text: bad) == nil, "\(bad)") }
    }

    @Test func spansAndShares() {
        for (text, milliseconds) in [
            ("250ms", 250), ("2s", 2000), ("30m", 1_800_000), ("6h", 21_600_000), ("1d", 86_400_000), ("0s", 0),
        ] as [(String, UInt64)] {
            #expect(TimeSpan(text: text)?.milliseconds == milliseconds)
        }
        for bad in ["", "s", "10", "1.5s", "1w", "-1s", "999999999999999999d", "1 s"] {
            #expect(TimeSpan(text: bad) == nil, "\(bad)")
        }
        #expect(CPUShare(text: "150%")?.percent == 150)
        for bad in ["0%", "150", "%", "1.5%", "1000001%"] { #expect(CPUShare(text: bad) == nil, "\(bad)") }
    }

    @Test func tiersAreOrdered() {
        #expect(Tier.contained < .strong)
        #expect(Tier.strong < .full)
        #expect(Tier.allCases.sorted() == [.contained, .strong, .full])
    }
}
