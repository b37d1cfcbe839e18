// Money: integer nano-dollars, read from and written as decimal text. No floating point comes near it.

/// An amount in nano-dollars (10⁻⁹ US dollar). One million tokens at $0.075 are 75_000_000 nano-dollars,
/// so a single token's price stays an integer.
public struct Money: Sendable, Hashable, Comparable {
    public var nanos: Int64

    public init(nanos: Int64) { self.nanos = nanos }

    public static let zero = Money(nanos: 0)
    public static func < (a: Money, b: Money) -> Bool { a.nanos < b.nanos }

    /// Saturates: an amount too large to hold must refuse a request, never wrap round to a small one.
    public static func + (a: Money, b: Money) -> Money {
        let (sum, overflow) = a.nanos.addingReportingOverflow(b.nanos)
        return Money(nanos: overflow ? (b.nanos > 0 ? .max : .min) : sum)
    }

    public static func - (a: Money, b: Money) -> Money {
        let (difference, overflow) = a.nanos.subtractingReportingOverflow(b.nanos)
        return Money(nanos: overflow ? (b.nanos > 0 ? .min : .max) : difference)
    }

    public static func += (a: inout Money, b: Money) { a = a + b }
    public static func -= (a: inout Money, b: Money) { a = a - b }

    /// Reads decimal text: `1`, `1.00`, `$0.25`. At most nine decimals; no sign, exponent or spaces.
    public init?(decimal text: some StringProtocol) {
        var digits = text.utf8[...]
        if digits.first == UInt8(ascii: "$") { digits = digits.dropFirst() }
        guard !digits.isEmpty else { return nil }
        var nanos: Int64 = 0
        var decimals: Int? = nil
        for byte in digits {
            if byte == UInt8(ascii: ".") {
                guard decimals == nil else { return nil }
                decimals = 0
                continue
            }
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            if let seen = decimals {
                guard seen < 9 else { return nil }
                decimals = seen + 1
            }
            let (shifted, a) = nanos.multipliedReportingOverflow(by: 10)
            let (next, b) = shifted.addingReportingOverflow(Int64(byte - 0x30))
            guard !a, !b else { return nil }
            nanos = next
        }
        guard digits.first != UInt8(ascii: "."), decimals != 0 else { return nil }
        for _ in (decimals ?? 0)..<9 {
            let (shifted, overflow) = nanos.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            nanos = shifted
        }
        self.nanos = nanos
    }

    /// Dollars as decimal text with at least two and at most nine decimals: `0.0025`, `1.00`.
    public var decimal: String {
        let (dollars, nanos) = nanos.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        var fraction = nanos
        var digits = 9
        while digits > 2, fraction % 10 == 0 {
            fraction /= 10
            digits -= 1
        }
        let text = String(fraction)
        return (self.nanos < 0 ? "-" : "") + String(dollars) + "." + String(repeating: "0", count: digits - text.utf8.count) + text
    }
}

extension Money: CustomStringConvertible {
    public var description: String { "$" + decimal }
}
