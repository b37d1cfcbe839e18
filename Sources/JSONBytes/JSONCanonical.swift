// Canonical form, RFC 8785: one value has one spelling, so that digests and signatures of it mean something.

extension JSONValue {
    /// UTF-8 without spaces, members by their keys' UTF-16 code units, numbers as ECMAScript prints them (integers beyond
    /// 2^53 lose digits as any double does: write them as text). A lexeme beyond a double's range is written `null`.
    public func canonical() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        write(into: &bytes)
        return bytes
    }

    func write(into bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += Array("null".utf8)
        case .bool(let value): bytes += Array((value ? "true" : "false").utf8)
        case .number(let lexeme): bytes += Array(JSONNumber.canonical(lexeme).utf8)
        case .string(let text): JSONString.write(text, into: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                element.write(into: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.sorted(by: { JSONKeyOrder.precedes($0.key, $1.key) }).enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                JSONString.write(member.key, into: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.write(into: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }
}

public enum JSONKeyOrder {
    /// The order of RFC 8785 §3.2.3. UTF-8 order differs from it only where surrogates meet U+E000–U+FFFF.
    public static func precedes(_ a: String, _ b: String) -> Bool { a.utf16.lexicographicallyPrecedes(b.utf16) }
}

public enum JSONNumber {
    /// A JSON number's lexeme as `Number.prototype.toString` would print its value (ECMA-262 §6.1.6.1.20).
    public static func canonical(_ lexeme: String) -> String {
        // The common case, and the one that must not touch a double: an integer that a double holds exactly.
        if let integer = Int64(lexeme), integer.magnitude <= 1 << 53, integer != 0 { return String(integer) }
        guard let value = Double(lexeme), value.isFinite else { return "null" }
        return canonical(value)
    }

    /// `value` must be finite.
    public static func canonical(_ value: Double) -> String {
        if value == 0 { return "0" }
        let (digits, point) = shortest(value.magnitude)
        let count = digits.count
        let text: String
        switch point {
        case count...21 where point >= count:
            text = digits + String(repeating: "0", count: point - count)
        case 1...21:
            text = "\(digits.prefix(point)).\(digits.dropFirst(point))"
        case -5...0:
            text = "0." + String(repeating: "0", count: -point) + digits
        default:
            let exponent = point - 1
            let mantissa = count == 1 ? digits : "\(digits.prefix(1)).\(digits.dropFirst(1))"
            text = mantissa + (exponent < 0 ? "e-" : "e+") + String(exponent.magnitude)
        }
        return value < 0 ? "-" + text : text
    }

    /// The shortest digits that read back as `value` (Swift prints those), and where the point stands: 0.digits × 10^point.
    private static func shortest(_ value: Double) -> (digits: String, point: Int) {
        let parts = value.description.split(separator: "e")
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let whole = mantissa[0]
        let fraction = mantissa.count > 1 ? mantissa[1] : ""
        var digits = whole + fraction
        var point = whole.count + exponent
        while digits.first == "0" {
            digits.removeFirst()
            point -= 1
        }
        while digits.last == "0" { digits.removeLast() }
        return (String(digits), point)
    }
}
