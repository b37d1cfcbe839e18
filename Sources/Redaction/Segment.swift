// Segment: the run of bytes within which a value must lie. Text is cut at every place that no value can span, by rules
// that look at a few neighbouring bytes only, so that a stream cuts at the same places as a whole text does.

/// What a detector may look at.
struct Segment {
    let bytes: UnsafeBufferPointer<UInt8>
    /// A value starts at or after this and ends at or before `upper`.
    let lower: Int
    let upper: Int
    /// Context may be read from here on, `contextReach` bytes before a value at most.
    let floor: Int

    /// Longest run that is looked at, and held back, as one. A value longer than this (a token of 8 KiB) may be cut.
    static let limit = 8192
    /// How far back of a value its context may stand, in bytes of folded text.
    static let contextReach = 48
    /// What a stream keeps of the text already sent: context, a key word and what may stand between it and its value.
    static let history = 128

    @inline(__always) subscript(index: Int) -> UInt8 { bytes[index] }

    /// The byte at `index` if a value may use it, else 0.
    @inline(__always) func at(_ index: Int) -> UInt8 { index >= lower && index < upper ? bytes[index] : 0 }

    /// Whether a cut at `index` would leave half of a character on each side: the text stays UTF-8 when a span is replaced.
    func splits(_ index: Int) -> Bool { bytes.indices.contains(index) && bytes[index] & 0xc0 == 0x80 }

    func count(of range: PartialRangeFrom<Int>, limit: Int = .max, while holds: (UInt8) -> Bool) -> Int {
        var end = range.lowerBound
        while end < upper, end - range.lowerBound < limit, holds(bytes[end]) { end += 1 }
        return end - range.lowerBound
    }

    /// Whether one of the lower-case ASCII words stands, as a word, within `contextReach` bytes before `position`.
    func context(before position: Int, _ words: [StaticString]) -> Bool {
        let start = max(floor, position - Self.contextReach)
        // Rows of numbers have none, and are asked about once for each number.
        guard (start..<max(start, position)).contains(where: { ASCII.isLetter(bytes[$0]) }) else { return false }
        for word in words {
            let length = word.utf8CodeUnitCount
            var at = position - length
            while at >= start {
                if starts(at, word, length), !isLetter(at - 1, start), !isLetter(at + length, start) { return true }
                at -= 1
            }
        }
        return false
    }

    private func starts(_ at: Int, _ word: StaticString, _ length: Int) -> Bool {
        for offset in 0..<length where ASCII.lowered(bytes[at + offset]) != word.utf8Start[offset] { return false }
        return true
    }

    private func isLetter(_ at: Int, _ start: Int) -> Bool { at >= start && at < bytes.count && ASCII.isLetter(bytes[at]) }
}

/// Where runs end.
struct Breaks {
    let bytes: UnsafeBufferPointer<UInt8>
    /// Bytes before this are not looked at.
    let floor: Int
    /// One past the last byte that is known, and whether nothing can follow it.
    let end: Int
    let isFinal: Bool

    /// Whether no value can span `index`; `floor < index < end`.
    func isBreak(_ index: Int) -> Bool {
        if isHard(index - 1) || isHard(index) { return true }
        if bytes[index] == 0x20 { return !joins(index) }
        if bytes[index - 1] == 0x20 { return !joins(index - 1) }
        return false
    }

    /// Whether the text before `end` is closed, whatever follows.
    var closesAtEnd: Bool {
        isFinal || end == floor || isHard(end - 1) || (bytes[end - 1] == 0x20 && !joins(end - 1))
    }

    /// A byte that is part of no value at all.
    @inline(__always)
    private func isHard(_ index: Int) -> Bool {
        let byte = bytes[index]
        if byte < 0x80 { return Self.isHardASCII(byte) || isEscape(index, byte) }
        // Letters of two bytes (Latin, Greek, Cyrillic …) may be part of an address; everything longer ends a run.
        if byte >= 0xc0 { return byte < 0xc3 || byte > 0xdf }
        return index == floor || bytes[index - 1] < 0xc3 || bytes[index - 1] > 0xdf
    }

    /// Part of an escape that is still in the text, as in JSON within a JSON string (tool arguments): the `n` of `\n` belongs to no
    /// word, and taking it away would break the inner text. `\b` to `\t`, and `\u` with its digits.
    private func isEscape(_ index: Int, _ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "n"), UInt8(ascii: "t"), UInt8(ascii: "r"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "u"):
            if opensEscape(index - 1) { return true }
        default: break
        }
        guard ASCII.isHex(byte) else { return false }
        var at = index - 1
        while at > floor, index - at <= 4 {
            if bytes[at] == UInt8(ascii: "u"), opensEscape(at - 1) { return true }
            guard ASCII.isHex(bytes[at]) else { return false }
            at -= 1
        }
        return false
    }

    /// A backslash that is not itself escaped; eight are counted at most, so that the answer depends on near bytes only.
    private func opensEscape(_ index: Int) -> Bool {
        var count = 0
        while index - count >= floor, count < 8, bytes[index - count] == UInt8(ascii: "\\") { count += 1 }
        return count % 2 == 1
    }

    @inline(__always)
    private static func isHardASCII(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x20, 0x30...0x39, 0x41...0x5a, 0x61...0x7a: false
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "@"), UInt8(ascii: "/"): false
        case UInt8(ascii: ":"), UInt8(ascii: "%"), UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"): false
        default: true
        }
    }

    /// Whether the blank at `index` may stand within a value: a single one between groups of digits, or of an account number.
    private func joins(_ index: Int) -> Bool {
        guard index > floor else { return false }
        let left = bytes[index - 1]
        let closing = ASCII.isDigit(left) || left == UInt8(ascii: ")")
        guard closing || ASCII.isUpper(left) else { return false }
        guard index + 1 < end else { return !isFinal }
        let right = bytes[index + 1]
        if closing {
            return ASCII.isDigit(right) || ASCII.isUpper(right) || right == UInt8(ascii: "(") || right == UInt8(ascii: "+")
        }
        if ASCII.isDigit(right) { return true }
        // `MTLC AST0`: letters to letters only after a group of exactly four.
        guard ASCII.isUpper(right), index - 4 >= floor, index - 5 < floor || bytes[index - 5] == 0x20 else { return false }
        return (index - 4..<index).allSatisfy { ASCII.isDigit(bytes[$0]) || ASCII.isUpper(bytes[$0]) }
    }
}

enum ASCII {
    @inline(__always) static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
    @inline(__always) static func isUpper(_ byte: UInt8) -> Bool { byte &- 0x41 < 26 }
    @inline(__always) static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }
    @inline(__always) static func isAlphanumeric(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) }
    @inline(__always) static func isWord(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "_") || byte >= 0x80
    }
    @inline(__always) static func isHex(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- 0x61 < 6 }
    @inline(__always) static func isBase64URL(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
    @inline(__always) static func isBase64(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/")
    }
    @inline(__always) static func lowered(_ byte: UInt8) -> UInt8 { isUpper(byte) ? byte | 0x20 : byte }
}
