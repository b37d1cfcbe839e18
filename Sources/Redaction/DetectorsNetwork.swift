// Network data: addresses of machines.

extension Detectors {
    static let network: [Detector] = [
        Detector(
            "IP_ADDRESS", .network, priority: 30, anchors: [.shape("[0-9]\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]")], match: addressV4),
        Detector("IP_ADDRESS", .network, priority: 30, anchors: [.shape(":[0-9A-Fa-f]{0,4}:")], match: addressV6),
    ]

    /// Four octets. Not: loopback, 0.0.0.0, masks and broadcast (they name no machine); parts of longer dotted numbers; what
    /// reads as a version (`v1.2.3.4`, `Chrome/120.0.0.0`, `==4.0.0.1`, after "version"); one digit four times (`1.2.3.4`)
    /// unless the text says that it is an address.
    @Sendable private static func addressV4(_ segment: Segment, _ end: Int, _ found: inout [Found]) {
        var lower = end - 1
        while lower > segment.lower, end - lower < 24, ASCII.isDigit(segment[lower - 1]) || segment[lower - 1] == UInt8(ascii: ".")
        { lower -= 1 }
        var upper = end
        while upper < segment.upper, upper - end < 24, ASCII.isDigit(segment[upper]) || segment[upper] == UInt8(ascii: ".") {
            upper += 1
        }
        while upper > lower, segment[upper - 1] == UInt8(ascii: ".") { upper -= 1 }
        while lower < upper, segment[lower] == UInt8(ascii: ".") { lower += 1 }
        guard let octets = octets(segment, lower..<upper) else { return }
        if octets[0] == 127 || octets[0] == 0 || octets[0] == 255 { return }
        let before = segment.at(lower - 1)
        if ASCII.isWord(before) || before == UInt8(ascii: "-") || before == UInt8(ascii: "+") || ASCII.isWord(segment.at(upper)) {
            return
        }
        if before == UInt8(ascii: "/"), ASCII.isWord(segment.at(lower - 2)) { return }
        if segment.at(upper) == UInt8(ascii: "-") || segment.at(upper) == UInt8(ascii: "+"), ASCII.isLetter(segment.at(upper + 1)) {
            return
        }
        if lower == segment.lower, lower - 2 >= segment.floor, segment[lower - 1] == UInt8(ascii: "="),
            segment[lower - 2] == UInt8(ascii: "=")
        {
            return
        }
        if segment.context(before: lower, ["version", "versions", "ver", "v", "release", "build", "upgrade", "firmware"]) {
            return
        }
        if octets.allSatisfy({ $0 < 10 }), !segment.context(before: lower, addressWords) { return }
        found.append(Found(range: lower..<upper, validated: false))
    }

    private static let addressWords: [StaticString] = [
        "ip", "ips", "ipv4", "address", "addr", "host", "server", "ping", "ssh", "connect", "http", "https", "dns", "client",
        "peer", "from",
    ]

    private static func octets(_ segment: Segment, _ range: Range<Int>) -> [Int]? {
        guard (7...15).contains(range.count) else { return nil }
        var octets: [Int] = []
        var digits = 0
        var value = 0
        for index in range {
            if segment[index] == UInt8(ascii: ".") {
                guard digits > 0 else { return nil }
                octets.append(value)
                (digits, value) = (0, 0)
            } else {
                guard digits < 3, digits == 0 || value > 0 else { return nil }
                value = value * 10 + Int(segment[index] - 0x30)
                digits += 1
            }
        }
        octets.append(value)
        return digits > 0 && octets.count == 4 && octets.allSatisfy { $0 < 256 } ? octets : nil
    }

    /// RFC 4291 text of an address that is handed out: 2000::/3, unique local, link local, multicast, or a mapped IPv4 one.
    /// So neither times, nor `a::b` in code, nor slices like `x[1::2]`.
    @Sendable private static func addressV6(_ segment: Segment, _ end: Int, _ found: inout [Found]) {
        func isPart(_ byte: UInt8) -> Bool { ASCII.isHex(byte) || byte == UInt8(ascii: ":") }
        var lower = end - 1
        while lower > segment.lower, end - lower < 40, isPart(segment[lower - 1]) { lower -= 1 }
        var upper = end
        while upper < segment.upper, upper - lower < 46, isPart(segment[upper]) || segment[upper] == UInt8(ascii: ".") {
            upper += 1
        }
        while upper > lower, segment[upper - 1] == UInt8(ascii: ".") { upper -= 1 }
        if upper - lower > 2, segment[upper - 1] == UInt8(ascii: ":"), segment[upper - 2] != UInt8(ascii: ":") { upper -= 1 }
        guard upper - lower >= 6, !ASCII.isWord(segment.at(lower - 1)), !ASCII.isWord(segment.at(upper)) else { return }
        guard let groups = groupsV6(segment, lower..<upper) else { return }
        let mapped = groups[..<5].allSatisfy { $0 == 0 } && groups[5] == 0xffff
        guard mapped || (0x2000...0x3fff).contains(groups[0]) || groups[0] >= 0xfc00 else { return }
        found.append(Found(range: lower..<upper, validated: false))
    }

    /// The eight groups, or nil where the text is no address.
    private static func groupsV6(_ segment: Segment, _ range: Range<Int>) -> [Int]? {
        var groups: [Int] = []
        var gap: Int?
        var at = range.lowerBound
        while at < range.upperBound {
            if segment[at] == UInt8(ascii: ":") {
                let isGap = at + 1 < range.upperBound && segment[at + 1] == UInt8(ascii: ":")
                if isGap {
                    guard gap == nil else { return nil }
                    gap = groups.count
                    at += 2
                    continue
                }
                guard at > range.lowerBound, at + 1 < range.upperBound else { return nil }
                at += 1
            }
            var end = at
            while end < range.upperBound, ASCII.isHex(segment[end]) { end += 1 }
            if end < range.upperBound, segment[end] == UInt8(ascii: ".") {
                guard let four = octets(segment, at..<range.upperBound) else { return nil }
                groups += [four[0] << 8 | four[1], four[2] << 8 | four[3]]
                break
            }
            guard (1...4).contains(end - at) else { return nil }
            groups.append(
                (at..<end).reduce(0) {
                    $0 << 4 | Int(ASCII.isDigit(segment[$1]) ? segment[$1] - 0x30 : (segment[$1] | 0x20) - 0x57)
                })
            at = end
        }
        guard let gap else { return groups.count == 8 ? groups : nil }
        guard groups.count < 8 else { return nil }
        return groups[..<gap] + Array(repeating: 0, count: 8 - groups.count) + groups[gap...]
    }
}
