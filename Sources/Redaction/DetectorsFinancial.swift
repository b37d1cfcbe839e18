// Financial data: payment cards and bank accounts, both proved by their check digits.

extension Detectors {
    static let financial: [Detector] = [
        Detector("CREDIT_CARD", .financial, priority: 80, anchors: [.digits], match: card),
        Detector("IBAN", .financial, priority: 85, anchors: [.digits], match: iban),
    ]

    // MARK: Cards

    /// 13 to 19 digits of an issuer that exists, with the right Luhn digit (ISO/IEC 7812): bare, or grouped as on a card.
    @Sendable private static func card(_ segment: Segment, _ end: Int, _ found: inout [Found]) {
        let run = DigitRun(segment, around: end - 1)
        var index = 0
        while index < run.groups.count {
            guard let last = cardEnd(run, from: index) else {
                index += 1
                continue
            }
            found.append(Found(range: run.span(index..<last), validated: true))
            index = last
        }
    }

    private static func cardEnd(_ run: DigitRun, from first: Int) -> Int? {
        for (shape, count) in cardShapes where first + count <= run.groups.count {
            let groups = first..<(first + count)
            guard run.shape(groups) == shape else { continue }
            let separator = run.separator(in: groups)
            guard separator == 0x20 || separator == UInt8(ascii: "-") else { continue }
            if isCard(run.digits(groups)), run.standsAlone(run.span(groups)) { return groups.upperBound }
        }
        let span = run.groups[first]
        guard (13...19).contains(span.count), isCard(run.digits(first..<(first + 1))), run.standsAlone(span) else { return nil }
        // Thirteen digits are also a time in milliseconds, and no issuer has given out such numbers for long.
        if span.count == 13, !run.segment.context(before: span.lowerBound, cardWords) { return nil }
        return first + 1
    }

    /// How cards are embossed: groups of four, 4-6-5, 4-6-4.
    private static let cardShapes = [(0x44443, 5), (0x4444, 4), (0x465, 3), (0x464, 3)]

    static func isCard(_ digits: [UInt8]) -> Bool {
        guard (13...19).contains(digits.count), isIssued(digits) else { return false }
        var sum = 0
        for (index, digit) in digits.reversed().enumerated() {
            let value = index % 2 == 1 ? Int(digit) * 2 : Int(digit)
            sum += value > 9 ? value - 9 : value
        }
        return sum % 10 == 0
    }

    /// Prefix and length of the networks that issue cards.
    private static func isIssued(_ digits: [UInt8]) -> Bool {
        let prefix = digits.prefix(4).reduce(0) { $0 * 10 + Int($1) }
        let count = digits.count
        return switch prefix {
        case 4000...4999: count == 13 || count == 16 || count == 19
        case 5100...5599, 2221...2720, 2200...2204: count == 16
        case 3400...3499, 3700...3799: count == 15
        case 3000...3059, 3600...3699, 3800...3999: (14...19).contains(count)
        case 3528...3589: (16...19).contains(count)
        case 6011, 6440...6599, 6200...6299, 8100...8199, 6060...6099: (16...19).contains(count)
        case 5018, 5020, 5038, 5893, 6304, 6759, 6761...6763: (13...19).contains(count)
        default: false
        }
    }

    static let cardWords: [StaticString] = [
        "card", "cards", "cc", "ccn", "credit", "debit", "pan", "visa", "mastercard", "amex", "payment", "cardnumber", "creditcard",
    ]

    // MARK: IBAN

    /// Country, two check digits, the country's length (SWIFT registry) and remainder 1 modulo 97 (ISO 13616); bare or in
    /// groups of four.
    @Sendable private static func iban(_ segment: Segment, _ end: Int, _ found: inout [Found]) {
        // The head may stand before the digits that gave the hit, by a bank's letters and a blank or two.
        var lower = end - 1
        while lower > segment.lower, end - lower < 40, ASCII.isAlphanumeric(segment[lower - 1]) || segment[lower - 1] == 0x20 {
            lower -= 1
        }
        let last = DigitRun.end(segment, end - 1)
        var at = lower
        while at < last {
            if let upper = ibanEnd(segment, at) {
                found.append(Found(range: at..<upper, validated: true))
                at = upper
            } else {
                at += 1
            }
        }
    }

    private static func ibanEnd(_ segment: Segment, _ lower: Int) -> Int? {
        guard ASCII.isLetter(segment.at(lower)), ASCII.isLetter(segment.at(lower + 1)), ASCII.isDigit(segment.at(lower + 2)),
            ASCII.isDigit(segment.at(lower + 3)), !ASCII.isWord(segment.at(lower - 1)),
            let length = ibanLengths[UInt16(segment[lower] & 0xdf) << 8 | UInt16(segment[lower + 1] & 0xdf)]
        else { return nil }
        var text: [UInt8] = []
        var at = lower
        while text.count < length, at < segment.upper {
            let byte = segment[at]
            if byte == 0x20 {
                guard text.count % 4 == 0, segment[at - 1] != 0x20 else { return nil }
            } else {
                guard ASCII.isAlphanumeric(byte) else { return nil }
                text.append(byte)
            }
            at += 1
        }
        guard text.count == length, !ASCII.isWord(segment.at(at)) else { return nil }
        let remainder = (text[4...] + text[..<4]).reduce(0) { remainder, byte in
            ASCII.isDigit(byte) ? (remainder * 10 + Int(byte - 0x30)) % 97 : (remainder * 100 + Int(byte & 0xdf) - 55) % 97
        }
        return remainder == 1 ? at : nil
    }

    private static let ibanLengths: [UInt16: Int] = {
        let table = """
            AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 \
            FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 \
            MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 \
            SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
            """
        return table.split(separator: " ").reduce(into: [:]) { lengths, entry in
            let bytes = Array(entry.utf8)
            lengths[UInt16(bytes[0]) << 8 | UInt16(bytes[1])] = Int(bytes[2] - 0x30) * 10 + Int(bytes[3] - 0x30)
        }
    }()
}
