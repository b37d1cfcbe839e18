// BodyEdit: changes to a body as byte splices. A body is never serialised again: what the agent wrote and
// nobody had a reason to touch goes out byte for byte.

public import JSONBytes

/// Replace a range of the original body by other bytes.
public typealias BodyEdit = JSONEdit

extension JSONEdit {
    init(_ range: Range<Int>, _ text: String) { self.init(range, Array(text.utf8)) }

    /// All edits at once, ranges counted in the original; two insertions at one place keep their order. nil where
    /// edits overlap or leave the body: a half-edited body must not be sent.
    public static func apply(_ edits: [JSONEdit], to body: [UInt8]) -> [UInt8]? {
        var position = 0
        for edit in edits.sorted(by: { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }) {
            guard edit.range.lowerBound >= position, edit.range.upperBound <= body.count else { return nil }
            position = edit.range.upperBound
        }
        return splice(body, edits)
    }
}

/// A JSON string literal as text.
func jsonText(_ text: String) -> String { String(decoding: jsonQuoted(text), as: UTF8.self) }

/// A JSON string literal with its quotes.
func jsonQuoted(_ text: String) -> [UInt8] {
    var out: [UInt8] = [UInt8(ascii: "\"")]
    out.reserveCapacity(text.utf8.count + 2)
    JSONString.escape(text.utf8, into: &out)
    out.append(UInt8(ascii: "\""))
    return out
}
