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
        // An arbitrary number of groups is tried, longest first: a shorter reading would leave digits behind.
        let most = min(run.groups.count, first + 6)
        for last in stride(from: most, to: first, by: -1) where isJoined(run, first..<last) {
            let groups = first..<last
            let span = lower..<run.groups[last - 1].upperBound
            guard DigitRun.closes(segment, span.upperBound), DigitRun.opens(segment, parenthesis ? lower : span.lowerBound) else {
                continue
            }
            if isNational(run, groups, parenthesis: parenthesis) || isAnnounced(run, groups, span) { return (span, last) }
        }
        return nil
    }

    /// `+` and 8 to 15 digits (ITU-T E.164), nine at least where nothing groups them.
    private static func international(_ run: DigitRun, _ first: Int, lower: Int) -> (span: Range<Int>, next: Int)? {
        guard run.segment[run.groups[first].lowerBound] != 0x30 else { return nil }
        var last = first
        var count = 0
        var best: Int?
        while last < run.groups.count, last == first || isJoined(run, (last - 1)..<(last + 1)) {
            count += run.groups[last].count
            if count > 15 { break }
            last += 1
            if count >= (last - first > 1 ? 8 : 9), DigitRun.closes(run.segment, run.groups[last - 1].upperBound) { best = last }
        }
        guard let best else { return nil }
        return (lower..<run.groups[best - 1].upperBound, best)
    }

    /// Between two groups stands one separator, or a parenthesis with at most one beside it.
    private static func isJoined(_ run: DigitRun, _ groups: Range<Int>) -> Bool {
        groups.dropLast().allSatisfy { index in
            let gap = run.groups[index].upperBound..<run.groups[index + 1].lowerBound
            let bytes = gap.map { run.segment[$0] }
            if bytes.contains(UInt8(ascii: "+")) { return false }
            let parentheses = bytes.filter { $0 == UInt8(ascii: "(") || $0 == UInt8(ascii: ")") }.count
            return bytes.count - parentheses <= 1 && parentheses <= 1 || (parentheses == 1 && bytes.count <= 3)
        }
    }

    private static func isNational(_ run: DigitRun, _ groups: Range<Int>, parenthesis: Bool) -> Bool {
        let lengths = run.lengths(groups)
        let digits = run.digits(groups)
        let separator = run.separator(in: groups)
        let closed = parenthesis && run.segment.at(run.groups[groups.lowerBound].upperBound) == UInt8(ascii: ")")
        if groups.count > 1, digits.starts(with: [0, 0]), digits.count >= 10, digits.count <= 17, digits[2] != 0, lengths[0] >= 3 {
            return true
        }
        switch lengths {
        case [3, 3, 4]:  // North America: (555) 123-4567, 555-123-4567, 555.123.4567
            guard digits[0] >= 2 else { return false }
            if closed || separator == UInt8(ascii: "-") { return true }
            return separator == UInt8(ascii: ".") && digits[3] >= 2
        case [1, 3, 3, 4]:
            return digits[0] == 1 && digits[1] >= 2 && (separator == UInt8(ascii: "-") || separator == UInt8(ascii: "."))
        case [2, 2, 2, 2, 2]:  // France
            return digits[0] == 0 && digits[1] != 0 && separator != 0
        case [3, 4, 4]:  // United Kingdom: 020 7946 0958
            return digits[0] == 0 && digits[1] == 2 && separator == 0x20 || closed && digits[0] == 0
        case [5, 6], [5, 3, 3]:
            return digits[0] == 0 && digits[1] == 7 && separator == 0x20
        case [3, 7], [4, 7], [3, 8], [4, 6], [4, 8], [5, 5], [5, 7]:  // Germany: 030/1234567
            return digits[0] == 0 && digits[1] != 0 && (separator == UInt8(ascii: "/") || closed)
        default: return false
        }
    }

    /// A word before it says so: then 7 to 15 digits in any grouping.
    private static func isAnnounced(_ run: DigitRun, _ groups: Range<Int>, _ span: Range<Int>) -> Bool {
        let count = run.lengths(groups).reduce(0, +)
        guard (7...15).contains(count), groups.count < 6 || count > 8 else { return false }
        return run.segment.context(before: span.lowerBound, words)
    }

    private static let words: [StaticString] = [
        "phone", "phones", "telephone", "tel", "mobile", "cell", "cellphone", "call", "fax", "whatsapp", "sms", "handy", "telefon",
        "portable",
        "phone_number", "phonenumber", "mobilenumber",
    ]
}
