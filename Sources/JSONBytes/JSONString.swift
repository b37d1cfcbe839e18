// JSONString: the inside of a JSON string, to and from text.

public enum JSONString {
    /// The text of a string's content (without quotes) that a scan has already found well-formed.
    public static func unescape(_ content: ArraySlice<UInt8>) -> [UInt8] {
        content.withUnsafeBufferPointer { unescape($0) }
    }

    static func unescape(_ content: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(content.count)
        var at = 0
        while at < content.count {
            let (bytes, next) = unit(content, at: at)
            bytes.append(to: &text)
            at = next
        }
        return text
    }

    /// One step of decoding: an escape (a surrogate pair as one) or a plain byte, and the index behind it.
    @inline(__always)
    static func unit(_ content: UnsafeBufferPointer<UInt8>, at: Int) -> (JSONScalarBytes, next: Int) {
        let byte = content[at]
        guard byte == UInt8(ascii: "\\"), at + 1 < content.count else { return (JSONScalarBytes(byte: byte), at + 1) }
        guard content[at + 1] == UInt8(ascii: "u") else {
            return (JSONScalarBytes(byte: JSONScan.shortEscape(content[at + 1]) ?? content[at + 1]), at + 2)
        }
        guard at + 6 <= content.count, let high = JSONScan.hexUnit(content, at: at + 2) else {
            return (JSONScalarBytes(scalar: 0xfffd), at + 2)
        }
        guard (0xd800...0xdbff).contains(high) else { return (JSONScalarBytes(scalar: high), at + 6) }
        guard at + 12 <= content.count, let low = JSONScan.hexUnit(content, at: at + 8), (0xdc00...0xdfff).contains(low) else {
            return (JSONScalarBytes(scalar: 0xfffd), at + 6)
        }
        return (JSONScalarBytes(scalar: 0x10000 + (high - 0xd800) << 10 + (low - 0xdc00)), at + 12)
    }

    /// The scalar of the escape at `at`, where a scan has found a backslash, and the index behind it.
    public static func escapedScalar(_ content: UnsafeBufferPointer<UInt8>, at: Int) -> (scalar: UInt32, next: Int) {
        let (bytes, next) = unit(content, at: at)
        return (bytes.scalar, next)
    }

    /// The first index at or after `from` whose byte is a quote, a backslash, a control character or not ASCII.
    public static func plainEnd(_ content: UnsafeBufferPointer<UInt8>, from: Int) -> Int { JSONScan.plainEnd(content, from: from) }

    /// The first index at or after `from` whose byte is not ASCII.
    public static func firstNotASCII(_ bytes: UnsafeBufferPointer<UInt8>, from: Int) -> Int {
        JSONScan.firstNotASCII(bytes, from: from)
    }

    /// Bytes of the well-formed UTF-8 sequence at `at`; nil: there is none, or it is cut short.
    public static func scalarLength(_ content: UnsafeBufferPointer<UInt8>, at: Int) -> Int? {
        JSONScan.scalarLength(content, at: at)
    }

    /// Appends `text`, which is UTF-8, as the inside of a JSON string: RFC 8785 §3.2.2.2, only what must be escaped is.
    public static func escape(_ text: some Sequence<UInt8>, into bytes: inout [UInt8]) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "\"")]
            case UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "\\")]
            case 0x08: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "b")]
            case 0x09: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "t")]
            case 0x0a: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case 0x0c: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "f")]
            case 0x0d: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "r")]
            case 0..<0x20:
                let low = byte & 0x0f
                bytes += Array("\\u00".utf8)
                bytes.append(byte < 0x10 ? 0x30 : 0x31)
                bytes.append(low < 10 ? 0x30 + low : 0x57 + low)
            default: bytes.append(byte)
            }
        }
    }

    public static func escape(_ text: some Sequence<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        escape(text, into: &bytes)
        return bytes
    }

    /// Appends a whole JSON string, quotes included. Text without anything to escape is copied as a block.
    static func write(_ text: String, into bytes: inout [UInt8]) {
        var text = text
        bytes.append(UInt8(ascii: "\""))
        text.withUTF8 { utf8 in
            var at = 0
            while at < utf8.count {
                var end = at
                while end < utf8.count, utf8[end] >= 0x20, utf8[end] != UInt8(ascii: "\""), utf8[end] != UInt8(ascii: "\\") {
                    end += 1
                }
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[at..<end]))
                if end < utf8.count { escape(CollectionOfOne(utf8[end]), into: &bytes) }
                at = end + 1
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

/// The UTF-8 of one scalar, or one raw byte, without an allocation.
struct JSONScalarBytes {
    private var packed: UInt32
    private var count: Int
    let scalar: UInt32

    @inline(__always)
    init(byte: UInt8) {
        packed = UInt32(byte)
        scalar = packed
        count = 1
    }

    init(scalar: UInt32) {
        self.scalar = scalar
        switch scalar {
        case 0..<0x80: (packed, count) = (scalar, 1)
        case 0x80..<0x800: (packed, count) = (0xc0 | scalar >> 6 | (0x80 | scalar & 0x3f) << 8, 2)
        case 0x800..<0x10000:
            (packed, count) = (0xe0 | scalar >> 12 | (0x80 | scalar >> 6 & 0x3f) << 8 | (0x80 | scalar & 0x3f) << 16, 3)
        default:
            packed = 0xf0 | scalar >> 18 | (0x80 | scalar >> 12 & 0x3f) << 8 | (0x80 | scalar >> 6 & 0x3f) << 16
            packed |= (0x80 | scalar & 0x3f) << 24
            count = 4
        }
    }

    @inline(__always)
    func append(to text: inout [UInt8]) {
        var rest = packed
        for _ in 0..<count {
            text.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }
}
