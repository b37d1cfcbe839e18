// Secrets: keys and tokens of the services that agents hold keys for. Always looked for, whatever the profile names.
// Private keys in PEM form are in PEM.swift: they span lines.

import JSONBytes

extension Detectors {
    static let secrets: [Detector] = [
        Detector("OPENAI_KEY", .secrets, priority: 90, anchors: [.literal("sk-")], match: openAI),
        Detector("ANTHROPIC_KEY", .secrets, priority: 92, anchors: [.literal("sk-ant-")]) { segment, end, found in
            prefixed(segment, end, prefix: 7, body: 20...256, isBody: ASCII.isBase64URL, into: &found)
        },
        Detector(
            "AWS_ACCESS_KEY", .secrets, priority: 90, anchors: ["AKIA", "ASIA", "ABIA", "ACCA"].map { .literal($0) }
        ) { segment, end, found in
            prefixed(
                segment, end, prefix: 4, body: 16...16, isBody: { ASCII.isUpper($0) || (0x32...0x37).contains($0) }, into: &found)
        },
        Detector(
            "AWS_ACCESS_KEY", .secrets, priority: 90,
            anchors: ["secret_access_key", "secret-access-key", "secretaccesskey", "secret access key", "aws_secret", "aws secret"]
                .map {
                    .literal($0, caseless: true)
                }, seek: seekValue, match: awsSecret),
        Detector(
            "GITHUB_TOKEN", .secrets, priority: 90, anchors: ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"].map { .literal($0) },
            match: gitHub),
        Detector("GITHUB_TOKEN", .secrets, priority: 90, anchors: [.literal("github_pat_")]) { segment, end, found in
            prefixed(
                segment, end, prefix: 11, body: 40...244, isBody: { ASCII.isAlphanumeric($0) || $0 == UInt8(ascii: "_") },
                into: &found)
        },
        Detector("GOOGLE_API_KEY", .secrets, priority: 90, anchors: [.literal("AIza")]) { segment, end, found in
            prefixed(segment, end, prefix: 4, body: 35...35, isBody: ASCII.isBase64URL, into: &found)
        },
        Detector(
            "SLACK_TOKEN", .secrets, priority: 90, anchors: ["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-"].map { .literal($0) }
        ) { segment, end, found in
            prefixed(
                segment, end, prefix: 5, body: 20...256, isBody: { ASCII.isAlphanumeric($0) || $0 == UInt8(ascii: "-") },
                into: &found)
        },
        Detector("STRIPE_KEY", .secrets, priority: 90, anchors: ["sk_live_", "rk_live_"].map { .literal($0) }) {
            segment, end, found in
            prefixed(segment, end, prefix: 8, body: 16...256, isBody: ASCII.isAlphanumeric, into: &found)
        },
        Detector("HUGGINGFACE_TOKEN", .secrets, priority: 90, anchors: [.literal("hf_")]) { segment, end, found in
            prefixed(segment, end, prefix: 3, body: 30...64, isBody: ASCII.isAlphanumeric, into: &found)
        },
        Detector("JWT", .secrets, priority: 95, anchors: [.literal("eyJ")], match: jsonWebToken),
    ]

    /// A known prefix that ends at `end`, then a body of allowed bytes that holds a digit and a letter and ends the word.
    private static func prefixed(
        _ segment: Segment, _ end: Int, prefix: Int, body: ClosedRange<Int>, isBody: (UInt8) -> Bool, into found: inout [Found]
    ) {
        let lower = end - prefix
        guard lower >= segment.lower, !ASCII.isWord(segment.at(lower - 1)) else { return }
        var length = segment.count(of: end..., limit: body.upperBound) { isBody($0) }
        // A sentence may go on behind it with a hyphen.
        while length > body.lowerBound, segment[end + length - 1] == UInt8(ascii: "-") { length -= 1 }
        guard length >= body.lowerBound,
            length == body.upperBound && body.count > 1 || !ASCII.isAlphanumeric(segment.at(end + length))
        else { return }
        let bytes = (end..<(end + length)).map { segment[$0] }
        guard bytes.contains(where: ASCII.isDigit), bytes.contains(where: ASCII.isLetter) else { return }
        // Longer than any known: all of it goes, a rest would be no less secret.
        if length == body.upperBound { length = segment.count(of: end...) { isBody($0) } }
        found.append(Found(range: lower..<(end + length), validated: false))
    }

    /// `sk-proj-…`, `sk-svcacct-…`, `sk-admin-…`, and the old `sk-` with one unbroken word (also other vendors' that copied it).
    /// Not words with hyphens such as `sk-fading-circle`.
    @Sendable private static func openAI(_ segment: Segment, _ end: Int, _ found: inout [Found]) {
        for infix in ["proj-", "svcacct-", "admin-", "None-", "or-v1-"] {
            let bytes = Array(infix.utf8)
            if bytes.indices.allSatisfy({ segment.at(end + $0) == bytes[$0] }) {
                return prefixed(
                    segment, end + bytes.count, prefix: 3 + bytes.count, body: 20...256, isBody: ASCII.isBase64URL, into: &found)
            }
        }
        prefixed(segment, end, prefix: 3, body: 32...256, isBody: ASCII.isAlphanumeric, into: &found)
    }

