// PEM: private keys as blocks. They span lines and blanks, so they are found before the text is cut into segments; the
// whole block goes, not its first line only.

enum PEM {
    static let anchor = Anchor.literal("-----BEGIN")
    static let detector = "PRIVATE_KEY"

    enum Opening: Equatable {
        /// The text ends before it is clear.
        case undecided
        case no
        /// A private key; its body begins here.
        case yes(Int)
    }

    /// Longest label and longest closing line.
    private static let label = 48
    static let closingReach = 96

    /// Whether a private key opens at `at`, where `-----BEGIN` stands. A mere mention of the line (in code, in prose) is none: base64
    /// or a header has to follow it.
    static func opening(_ bytes: UnsafeBufferPointer<UInt8>, at: Int, end: Int, isFinal: Bool) -> Opening {
        let labelStart = at + 10
        var index = labelStart
        while index < end, index - labelStart <= label, isLabel(bytes[index]) { index += 1 }
        if index == end { return isFinal ? .no : .undecided }
        guard bytes[index] == UInt8(ascii: "-"), contains("PRIVATE KEY", bytes, labelStart..<index) else { return .no }
        let dashes = index
        while index < end, index - dashes < 5, bytes[index] == UInt8(ascii: "-") { index += 1 }
        if index - dashes < 5 { return index == end && !isFinal ? .undecided : .no }
        let gap = index
        while index < end, index - gap < 16, isGap(bytes, index, end) { index += 1 }
        let body = index
        while index < end, index - body < 16,
            ASCII.isBase64(bytes[index]) || bytes[index] == UInt8(ascii: "=") || bytes[index] == UInt8(ascii: "-")
        {
            index += 1
        }
        if index - body == 16 { return .yes(body) }
        // `Proc-Type: 4,ENCRYPTED`, `Version: …`: a header of RFC 1421 or 4880.
        if index < end, index - body >= 4, bytes[index] == UInt8(ascii: ":") { return .yes(body) }
        if index == end { return isFinal ? (index > body ? .yes(body) : .no) : .undecided }
        return .no
    }

    /// Where the block that is open at `from` ends; nil: no closing line in these bytes.
    static func closing(_ bytes: UnsafeBufferPointer<UInt8>, from: Int, end: Int) -> Int? {
        var at = from
        while at + 14 <= end {
            guard bytes[at] == UInt8(ascii: "-"), contains("-----END", bytes, at..<min(at + 8, end)) else {
                at += 1
                continue
            }
            var index = at + 8
            while index < end, index - at - 8 <= label, isLabel(bytes[index]) { index += 1 }
            if index + 5 <= end, (index..<(index + 5)).allSatisfy({ bytes[$0] == UInt8(ascii: "-") }) { return index + 5 }
            at += 1
        }
        return nil
    }

    private static func isLabel(_ byte: UInt8) -> Bool { ASCII.isUpper(byte) || ASCII.isDigit(byte) || byte == 0x20 }

    /// What stands between the lines, also where the line break is itself escaped once or twice (`\n`, `\\n`).
    private static func isGap(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int, _ end: Int) -> Bool {
        switch bytes[index] {
        case 0x20, 0x0a, 0x0d, 0x09, UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "+"),
            UInt8(ascii: ","):
            true
        case UInt8(ascii: "n"), UInt8(ascii: "r"): bytes[index - 1] == UInt8(ascii: "\\")
        default: false
        }
    }

    private static func contains(_ word: StaticString, _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
        let length = word.utf8CodeUnitCount
        guard range.count >= length else { return false }
        return (range.lowerBound...(range.upperBound - length)).contains { at in
            (0..<length).allSatisfy { bytes[at + $0] == word.utf8Start[$0] }
        }
    }
}
