// DigitRun: digits in groups, as numbers are written down, for every detector whose value is one.

struct DigitRun {
    let segment: Segment
    /// The groups of digits, in order; what stands between two of them is only separators.
    let groups: [Range<Int>]

    /// The run around the byte `at`.
    init(_ segment: Segment, around at: Int) {
        self.segment = segment
        var lower = at
        while lower > segment.lower, Self.isPart(segment[lower - 1]) { lower -= 1 }
        let end = Self.end(segment, at)
        var groups: [Range<Int>] = []
        var index = lower
        while index < end {
            guard ASCII.isDigit(segment[index]) else {
                index += 1
                continue
            }
            let start = index
            while index < end, ASCII.isDigit(segment[index]) { index += 1 }
            groups.append(start..<index)
        }
        self.groups = groups
    }

    /// One past the last byte of the run.
    static func end(_ segment: Segment, _ at: Int) -> Int {
        var end = at
        while end < segment.upper, isPart(segment[end]) { end += 1 }
        return end
    }

    private static func isPart(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x20, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: "+"): true
        case UInt8(ascii: "("), UInt8(ascii: ")"): true
        default: false
        }
    }

    /// The groups' lengths as hexadecimal digits, `0x334` for 3-3-4 (15 stands for more): compared without an allocation, because
    /// rows of numbers ask for every place in them.
    func shape(_ range: Range<Int>) -> Int { range.reduce(0) { $0 << 4 | min(groups[$1].count, 15) } }

    func digitCount(_ range: Range<Int>) -> Int { range.reduce(0) { $0 + groups[$1].count } }

    /// The value of a group's digit.
    func digit(_ group: Int, _ index: Int) -> UInt8 { segment[groups[group].lowerBound + index] - 0x30 }

    /// The byte between this group and the next if it is just one, else 0.
    func separator(after group: Int) -> UInt8 {
        guard group + 1 < groups.count, groups[group + 1].lowerBound - groups[group].upperBound == 1 else { return 0 }
        return segment[groups[group].upperBound]
    }

    /// The one separator between all of these groups; 0 where they differ.
    func separator(in range: Range<Int>) -> UInt8 {
        let first = separator(after: range.lowerBound)
        return range.dropLast().allSatisfy { separator(after: $0) == first } ? first : 0
    }

    func span(_ range: Range<Int>) -> Range<Int> { groups[range.lowerBound].lowerBound..<groups[range.upperBound - 1].upperBound }

    func digits(_ range: Range<Int>) -> [UInt8] { groups[range].flatMap { $0.map { segment[$0] - 0x30 } } }

    /// Whether a span stands alone: not part of a word, of a longer number or of a decimal fraction.
    func standsAlone(_ span: Range<Int>) -> Bool { Self.opens(segment, span.lowerBound) && Self.closes(segment, span.upperBound) }

    static func opens(_ segment: Segment, _ lower: Int) -> Bool {
        let before = segment.at(lower - 1)
        if before == 0 { return true }
        if ASCII.isWord(before) || before == UInt8(ascii: "%") { return false }
        switch before {
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "+"): return !ASCII.isWord(segment.at(lower - 2))
        case UInt8(ascii: "/"): return !ASCII.isDigit(segment.at(lower - 2))
        default: return true
        }
    }

    static func closes(_ segment: Segment, _ upper: Int) -> Bool {
        let after = segment.at(upper)
        if after == 0 { return true }
        if ASCII.isWord(after) { return false }
        switch after {
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: ":"):
            return !ASCII.isAlphanumeric(segment.at(upper + 1))
        default: return true
        }
    }
}
