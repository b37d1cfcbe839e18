// Personal data: addresses, telephone numbers, US social security numbers.

extension Detectors {
    static let personal: [Detector] = [
        Detector("EMAIL", .personal, priority: 60, anchors: [.literal("@")], match: email),
        Detector("PHONE", .personal, priority: 40, anchors: [.digits], match: Phone.match),
        Detector("SSN", .personal, priority: 70, anchors: [.digits], match: socialSecurity),
    ]

    /// RFC 5321 mailboxes without quotes, with letters of other alphabets (RFC 6531) of two UTF-8 bytes. A domain has a
    /// dot; `git@host:path` and `name@2x.png` are no mailboxes.
    @Sendable private static func email(_ segment: Segment, _ end: Int, _ found: inout [Found]) {
        let at = end - 1
        var lower = at
        while lower > segment.lower, at - lower < 128, isLocal(segment[lower - 1]) { lower -= 1 }
        while lower < at, !ASCII.isWord(segment[lower]) || segment.splits(lower) { lower += 1 }
        guard lower < at, segment[at - 1] != UInt8(ascii: "."), segment[at - 1] != UInt8(ascii: "'") else { return }

        var upper: Int?
        var label = end
        var labels = 0
        while label - end < 254 {
            let length = segment.count(of: label...) { ASCII.isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 >= 0x80 }
            guard (1...63).contains(length), segment[label] != UInt8(ascii: "-") else { break }
            labels += 1
            var labelEnd = label + length
            if labels > 1 {
                while labelEnd > label, segment[labelEnd - 1] == UInt8(ascii: "-") || segment.splits(labelEnd) { labelEnd -= 1 }
                if isTopLevel(segment, label..<labelEnd) { upper = labelEnd }
            }
            guard segment.at(label + length) == UInt8(ascii: ".") else { break }
            label += length + 1
        }
        guard let upper, segment.at(upper) != UInt8(ascii: "(") else { return }
        if at - lower == 3, segment[lower] == UInt8(ascii: "g"), segment[lower + 1] == UInt8(ascii: "i"),
            segment[lower + 2] == UInt8(ascii: "t"),
            segment.at(upper) == UInt8(ascii: ":")
        {
            return
        }
        found.append(Found(range: lower..<upper, validated: false))
    }

    private static func isLocal(_ byte: UInt8) -> Bool {
        ASCII.isWord(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
            || byte == UInt8(ascii: "%")
            || byte == UInt8(ascii: "'")
    }

    /// Letters only, or an A-label; not the ending of a file that is often written `name@2x.png`.
    private static func isTopLevel(_ segment: Segment, _ range: Range<Int>) -> Bool {
        guard (2...24).contains(range.count) else { return false }
        let text = String(decoding: range.map { ASCII.lowered(segment[$0]) }, as: UTF8.self)
        if text.hasPrefix("xn--") { return true }
        guard range.allSatisfy({ ASCII.isLetter(segment[$0]) || segment[$0] >= 0x80 }) else { return false }
        return ![
            "png", "jpg", "jpeg", "gif", "svg", "webp", "css", "jsx", "tsx", "json", "html", "xml", "txt", "pdf", "yaml", "yml",
        ].contains(text)
    }

    /// Area 001–899 without 666, group 01–99, serial 0001–9999. Written 3-2-4 with hyphens or blanks; with dots or bare only
    /// where the text says what it is.
    @Sendable private static func socialSecurity(_ segment: Segment, _ end: Int, _ found: inout [Found]) {
        let run = DigitRun(segment, around: end - 1)
        for index in run.groups.indices {
            if run.groups[index].count == 9 {
                let span = run.groups[index]
                let digits = run.digits(index..<(index + 1))
                if isSocialSecurity(digits), run.standsAlone(span), segment.context(before: span.lowerBound, socialWords) {
                    found.append(Found(range: span, validated: false))
                }
                continue
            }
            guard index + 3 <= run.groups.count, run.shape(index..<(index + 3)) == 0x324 else { continue }
            let separator = run.separator(in: index..<(index + 3))
            let span = run.span(index..<(index + 3))
            guard separator != 0, isSocialSecurity(run.digits(index..<(index + 3))), run.standsAlone(span) else { continue }
            switch separator {
            case UInt8(ascii: "-"): break
            case 0x20:
                // In a row of numbers it is one of the numbers.
                let alone = run.separator(after: index + 2) != 0x20 && (index == 0 || run.separator(after: index - 1) != 0x20)
                guard alone || segment.context(before: span.lowerBound, socialWords) else { continue }
            case UInt8(ascii: "."):
                guard segment.context(before: span.lowerBound, socialWords) else { continue }
            default: continue
            }
            found.append(Found(range: span, validated: false))
        }
    }

    private static func isSocialSecurity(_ digits: [UInt8]) -> Bool {
        let area = Int(digits[0]) * 100 + Int(digits[1]) * 10 + Int(digits[2])
        return area != 0 && area != 666 && area < 900 && digits[3...4].contains { $0 != 0 } && digits[5...8].contains { $0 != 0 }
    }

    private static let socialWords: [StaticString] = [
        "ssn", "ssns", "social", "social security", "soc sec", "tax id", "taxpayer", "tin",
    ]
}
