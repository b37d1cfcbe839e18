// Quantities that a profile speaks in: sizes, rates and spans of time, each read from its text.

/// A number of bytes. `K M G T` are powers of 1024, as in systemd's resource settings: `2G` is 2 GiB.
public struct ByteSize: Sendable, Hashable, Comparable {
    public var bytes: UInt64
    public init(bytes: UInt64) { self.bytes = bytes }
    public static func < (a: ByteSize, b: ByteSize) -> Bool { a.bytes < b.bytes }

    public init?(text: some StringProtocol) {
        guard let bytes = scaled(text, unit: 1024) else { return nil }
        self.bytes = bytes
    }
}

/// Bytes a second. `K M G` are powers of 1000, as in systemd: `10M/s` is 10,000,000 bytes a second.
public struct ByteRate: Sendable, Hashable {
    public var bytesPerSecond: UInt64
    public init(bytesPerSecond: UInt64) { self.bytesPerSecond = bytesPerSecond }

    public init?(text: some StringProtocol) {
        guard text.hasSuffix("/s"), let rate = scaled(text.dropLast(2), unit: 1000) else { return nil }
        bytesPerSecond = rate
    }
}

/// A span of time in milliseconds, written `250ms`, `2s`, `30m`, `6h`, `1d`.
public struct TimeSpan: Sendable, Hashable, Comparable {
    public var milliseconds: UInt64
    public init(milliseconds: UInt64) { self.milliseconds = milliseconds }
    public static func < (a: TimeSpan, b: TimeSpan) -> Bool { a.milliseconds < b.milliseconds }

    public init?(text: some StringProtocol) {
        let units: [(String, UInt64)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]
        for (suffix, factor) in units where text.hasSuffix(suffix) {
            guard let count = decimalDigits(text.dropLast(suffix.count)) else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: factor)
            guard !overflow else { return nil }
            milliseconds = product
            return
        }
        return nil
    }
}

/// A share of processor time in per cent of one core: `150%` is one and a half.
public struct CPUShare: Sendable, Hashable {
    public var percent: UInt32
    public init(percent: UInt32) { self.percent = percent }

    public init?(text: some StringProtocol) {
        guard text.hasSuffix("%"), let value = decimalDigits(text.dropLast()), value > 0, value <= 1_000_000 else { return nil }
        percent = UInt32(value)
    }
}

/// ASCII digits only: `Int("+1")` and full-width digits are not numbers here.
func decimalDigits(_ text: some StringProtocol) -> UInt64? {
    guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    return UInt64(text)
}

private func scaled(_ text: some StringProtocol, unit: UInt64) -> UInt64? {
    var factor: UInt64 = 1
    var digits = text[...]
    if let last = text.last, let power = ["K": 1, "M": 2, "G": 3, "T": 4][last] {
        for _ in 0..<power { factor *= unit }
        digits = digits.dropLast()
    }
    guard let count = decimalDigits(digits) else { return nil }
    let (product, overflow) = count.multipliedReportingOverflow(by: factor)
    return overflow ? nil : product
}