    /// From the end of a key word over `: = " '` and blanks to the value.
    @Sendable private static func seekValue(_ segment: Segment, _ end: Int) -> Int? {
        var at = end
        while at < segment.upper, at - end < 24 {
            switch segment[at] {
            case 0x20, 0x09, UInt8(ascii: ":"), UInt8(ascii: "="), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: ">"),
                UInt8(ascii: "\\"),
                UInt8(ascii: "("), UInt8(ascii: ","), UInt8(ascii: "_"), UInt8(ascii: "`"):
                at += 1
            case UInt8(ascii: "k"), UInt8(ascii: "K"):  // aws_secret_key
                guard at + 3 < segment.upper, ASCII.lowered(segment[at + 1]) == UInt8(ascii: "e"),
                    ASCII.lowered(segment[at + 2]) == UInt8(ascii: "y")
                else { return at }
                at += 3
            case UInt8(ascii: "i") where at + 2 < segment.upper && segment[at + 1] == UInt8(ascii: "s") && segment[at + 2] == 0x20:
                at += 2
            default: return at
            }
        }
        return nil
    }

    /// Forty base64 bytes; `end` is behind the first.
    @Sendable private static func awsSecret(_ segment: Segment, _ end: Int, _ found: inout [Found]) {
        let lower = end - 1
        // One more than wanted is enough to know: key words may stand one behind the other.
        let length = segment.count(of: lower..., limit: 41) { ASCII.isBase64($0) }
        guard length == 40, (lower..<(lower + 40)).contains(where: { ASCII.isDigit(segment[$0]) || ASCII.isUpper(segment[$0]) })
        else { return }
        found.append(Found(range: lower..<(lower + 40), validated: false))
    }

    /// Thirty random letters and digits and a CRC-32 of them in six of base 62; longer ones are of the newer kind.
    @Sendable private static func gitHub(_ segment: Segment, _ end: Int, _ found: inout [Found]) {
        let count = found.count
        prefixed(
            segment, end, prefix: 4, body: 36...255, isBody: { ASCII.isAlphanumeric($0) || $0 == UInt8(ascii: "_") }, into: &found)
        guard found.count > count, found[count].range.upperBound - end == 36 else { return }
        let body = (end..<(end + 36)).map { segment[$0] }
        var checksum: UInt64 = 0
        for byte in body[30...] {
            let digit = ASCII.isDigit(byte) ? byte - 0x30 : ASCII.isUpper(byte) ? byte - 0x41 + 10 : byte &- 0x61 &+ 36
            checksum = checksum * 62 + UInt64(digit)
        }
        found[count].validated = checksum == UInt64(crc32(body[..<30]))
    }

    /// IEEE 802.3, reflected.
    static func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xedb8_8320 : value >> 1 }
        }
    }

    /// Three parts (RFC 7515) or five (RFC 7516) of base64url; the first decodes to a JSON object with `alg`.
    @Sendable private static func jsonWebToken(_ segment: Segment, _ end: Int, _ found: inout [Found]) {
        let lower = end - 3
        guard lower >= segment.lower, !ASCII.isBase64URL(segment.at(lower - 1)) else { return }
        var parts: [Range<Int>] = []
        var at = lower
        while parts.count < 5 {
            let length = segment.count(of: at...) { ASCII.isBase64URL($0) }
            if length == 0, parts.count < 2 { break }
            parts.append(at..<(at + length))
            at += length
            guard segment.at(at) == UInt8(ascii: ".") else { break }
            at += 1
        }
        if parts.count == 4 { parts.removeLast() }
        guard parts.count >= 3, let last = parts.last, (16...2048).contains(parts[0].count) else { return }
        guard let header = try? JSONValue.parse(base64(segment, parts[0])), header["alg"]?.stringValue != nil else { return }
        var upper = last.upperBound
        if last.isEmpty, segment.at(upper - 1) == UInt8(ascii: ".") { upper -= 1 }
        found.append(Found(range: lower..<upper, validated: true))
    }

    private static func base64(_ segment: Segment, _ range: Range<Int>) -> [UInt8] {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for index in range {
            let byte = segment[index]
            let value: UInt8 =
                switch byte {
                case 0x41...0x5a: byte - 0x41
                case 0x61...0x7a: byte - 0x61 + 26
                case 0x30...0x39: byte - 0x30 + 52
                case UInt8(ascii: "-"): 62
                default: 63
                }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }
}
