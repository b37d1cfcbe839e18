// JSONError: why bytes are not the strict JSON that every part of this program insists on. It carries a
// place and a kind, never a byte of the text.

/// The first thing that is wrong, and where.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case empty = "no value"
        case byteOrderMark = "a byte order mark"
        case truncated = "the text ends within a value"
        case trailingBytes = "bytes after the value"
        case unexpectedByte = "a byte that cannot stand here"
        case badNumber = "a malformed number"
        case badEscape = "a malformed escape"
        case loneSurrogate = "half of a surrogate pair"
        case controlCharacter = "a control character within a string"
        case badUTF8 = "bytes that are not UTF-8"
        case duplicateKey = "a key that was already given in this object"
        case tooDeep = "more nested containers than allowed"
        case tooMany = "more values than allowed"
    }

    public let kind: Kind
    /// Bytes from the start of the text.
    public let offset: Int

    public init(_ kind: Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
    }

    public var description: String { "not strict JSON: \(kind.rawValue), at byte \(offset)" }
}

/// Bounds of one parse.
public struct JSONLimits: Sendable, Hashable {
    /// Containers that may be open at once.
    public var depth: Int
    /// Values, keys among them, of which `JSONLeaves` notes the places: a value of two bytes takes thirty there.
    public var values: Int
    public init(depth: Int = 256, values: Int = 1 << 21) {
        self.depth = depth
        self.values = values
    }

    /// RFC 8259 with at most 256 open containers and two million values, what every body and record is held to.
    public static let strict = JSONLimits()
}
