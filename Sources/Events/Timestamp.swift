// Timestamp: a point in time as records write it. The value is passed in; nothing here reads a clock.

/// Nanoseconds since 1970-01-01T00:00:00Z; good until the year 2262.
public struct Timestamp: Sendable, Hashable, Comparable {
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.nanoseconds < b.nanoseconds }

    /// RFC 3339 in UTC, always nine decimals and `Z`, so that text order is time order: `2026-11-21T06:17:05.000000001Z`.
    public var rfc3339: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The thirty bytes of `rfc3339`.
    public func append(to bytes: inout [UInt8]) {
        let date = Self.civil(days: nanoseconds.floorDivided(by: 86_400_000_000_000))
        let inDay = nanoseconds - nanoseconds.floorDivided(by: 86_400_000_000_000) * 86_400_000_000_000
        let seconds = inDay / 1_000_000_000
        func put(_ value: Int64, _ width: Int) {
            var divisor: Int64 = 1
            for _ in 1..<width { divisor *= 10 }
            while divisor > 0 {
                bytes.append(0x30 + UInt8(truncatingIfNeeded: value / divisor % 10))
                divisor /= 10
            }
        }
        put(date.year, 4)
        bytes.append(UInt8(ascii: "-"))
        put(date.month, 2)
        bytes.append(UInt8(ascii: "-"))
        put(date.day, 2)
        bytes.append(UInt8(ascii: "T"))
        put(seconds / 3600, 2)
        bytes.append(UInt8(ascii: ":"))
        put(seconds / 60 % 60, 2)
        bytes.append(UInt8(ascii: ":"))
        put(seconds % 60, 2)
        bytes.append(UInt8(ascii: "."))
        put(inDay % 1_000_000_000, 9)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// Exactly the form that `rfc3339` writes; any other spelling, and days that no calendar has, are nil.
    public init?(rfc3339 text: String) {
        self.init(rfc3339: Array(text.utf8).span)
    }

    public init?(rfc3339 text: Span<UInt8>) {
        guard text.count == 30 else { return nil }
        func digits(_ range: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for index in range {
                guard text[index] >= 0x30, text[index] <= 0x39 else { return nil }
                value = value * 10 + Int64(text[index] - 0x30)
            }
            return value
        }
        guard text[4] == 0x2d, text[7] == 0x2d, text[10] == 0x54, text[13] == 0x3a, text[16] == 0x3a, text[19] == 0x2e,
            text[29] == 0x5a,
            let year = digits(0..<4), let month = digits(5..<7), let day = digits(8..<10), let hour = digits(11..<13),
            let minute = digits(14..<16), let second = digits(17..<19), let fraction = digits(20..<29),
            (1970..<2262).contains(year), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        let days = Self.days(year: year, month: month, day: day)
        // 31 April would come back as 1 May.
        guard Self.civil(days: days).day == day else { return nil }
        nanoseconds = (days * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000_000 + fraction
    }

    /// `20261121` and `061705`, for names of folders.
    var compact: (date: String, time: String) {
        let text = rfc3339.utf8.filter { $0 >= 0x30 && $0 <= 0x39 }
        return (String(decoding: text.prefix(8), as: UTF8.self), String(decoding: text.dropFirst(8).prefix(6), as: UTF8.self))
    }

    /// The proleptic Gregorian calendar in eras of 400 years, March first, so that the leap day ends a year.
    private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted.floorDivided(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = month <= 2 ? year - 1 : year
        let era = marchYear.floorDivided(by: 400)
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

extension Int64 {
    fileprivate func floorDivided(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
