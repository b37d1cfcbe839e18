// Texts with values planted in them, from a seed: a failing case can be had again.

import JSONBytes
import TestKit

struct SeededGenerator {
    private var random: SplitMix
    /// What was planted in the text made last.
    private(set) var planted: [String] = []

    init(seed: UInt64) { random = SplitMix(seed: seed) }

    mutating func below(_ bound: Int) -> Int { random.below(bound) }

    private static let values = [
        "jane.doe@example.com", "442-01-9821", "4111 1111 1111 1111", "4111111111111111", "DE89370400440532013000",
        "GB29 NWBK 6016 1331 9268 19",
        "+1 (555) 123-4567", "555-123-4567", "06 12 34 56 78", "192.168.17.4", "2001:db8::8a2e:370:7334", Planted.openAI,
        Planted.anthropic, Planted.aws,
        Planted.gitHub, Planted.jwt, Planted.pem, "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
    ]

    private static let fillers = [
        " ", " ", "\n", "\n\n", ", ", " and ", " the quick brown fox ", " 2024 ", " id 12345 ", "é", " 😀 ", "-", " --- ",
        " -----BEGIN ", " call ", " ssn ", " x=",
        "«EMAIL»", " THIS IS ", " 12 34 ", " @ ", "请联系", "/", ": ", " aws_secret_access_key = ",
        " -----BEGIN RSA PRIVATE KEY----- is a line", " (", ") ", "\u{200b}", "eyJ", #"\n"#, #"\\"#, #"\u00"#,
    ]

    /// Fillers and values in turn; a value stands between blanks, so that it is one.
    mutating func text(pieces: Int) -> String {
        planted = []
        var text = ""
        for _ in 0..<pieces {
            for _ in 0..<below(5) { text += Self.fillers[below(Self.fillers.count)] }
            if below(2) == 0 {
                let value = Self.values[below(Self.values.count)]
                planted.append(value)
                text += " ; \(value) ; "
            }
        }
        return text
    }

    /// Without any rule: whatever stands beside whatever.
    mutating func soup(pieces: Int) -> String {
        var text = ""
        for _ in 0..<pieces {
            let list = below(3) == 0 ? Self.values : Self.fillers
            let piece = list[below(list.count)]
            text += below(4) == 0 ? String(piece.prefix(below(piece.count + 1))) : piece
        }
        return text
    }

    /// Some letters of a body's strings as `\u` escapes.
    mutating func escaped(_ body: [UInt8]) -> [UInt8] {
        guard let leaves = try? JSONLeaves.scan(body) else { return body }
        var edits: [JSONEdit] = []
        for leaf in leaves.leaves where leaf.kind == .string {
            var at = leaf.range.lowerBound
            while at < leaf.range.upperBound {
                if body[at] == UInt8(ascii: "\\") {
                    at += body[at + 1] == UInt8(ascii: "u") ? 6 : 2
                    continue
                }
                if body[at] < 0x80, below(6) == 0 {
                    let hex = String(body[at], radix: 16)
                    edits.append(JSONEdit(at..<(at + 1), Array(("\\u" + String(repeating: "0", count: 4 - hex.count) + hex).utf8)))
                }
                at += 1
            }
        }
        return splice(body, edits)
    }
}
