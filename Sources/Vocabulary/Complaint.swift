// Complaint: an error as a person reads it: what is wrong, then what to do. `error:` and `hint:` lines,
// no capital at the start, no full stop at the end.

public struct Complaint: Error, Sendable, Hashable, CustomStringConvertible {
    /// The first line after `error: `; further lines are indented by two spaces.
    public var what: String
    public var details: [String]
    public var hints: [String]

    public init(_ what: String, details: [String] = [], hints: [String] = []) {
        self.what = what
        self.details = details
        self.hints = hints
    }

    public init(_ what: String, hint: String) { self.init(what, hints: [hint]) }

    /// All lines, each ended by a newline. A name in one of them may hold line breaks: they begin no line of ours.
    public var description: String {
        var lines = ["error: " + what]
        lines += details.map { "  " + $0 }
        lines += hints.map { "hint: " + $0 }
        return lines.map { $0.onOneLine + "\n" }.joined()
    }
}

extension String {
    /// With a question mark for each line break.
    public var onOneLine: String { String(map { $0.isNewline ? "?" : $0 }) }
}
