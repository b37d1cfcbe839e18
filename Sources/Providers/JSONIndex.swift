// JSONIndex: a JSON text as a tree of byte ranges, so that a value can be read *and* replaced where it
// stands. JSONBytes decides what is JSON; this pass only notes where things are.

import JSONBytes

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
        return body.withUnsafeBufferPointer { Self.text($0[(range.lowerBound + 1)..<(range.upperBound - 1)]) }
    }

    /// What stands between a literal's quotes.
    static func text(_ content: Slice<UnsafeBufferPointer<UInt8>>) -> String {
        guard content.contains(UInt8(ascii: "\\")) else { return String(decoding: content, as: UTF8.self) }
        return String(decoding: JSONString.unescape(Array(content)[...]), as: UTF8.self)
    }

    /// The number where it is an integer written as one (`4096`, never `4.096e3`).
    func integer(in body: [UInt8]) -> Int64? {
        guard case .number = shape else { return nil }
        return Int64(String(decoding: body[range], as: UTF8.self))
    }
}

extension JSONNode {
    /// nil: not strict JSON (RFC 8259, UTF-8, no repeated key).
    static func parse(_ body: [UInt8]) -> JSONNode? {
        guard (try? JSONLeaves.scan(body)) != nil else { return nil }
        return index(body)
    }

    /// Of a body that JSONBytes has found strict; of any other it gives some tree or nil, but never reads outside it.
    static func index(_ body: [UInt8]) -> JSONNode? {
        body.withUnsafeBufferPointer { buffer in
            var pass = JSONIndexPass(bytes: buffer)
            pass.skipSpace()
            return pass.value(depth: 0)
        }
    }
}

private struct JSONIndexPass {
    let bytes: UnsafeBufferPointer<UInt8>
    var position = 0

    init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard current == byte else { return false }
        position += 1
        return true
    }

    mutating func value(depth: Int) -> JSONNode? {
        guard depth <= JSONLimits.strict.depth, let first = current else { return nil }
        let start = position
        let shape: JSONNode.Shape
        switch first {
        case UInt8(ascii: "{"):
            guard let members = members(depth: depth) else { return nil }
            shape = .object(members)
        case UInt8(ascii: "["):
            guard let elements = elements(depth: depth) else { return nil }
            shape = .array(elements)
        case UInt8(ascii: "\""):
            guard string() != nil else { return nil }
            shape = .string
        default:
            scan: while let byte = current {
                switch byte {
                case 0x20, 0x0a, 0x0d, 0x09, UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"): break scan
                default: position += 1
                }
            }
            switch first {
            case UInt8(ascii: "t"): shape = .bool(true)
            case UInt8(ascii: "f"): shape = .bool(false)
            case UInt8(ascii: "n"): shape = .null
            default: shape = .number
            }
        }
        return JSONNode(range: start..<position, shape: shape)
    }

    /// Leaves the position behind the closing quote; the range is the literal with its quotes.
    mutating func string() -> Range<Int>? {
        let start = position
        guard current == UInt8(ascii: "\"") else { return nil }
        position += 1
        while position < bytes.count {
            position = JSONString.plainEnd(bytes, from: position)
            guard let byte = current else { return nil }
            position += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return start..<position }
        }
        return nil
    }

    mutating func elements(depth: Int) -> [JSONNode]? {
        position += 1
        var elements: [JSONNode] = []
        if take(UInt8(ascii: "]")) { return elements }
        repeat {
            skipSpace()
            guard let element = value(depth: depth + 1) else { return nil }
            elements.append(element)
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "]")) ? elements : nil
    }

    mutating func members(depth: Int) -> [JSONNode.Member]? {
        position += 1
        var members: [JSONNode.Member] = []
        if take(UInt8(ascii: "}")) { return members }
        members.reserveCapacity(4)
        repeat {
            skipSpace()
            guard let range = string(), take(UInt8(ascii: ":")) else { return nil }
            let key = JSONNode.text(bytes[(range.lowerBound + 1)..<(range.upperBound - 1)])
            skipSpace()
            guard let member = value(depth: depth + 1) else { return nil }
            members.append(.init(key: key, start: range.lowerBound, value: member))
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "}")) ? members : nil
    }
}
