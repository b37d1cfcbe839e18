// BodyEdit: changes to a body as byte splices. A body is never serialised again: what the agent wrote and
// nobody had a reason to touch goes out byte for byte.

/// Replace `range` of the original body by `bytes`.
public struct BodyEdit: Sendable, Hashable {
    public var range: Range<Int>
    public var bytes: [UInt8]

    public init(_ range: Range<Int>, _ bytes: [UInt8]) {
        self.range = range
        self.bytes = bytes
    }

    init(_ range: Range<Int>, _ text: String) { self.init(range, Array(text.utf8)) }

    /// All edits at once, ranges counted in the original. Edits must not overlap; two insertions at one
    /// place keep their order. An edit outside the body or overlapping an earlier one is left out and
    /// makes the result nil: a half-edited body must not be sent.
    public static func apply(_ edits: [BodyEdit], to body: [UInt8]) -> [UInt8]? {
        if edits.isEmpty { return body }
        let ordered = edits.enumerated().sorted {
            ($0.element.range.lowerBound, $0.offset) < ($1.element.range.lowerBound, $1.offset)
        }
        var out: [UInt8] = []
        out.reserveCapacity(edits.reduce(body.count) { $0 + $1.bytes.count })
        var position = 0
        for (_, edit) in ordered {
            guard edit.range.lowerBound >= position, edit.range.upperBound <= body.count else { return nil }
            out += body[position..<edit.range.lowerBound]
            out += edit.bytes
            position = edit.range.upperBound
        }
        out += body[position...]
        return out
    }
}

/// A JSON string literal with its quotes. Non-ASCII stays UTF-8; U+2028 and U+2029 are escaped, because
/// they break line-based readers.
func jsonQuoted(_ text: String) -> [UInt8] {
    let hex = Array("0123456789abcdef".utf8)
    var out: [UInt8] = [UInt8(ascii: "\"")]
    out.reserveCapacity(text.utf8.count + 2)
    for scalar in text.unicodeScalars {
        switch scalar.value {
        case 0x22: out += [0x5c, 0x22]
        case 0x5c: out += [0x5c, 0x5c]
        case 0x0a: out += [0x5c, 0x6e]
        case 0x0d: out += [0x5c, 0x72]
        case 0x09: out += [0x5c, 0x74]
        case 0..<0x20, 0x7f, 0x2028, 0x2029:
            out += [0x5c, 0x75]
            for shift in [12, 8, 4, 0] as [UInt32] { out.append(hex[Int(scalar.value >> shift & 15)]) }
        default: out += Array(String(Character(scalar)).utf8)
        }
    }
    out.append(UInt8(ascii: "\""))
    return out
}
