// CanonicalJSON: a tree to the bytes that egress gets and that the digest covers, and back. Objects, arrays and
// strings only, so that there is one spelling of everything (RFC 8785); numbers and booleans travel as their text.

enum CanonicalJSON {
    static func write(_ node: Node) -> [UInt8] {
        var out: [UInt8] = []
        append(node, to: &out)
        return out
    }

    private static func append(_ node: Node, to out: inout [UInt8]) {
        switch node.content {
        case .scalar(let text, _): append(text, to: &out)
        case .sequence(let elements):
            out.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                append(element, to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .mapping(let entries):
            out.append(UInt8(ascii: "{"))
            // RFC 8785 §3.2.3: keys in the order of their UTF-16 code units.
            for (index, entry) in entries.sorted(by: {
                $0.key.utf16.lexicographicallyPrecedes($1.key.utf16)
            }).enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                append(entry.key, to: &out)
                out.append(UInt8(ascii: ":"))
                append(entry.value, to: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    private static func append(_ text: String, to out: inout [UInt8]) {
        let hex = Array("0123456789abcdef".utf8)
        out.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
            case 8: out += Array("\\b".utf8)
            case 9: out += Array("\\t".utf8)
            case 10: out += Array("\\n".utf8)
            case 12: out += Array("\\f".utf8)
            case 13: out += Array("\\r".utf8)
            case 0..<0x20: out += Array("\\u00".utf8) + [hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}

/// Reads back exactly what `CanonicalJSON.write` makes, and nothing more of JSON.
struct CanonicalJSONReader {
    private let bytes: [UInt8]
    private var at = 0
    private static let file = "canonical profile"

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func read(_ bytes: [UInt8]) throws(ProfileError) -> Node {
        var reader = CanonicalJSONReader(bytes)
        let node = try reader.value(depth: 0)
        guard reader.at == bytes.count else { throw reader.wrong("bytes after the end") }
        // One spelling of everything: whatever reads the same but is written otherwise is not ours.
        guard CanonicalJSON.write(node) == bytes else { throw reader.wrong("an escape that is not canonical") }
        return node
    }

    private var mark: Mark { Mark(file: Self.file, line: 1, column: at + 1) }
    private func wrong(_ what: String) -> ProfileError {
        ProfileError(mark, "not a canonical profile: \(what)")
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    private mutating func value(depth: Int) throws(ProfileError) -> Node {
        guard depth <= 64 else { throw wrong("nested too deeply") }
        let start = mark
        if take(UInt8(ascii: "[")) {
            var elements: [Node] = []
            if take(UInt8(ascii: "]")) { return Node(.sequence([]), mark: start) }
            repeat { elements.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "]")) else { throw wrong("']' expected") }
            return Node(.sequence(elements), mark: start)
        }
        if take(UInt8(ascii: "{")) {
            var entries: [Node.Entry] = []
            if take(UInt8(ascii: "}")) { return Node(.mapping([]), mark: start) }
            repeat {
                let keyMark = mark
                let key = try string()
                guard take(UInt8(ascii: ":")) else { throw wrong("':' expected") }
                if let last = entries.last, !last.key.utf16.lexicographicallyPrecedes(key.utf16) {
                    throw wrong("keys out of order")
                }
                entries.append(Node.Entry(key: key, keyMark: keyMark, value: try value(depth: depth + 1)))
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "}")) else { throw wrong("'}' expected") }
            return Node(.mapping(entries), mark: start)
        }
        return Node(.scalar(try string(), quoted: true), mark: start)
    }

    private mutating func string() throws(ProfileError) -> String {
        guard take(UInt8(ascii: "\"")) else { throw wrong("a string expected") }
        var out: [UInt8] = []
        while true {
            guard at < bytes.count else { throw wrong("a string without an end") }
            let byte = bytes[at]
            at += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: out, as: UTF8.self) else { throw wrong("not UTF-8") }
                return text
            case UInt8(ascii: "\\"): out.append(try escape())
            case 0..<0x20: throw wrong("a control character in a string")
            default: out.append(byte)
            }
        }
    }

    private mutating func escape() throws(ProfileError) -> UInt8 {
        guard at < bytes.count else { throw wrong("an escape without an end") }
        let byte = bytes[at]
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): return byte
        case UInt8(ascii: "b"): return 8
        case UInt8(ascii: "t"): return 9
        case UInt8(ascii: "n"): return 10
        case UInt8(ascii: "f"): return 12
        case UInt8(ascii: "r"): return 13
        case UInt8(ascii: "u"):
            // The writer makes \u00XX of control characters and of nothing else.
            guard at + 4 <= bytes.count,
                let value = UInt8(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16),
                value < 0x20
            else { throw wrong("an escape that is not canonical") }
            at += 4
            return value
        default: throw wrong("an escape that is not canonical")
        }
    }
}
