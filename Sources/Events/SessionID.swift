// SessionID: the name of one run, of its folder and of its log. Names sort by start time.

/// `20261121-061705-7k2mq0xd`: UTC date, time, and forty random bits, so that two runs of one second differ.
public struct SessionID: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let text: String
    public var description: String { text }
    public static func < (a: SessionID, b: SessionID) -> Bool { a.text < b.text }

    /// `random` from the kernel's generator; its low forty bits are used.
    public init(at start: Timestamp, random: UInt64) {
        // Crockford's alphabet: no letter that a person reads as a digit.
        let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
        let tail = stride(from: UInt64(35), through: 0, by: -5).map { alphabet[Int(random >> $0 & 31)] }
        let (date, time) = start.compact
        text = "\(date)-\(time)-" + String(decoding: tail, as: UTF8.self)
    }

    /// Accepts what can be a folder's name and a JSON string without escapes: 1–64 of `a–z 0–9 -`, a letter or digit first.
    public init?(_ text: some StringProtocol) {
        guard Self.isValid(text.utf8) else { return nil }
        self.text = String(text)
    }

    /// The part behind the time, which tells running sessions apart: `7k2mq0xd`.
    public var own: String { text.split(separator: "-").last.map { String($0) } ?? text }

    static func isValid(_ bytes: some Collection<UInt8>) -> Bool {
        guard let first = bytes.first, first != UInt8(ascii: "-"), bytes.count <= 64 else { return false }
        return bytes.allSatisfy { ($0 >= 0x61 && $0 <= 0x7a) || ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: "-") }
    }
}
