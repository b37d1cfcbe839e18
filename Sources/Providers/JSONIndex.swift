// JSONIndex: a JSON text as a tree of byte ranges, so that a value can be read *and* replaced where it
// stands. Strict as RFC 8259 and total: any bytes give a tree or nil, repeated keys give nil.

/// A value and the bytes it occupies (a string's range includes its quotes).
struct JSONNode {
    struct Member {
        let key: String
        /// Where the key's opening quote stands.
        let start: Int
        let value: JSONNode
    }

    enum Shape {
        case object([Member])
        case array([JSONNode])
        case string, number, null
        case bool(Bool)
    }

    let range: Range<Int>
    let shape: Shape

    subscript(_ key: String) -> JSONNode? {
        guard case .object(let members) = shape else { return nil }
        return members.first { $0.key == key }?.value
    }

    var members: [Member] {
        if case .object(let members) = shape { members } else { [] }
    }

    var elements: [JSONNode] {
        if case .array(let elements) = shape { elements } else { [] }
    }

    var isNull: Bool { if case .null = shape { true } else { false } }
    var isObject: Bool { if case .object = shape { true } else { false } }
    var isArray: Bool { if case .array = shape { true } else { false } }
    var isString: Bool { if case .string = shape { true } else { false } }
    var bool: Bool? { if case .bool(let value) = shape { value } else { nil } }

    /// The string's decoded text.
    func text(in body: [UInt8]) -> String? {
        guard case .string = shape else { return nil }
        return JSONText.decode(body[range.dropFirst().dropLast()])
    }

    /// The number where it is an integer written as one (`4096`, never `4.096e3`).
    func integer(in body: [UInt8]) -> Int64? {
        guard case .number = shape else { return nil }
        return Int64(String(decoding: body[range], as: UTF8.self))
    }
}

extension JSONNode {
    static func parse(_ body: [UInt8], maxDepth: Int = 256) -> JSONNode? {
        var parser = JSONIndexParser(bytes: body, maxDepth: maxDepth)
        parser.skipSpace()
        guard let node = parser.value(depth: 0) else { return nil }
        parser.skipSpace()
        return parser.position == body.count ? node : nil
    }
}

private struct JSONIndexParser {
    let bytes: [UInt8]
    let maxDepth: Int
    var position = 0

    init(bytes: [UInt8], maxDepth: Int) {
        self.bytes = bytes
        self.maxDepth = maxDepth
    }

    var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    mutating func value(depth: Int) -> JSONNode? {
        guard depth <= maxDepth, let first = current else { return nil }
        let start = position
        switch first {
        case UInt8(ascii: "{"): return object(depth: depth)
        case UInt8(ascii: "["): return array(depth: depth)
        case UInt8(ascii: "\""):
            guard string() != nil else { return nil }
            return JSONNode(range: start..<position, shape: .string)
        case UInt8(ascii: "t"): return word("true", .bool(true))
        case UInt8(ascii: "f"): return word("false", .bool(false))
        case UInt8(ascii: "n"): return word("null", .null)
        default: return number()
        }
    }

    mutating func word(_ text: StaticString, _ shape: JSONNode.Shape) -> JSONNode? {
        let start = position
        let matches = text.withUTF8Buffer { word in bytes[position...].starts(with: word) }
        guard matches else { return nil }
        position += text.utf8CodeUnitCount
        return JSONNode(range: start..<position, shape: shape)
    }

    mutating func digits() -> Bool {
        let start = position
        while let byte = current, byte >= 0x30, byte <= 0x39 { position += 1 }
        return position > start
    }

