// ProfileError and Note: what is wrong with a profile, or worth knowing about it, with its place and words for a person.

/// A profile that cannot be used. Rendered as `error: FILE:LINE:COLUMN: message` and `hint: what to do`.
public struct ProfileError: Error, Sendable, Hashable, CustomStringConvertible {
    public var mark: Mark
    public var message: String
    public var hint: String?

    public init(_ mark: Mark, _ message: String, hint: String? = nil) {
        self.mark = mark
        self.message = message
        self.hint = hint
    }

    public var file: String { mark.file }
    public var line: Int { mark.line }
    public var column: Int { mark.column }

    /// One or two lines without a newline at the end.
    public var description: String {
        "error: \(mark): \(message)" + (hint.map { "\nhint: \($0)" } ?? "")
    }
}

/// Something that a person should know about a profile that can be used.
public struct Note: Sendable, Hashable, CustomStringConvertible {
    public enum Kind: String, Sendable, Hashable {
        /// The key is part of the language, but this release does not enforce it: the launcher refuses to start with it.
        case unenforced
        /// The value is looser than the parent's.
        case loosened
        /// The key is read and has no effect, by design.
        case ignored
        /// A grant by a document of root's that a document of the caller's must not get.
        case withheld
        /// A name in other letters than the wire's, as its A-labels.
        case converted
        /// A name whose letters may deceive the eye.
        case confusable
    }

    public var kind: Kind
    public var mark: Mark
    /// Dotted path below `spec`.
    public var key: String
    public var message: String

    public init(_ kind: Kind, _ mark: Mark, key: String, _ message: String) {
        self.kind = kind
        self.mark = mark
        self.key = key
        self.message = message
    }

    public var description: String { "note: \(mark): \(message)" }
}
