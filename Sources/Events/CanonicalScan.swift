// CanonicalScan: decides in one pass whether bytes are canonical JSON as the log allows it: RFC 8785 with integers
// only (anything larger or finer is text). It is stricter than a parser on purpose: one record has one spelling.

/// One member of a record's data: where its key and value are, and what the value is.
struct CanonicalField: Sendable {
    enum Shape: Sendable { case text, integer, bool, null, array, object }

    var key: Range<Int>
    var value: Range<Int>
    var shape: Shape

    /// Decimal digits without leading zeros, up to 2^64 − 1.
    static func decimal(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt64? {
        guard !range.isEmpty, range.count == 1 || bytes[range.lowerBound] != 0x30 else { return nil }
        var value: UInt64 = 0
        for index in range {
            guard bytes[index] >= 0x30, bytes[index] <= 0x39 else { return nil }
            let (product, a) = value.multipliedReportingOverflow(by: 10)
            let (sum, b) = product.addingReportingOverflow(UInt64(bytes[index] - 0x30))
            guard !a, !b else { return nil }
            value = sum
        }
        return value
    }
}

enum CanonicalScan {
    /// Moves `at` past one value. Members of the object at depth 0 are added to `fields`.
    @discardableResult
    static func value(
        _ bytes: Span<UInt8>, _ at: inout Int, depth: Int, fields: inout [CanonicalField]
    ) throws(RecordError) -> CanonicalField.Shape {
        guard at < bytes.count else { throw .notCanonical(offset: at, why: "ends early") }
        switch bytes[at] {
        case UInt8(ascii: "\""):
            try string(bytes, &at)
            return .text
        case UInt8(ascii: "{"):
            try object(bytes, &at, depth: depth, fields: &fields)
            return .object
        case UInt8(ascii: "["):
            try array(bytes, &at, depth: depth, fields: &fields)
            return .array
        case UInt8(ascii: "t"):
            try word("true", bytes, &at)
            return .bool
        case UInt8(ascii: "f"):
            try word("false", bytes, &at)
            return .bool
        case UInt8(ascii: "n"):
            try word("null", bytes, &at)
            return .null
        default:
            try integer(bytes, &at)
            return .integer
        }
    }

    private static func object(_ bytes: Span<UInt8>, _ at: inout Int, depth: Int, fields: inout [CanonicalField])
        throws(RecordError)
    {
        guard depth < RecordLimits.maxDepth else { throw .notCanonical(offset: at, why: "nested too deep") }
        at += 1
        if at < bytes.count, bytes[at] == UInt8(ascii: "}") {
            at += 1
            return
        }
        var previous: Range<Int>?
        while true {
            guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { throw .notCanonical(offset: at, why: "expected a key") }
            let start = at
            let plain = try string(bytes, &at)
            let key = start + 1..<at - 1
            if let previous, !ascends(bytes, previous, key, plain: plain) {
                throw .notCanonical(offset: start, why: "keys must ascend")
            }
            previous = key
            try expect(UInt8(ascii: ":"), bytes, &at)
            let valueStart = at
            let shape = try value(bytes, &at, depth: depth + 1, fields: &fields)
            if depth == 0 { fields.append(CanonicalField(key: key, value: valueStart..<at, shape: shape)) }
            guard at < bytes.count else { throw .notCanonical(offset: at, why: "ends early") }
            if bytes[at] == UInt8(ascii: "}") { break }
            try expect(UInt8(ascii: ","), bytes, &at)
        }
        at += 1
    }

    private static func array(_ bytes: Span<UInt8>, _ at: inout Int, depth: Int, fields: inout [CanonicalField]) throws(RecordError)
    {
        guard depth < RecordLimits.maxDepth else { throw .notCanonical(offset: at, why: "nested too deep") }
        at += 1
        if at < bytes.count, bytes[at] == UInt8(ascii: "]") {
            at += 1
            return
        }
        while true {
            try value(bytes, &at, depth: depth + 1, fields: &fields)
            guard at < bytes.count else { throw .notCanonical(offset: at, why: "ends early") }
            if bytes[at] == UInt8(ascii: "]") { break }
            try expect(UInt8(ascii: ","), bytes, &at)
        }
        at += 1
    }

