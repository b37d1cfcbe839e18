// PHONE: conservative on purpose. A number counts if it has an international prefix, is grouped as its country groups, or
// follows a word such as "phone"; ten bare digits alone are a timestamp, an order number, anything.

enum Phone {
    @Sendable static func match(_ segment: Segment, _ end: Int, _ found: inout [Found]) {
        let run = DigitRun(segment, around: end - 1)
        var index = 0
        while index < run.groups.count {
            if let hit = number(run, from: index) {
                found.append(Found(range: hit.span, validated: false))
                index = hit.next
            } else {
                index += 1
            }
        }
    }

    private static func number(_ run: DigitRun, from first: Int) -> (span: Range<Int>, next: Int)? {
        let segment = run.segment
        var lower = run.groups[first].lowerBound
        let parenthesis = segment.at(lower - 1) == UInt8(ascii: "(")
        if parenthesis { lower -= 1 }
        if segment.at(lower - 1) == UInt8(ascii: "+"), !ASCII.isWord(segment.at(lower - 2)) {
            return international(run, first, lower: lower - 1)
        }
        // Longest first: a shorter reading would leave digits behind.
        var most = first + 1
        while most < run.groups.count, most < first + 6, isJoined(run, most - 1) { most += 1 }
        var announced: Bool?
        for last in stride(from: most, to: first, by: -1) {
            let groups = first..<last
            let count = run.digitCount(groups)
            guard (7...17).contains(count), DigitRun.closes(segment, run.groups[last - 1].upperBound),
                DigitRun.opens(segment, lower)
            else { continue }
            let span = lower..<run.groups[last - 1].upperBound
            if isNational(run, groups, count, parenthesis: parenthesis) { return (span, last) }
            // A word before it says so: then 7 to 15 digits in any grouping.
            guard count <= 15, last - first < 6 || count > 8 else { continue }
            let isAnnounced = announced ?? segment.context(before: lower, words)
            announced = isAnnounced
            if isAnnounced { return (span, last) }
        }
        return nil
    }

    /// `+` and 8 to 15 digits (ITU-T E.164), nine at least where nothing groups them.
    private static func international(_ run: DigitRun, _ first: Int, lower: Int) -> (span: Range<Int>, next: Int)? {
        guard run.segment[run.groups[first].lowerBound] != 0x30 else { return nil }
        var last = first
        var count = 0
        var best: Int?
        while last < run.groups.count, last == first || isJoined(run, last - 1) {
            count += run.groups[last].count
            if count > 15 { break }
            last += 1
            if count >= (last - first > 1 ? 8 : 9), DigitRun.closes(run.segment, run.groups[last - 1].upperBound) { best = last }
        }
        guard let best else { return nil }
        return (lower..<run.groups[best - 1].upperBound, best)
    }

    /// Between a group and the next stands one separator, or a parenthesis with at most one on each side.
    private static func isJoined(_ run: DigitRun, _ group: Int) -> Bool {
        let gap = run.groups[group].upperBound..<run.groups[group + 1].lowerBound
        guard gap.count <= 3 else { return false }
        var parentheses = 0
        for index in gap {
            switch run.segment[index] {
            case UInt8(ascii: "+"): return false
            case UInt8(ascii: "("), UInt8(ascii: ")"): parentheses += 1
            default: break
            }
        }
        return parentheses <= 1 && (gap.count - parentheses <= 1 || parentheses == 1)
    }

    private static func isNational(_ run: DigitRun, _ groups: Range<Int>, _ count: Int, parenthesis: Bool) -> Bool {
        let first = groups.lowerBound
        let separator = run.separator(in: groups)
        let closed = parenthesis && run.segment.at(run.groups[first].upperBound) == UInt8(ascii: ")")
        let lead = run.digit(first, 0)
        let length = run.groups[first].count
        let second = length > 1 ? run.digit(first, 1) : 0
        // 0033 6 12 34 56 78
        if groups.count > 1, count >= 10, length >= 3, lead == 0, second == 0, run.digit(first, 2) != 0 { return true }
        switch run.shape(groups) {
        case 0x334:  // North America: (555) 123-4567, 555-123-4567, 555.123.4567
            guard lead >= 2 else { return false }
            if closed || separator == UInt8(ascii: "-") { return true }
            return separator == UInt8(ascii: ".") && run.digit(first + 1, 0) >= 2
        case 0x1334:
            return lead == 1 && run.digit(first + 1, 0) >= 2 && (separator == UInt8(ascii: "-") || separator == UInt8(ascii: "."))
        case 0x22222:  // France
            return lead == 0 && second != 0 && separator != 0
        case 0x344:  // United Kingdom: 020 7946 0958
            return lead == 0 && (second == 2 && separator == 0x20 || closed)
        case 0x56, 0x533:
            return lead == 0 && second == 7 && separator == 0x20
        case 0x37, 0x47, 0x38, 0x46, 0x48, 0x55, 0x57:  // Germany: 030/1234567
            return lead == 0 && second != 0 && (separator == UInt8(ascii: "/") || closed)
        default: return false
        }
    }

    private static let words: [StaticString] = [
        "phone", "phones", "telephone", "tel", "mobile", "cell", "cellphone", "call", "fax", "whatsapp", "sms", "handy", "telefon",
        "portable",
        "phone_number", "phonenumber", "mobilenumber",
    ]
}