    mutating func number() -> JSONNode? {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if take(UInt8(ascii: "0")) {
            if let byte = current, byte >= 0x30, byte <= 0x39 { return nil }
        } else if !digits() {
            return nil
        }
        if take(UInt8(ascii: ".")), !digits() { return nil }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard digits() else { return nil }
        }
        return JSONNode(range: start..<position, shape: .number)
    }

    /// Leaves the position behind the closing quote; the range is what stands between the quotes.
    mutating func string() -> Range<Int>? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        let start = position
        var plain = true
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                let range = start..<position
                position += 1
                if !plain, JSONText.decode(bytes[range]) == nil { return nil }
                return range
            case UInt8(ascii: "\\"):
                plain = false
                position += 2
            case 0..<0x20: return nil
            default:
                if byte >= 0x80 { plain = false }
                position += 1
            }
        }
        return nil
    }

    mutating func array(depth: Int) -> JSONNode? {
        let start = position
        position += 1
        var elements: [JSONNode] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return JSONNode(range: start..<position, shape: .array([])) }
        while true {
            skipSpace()
            guard let element = value(depth: depth + 1) else { return nil }
            elements.append(element)
            skipSpace()
            if take(UInt8(ascii: "]")) { return JSONNode(range: start..<position, shape: .array(elements)) }
            guard take(UInt8(ascii: ",")) else { return nil }
        }
    }

    mutating func object(depth: Int) -> JSONNode? {
        let start = position
        position += 1
        var members: [JSONNode.Member] = []
        var seen: Set<String> = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return JSONNode(range: start..<position, shape: .object([])) }
        while true {
            skipSpace()
            // Canonically equivalent spellings count as one key here: refused, which is the safe side.
            guard let range = string(), let key = JSONText.decode(bytes[range]), seen.insert(key).inserted else { return nil }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { return nil }
            skipSpace()
            guard let member = value(depth: depth + 1) else { return nil }
            members.append(.init(key: key, start: range.lowerBound - 1, value: member))
            skipSpace()
            if take(UInt8(ascii: "}")) { return JSONNode(range: start..<position, shape: .object(members)) }
            guard take(UInt8(ascii: ",")) else { return nil }
        }
    }
}

enum JSONText {
    /// The text between a literal's quotes with its escapes resolved; nil for bad UTF-8, a bad escape or a lone surrogate.
    static func decode(_ raw: ArraySlice<UInt8>) -> String? {
        guard raw.contains(UInt8(ascii: "\\")) else { return String(validating: raw, as: UTF8.self) }
        var out: [UInt8] = []
        out.reserveCapacity(raw.count)
        var index = raw.startIndex
        while index < raw.endIndex {
            let byte = raw[index]
            index += 1
            guard byte == UInt8(ascii: "\\") else {
                out.append(byte)
                continue
            }
            guard index < raw.endIndex else { return nil }
            let escape = raw[index]
            index += 1
            switch escape {
            case 0x22, 0x2f, 0x5c: out.append(escape)
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0c)
            case UInt8(ascii: "n"): out.append(0x0a)
            case UInt8(ascii: "r"): out.append(0x0d)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "u"):
                guard var value = hex4(raw, at: index) else { return nil }
                index += 4
                if 0xd800..<0xdc00 ~= value {
                    guard index + 1 < raw.endIndex, raw[index] == UInt8(ascii: "\\"), raw[index + 1] == UInt8(ascii: "u"),
                        let low = hex4(raw, at: index + 2), 0xdc00..<0xe000 ~= low
                    else { return nil }
                    index += 6
                    value = 0x10000 + (value - 0xd800) << 10 + (low - 0xdc00)
                }
                guard let scalar = Unicode.Scalar(value) else { return nil }
                out += Array(String(Character(scalar)).utf8)
            default: return nil
            }
        }
        return String(validating: out, as: UTF8.self)
    }

    private static func hex4(_ raw: ArraySlice<UInt8>, at index: Int) -> UInt32? {
        guard index >= raw.startIndex, index + 4 <= raw.endIndex else { return nil }
        var value: UInt32 = 0
        for byte in raw[index..<index + 4] {
            switch byte {
            case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
            case 0x41...0x46: value = value << 4 | UInt32(byte - 0x37)
            case 0x61...0x66: value = value << 4 | UInt32(byte - 0x57)
            default: return nil
            }
        }
        return value
    }
}
