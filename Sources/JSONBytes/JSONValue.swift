// JSONValue: a parsed text as a tree. Members keep their order and numbers their lexeme, so nothing is lost between
// reading and writing.

public enum JSONValue: Sendable, Hashable {
    /// One `key: value` of an object.
    public struct Member: Sendable, Hashable {
        public var key: String
        public var value: JSONValue
        public init(_ key: String, _ value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    case null
    case bool(Bool)
    /// As written, `1.50e3`. Compared as text.
    case number(String)
    case string(String)
    case array([JSONValue])
    /// In the order of the text. No key twice.
    case object([Member])

    public static func integer(_ value: Int64) -> JSONValue { .number(String(value)) }

    /// Reads strict RFC 8259: UTF-8 without a byte order mark, one value and nothing behind it, no repeated key (after
    /// unescaping), no half surrogate pair.
    public static func parse(_ bytes: [UInt8], limits: JSONLimits = .strict) throws(JSONError) -> JSONValue {
        try parse(bytes[...], limits: limits)
    }

    /// Offsets in errors count from the start of the slice.
    public static func parse(_ bytes: ArraySlice<UInt8>, limits: JSONLimits = .strict) throws(JSONError) -> JSONValue {
        try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) -> JSONValue in
            var sink = JSONTreeSink(buffer)
            var tokenizer = JSONTokenizer(buffer, limits: limits)
            try tokenizer.run(&sink)
            return sink.root
        }
    }

    public subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    public subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    public var isNull: Bool { self == .null }

    public var stringValue: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// An integer that fits exactly and is written without fraction or exponent.
    public var intValue: Int64? {
        if case .number(let lexeme) = self { Int64(lexeme) } else { nil }
    }

    public var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    public var members: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }

    public var elements: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }
}

/// Builds the tree; one partial container per open bracket.
struct JSONTreeSink: JSONSink {
    private enum Partial {
        case array([JSONValue])
        case object([JSONValue.Member])
    }

    private let bytes: UnsafeBufferPointer<UInt8>
    private var open: [Partial] = []
    private var pendingKeys: [String] = []
    private(set) var root = JSONValue.null

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func key(_ range: Range<Int>, _ traits: JSONStringTraits) { pendingKeys.append(text(range, traits)) }
    mutating func string(_ range: Range<Int>, _ traits: JSONStringTraits) { add(.string(text(range, traits))) }
    mutating func number(_ range: Range<Int>) { add(.number(text(range, []))) }
    mutating func literal(_ value: Bool?) { add(value.map { .bool($0) } ?? .null) }
    mutating func open(object: Bool) { open.append(object ? .object([]) : .array([])) }

    mutating func close(object: Bool) {
        switch open.popLast() {
        case .array(let elements)?: add(.array(elements))
        case .object(let members)?: add(.object(members))
        case nil: break
        }
    }

    private mutating func add(_ value: JSONValue) {
        // Taken out before it grows: two references would copy the whole container for each element.
        switch open.popLast() {
        case nil: root = value
        case .array(var elements)?:
            elements.append(value)
            open.append(.array(elements))
        case .object(var members)?:
            if let key = pendingKeys.popLast() { members.append(JSONValue.Member(key, value)) }
            open.append(.object(members))
        }
    }

    private func text(_ range: Range<Int>, _ traits: JSONStringTraits) -> String {
        let slice = UnsafeBufferPointer(rebasing: bytes[range])
        return traits.contains(.escapes)
            ? String(decoding: JSONString.unescape(slice), as: UTF8.self) : String(decoding: slice, as: UTF8.self)
    }
}