    /// UTF-8 as RFC 3629 has it, and only the escapes that RFC 8785 §3.2.2.2 writes. True when it is plain ASCII without
    /// escapes.
    @discardableResult
    private static func string(_ bytes: Span<UInt8>, _ at: inout Int) throws(RecordError) -> Bool {
        var plain = true
        var index = at + 1
        let count = bytes.count
        while index < count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                at = index + 1
                return plain
            case UInt8(ascii: "\\"):
                plain = false
                index = try escape(bytes, index)
            case 0..<0x20: throw .notCanonical(offset: index, why: "raw control character")
            case 0x20..<0x80: index += 1
            default:
                plain = false
                index = try multibyte(bytes, index)
            }
        }
        throw .notCanonical(offset: count, why: "text without end")
    }

    private static func escape(_ bytes: Span<UInt8>, _ at: Int) throws(RecordError) -> Int {
        guard at + 1 < bytes.count else { throw .notCanonical(offset: at, why: "text without end") }
        switch bytes[at + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"),
            UInt8(ascii: "t"):
            return at + 2
        case UInt8(ascii: "u"):
            guard at + 5 < bytes.count, bytes[at + 2] == 0x30, bytes[at + 3] == 0x30,
                bytes[at + 4] == 0x30 || bytes[at + 4] == 0x31,
                let low = hexDigit(bytes[at + 5])
            else { throw .notCanonical(offset: at, why: "escape that is not needed") }
            // \b \t \n \f \r have short forms, which are the canonical ones.
            let code = (bytes[at + 4] - 0x30) << 4 | low
            guard ![8, 9, 10, 12, 13].contains(code) else { throw .notCanonical(offset: at, why: "escape with a shorter form") }
            return at + 6
        default: throw .notCanonical(offset: at, why: "escape that is not needed")
        }
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    private static func multibyte(_ bytes: Span<UInt8>, _ at: Int) throws(RecordError) -> Int {
        let first = bytes[at]
        let length: Int
        var range: ClosedRange<UInt8> = 0x80...0xbf
        switch first {
        case 0xc2...0xdf: length = 2
        case 0xe0:
            length = 3
            range = 0xa0...0xbf
        case 0xed:
            length = 3
            range = 0x80...0x9f
        case 0xe1...0xef: length = 3
        case 0xf0:
            length = 4
            range = 0x90...0xbf
        case 0xf1...0xf3: length = 4
        case 0xf4:
            length = 4
            range = 0x80...0x8f
        default: throw .notCanonical(offset: at, why: "not UTF-8")
        }
        guard at + length <= bytes.count, range.contains(bytes[at + 1]) else { throw .notCanonical(offset: at, why: "not UTF-8") }
        for index in at + 2..<max(at + length, at + 2) where bytes[index] & 0xc0 != 0x80 {
            throw .notCanonical(offset: index, why: "not UTF-8")
        }
        return at + length
    }

    private static func integer(_ bytes: Span<UInt8>, _ at: inout Int) throws(RecordError) {
        let start = at
        let negative = bytes[at] == UInt8(ascii: "-")
        if negative { at += 1 }
        let digits = at
        while at < bytes.count, bytes[at] >= 0x30, bytes[at] <= 0x39 { at += 1 }
        guard let value = CanonicalField.decimal(bytes, digits..<at), value <= RecordLimits.maxInteger, !(negative && value == 0)
        else {
            throw .notCanonical(offset: start, why: "expected a value; numbers are integers up to 2^53 - 1")
        }
    }

    private static func word(_ word: StaticString, _ bytes: Span<UInt8>, _ at: inout Int) throws(RecordError) {
        let length = word.utf8CodeUnitCount
        let same =
            bytes.count - at >= length
            && word.withUTF8Buffer { wanted in
                for index in 0..<length where bytes[at + index] != wanted[index] { return false }
                return true
            }
        guard same else { throw .notCanonical(offset: at, why: "expected a value") }
        at += length
    }

    private static func expect(_ byte: UInt8, _ bytes: Span<UInt8>, _ at: inout Int) throws(RecordError) {
        guard at < bytes.count, bytes[at] == byte else {
            throw .notCanonical(offset: at, why: "expected '\(Character(UnicodeScalar(byte)))'")
        }
        at += 1
    }

    /// RFC 8785 orders by UTF-16 code units of the unescaped key; for plain ASCII that is byte order.
    private static func ascends(_ bytes: Span<UInt8>, _ a: Range<Int>, _ b: Range<Int>, plain: Bool) -> Bool {
        var index = 0
        var simple = plain
        if simple {
            for position in a where bytes[position] >= 0x80 || bytes[position] == UInt8(ascii: "\\") { simple = false }
        }
        guard simple else { return codeUnits(bytes, a).lexicographicallyPrecedes(codeUnits(bytes, b)) }
        while index < a.count, index < b.count {
            let (x, y) = (bytes[a.lowerBound + index], bytes[b.lowerBound + index])
            if x != y { return x < y }
            index += 1
        }
        return a.count < b.count
    }

    /// The key without its escapes. Only reached for keys that were scanned as well-formed.
    private static func codeUnits(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt16] {
        var plain: [UInt8] = []
        var index = range.lowerBound
        while index < range.upperBound {
            guard bytes[index] == UInt8(ascii: "\\") else {
                plain.append(bytes[index])
                index += 1
                continue
            }
            switch bytes[index + 1] {
            case UInt8(ascii: "b"): plain.append(8)
            case UInt8(ascii: "t"): plain.append(9)
            case UInt8(ascii: "n"): plain.append(10)
            case UInt8(ascii: "f"): plain.append(12)
            case UInt8(ascii: "r"): plain.append(13)
            case UInt8(ascii: "u"):
                plain.append((bytes[index + 4] - 0x30) << 4 | (hexDigit(bytes[index + 5]) ?? 0))
                index += 4
            default: plain.append(bytes[index + 1])
            }
            index += 2
        }
        return Array(String(decoding: plain, as: UTF8.self).utf16)
    }
}
