// Base64 (RFC 4648 §4): the standard alphabet, always padded; decoding takes only what encoding writes.

public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    public static func encode(_ bytes: some Collection<UInt8>) -> String { String(decoding: letters(bytes), as: UTF8.self) }

    /// The text as bytes, for whoever must not leave a copy of it behind.
    public static func letters(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        var group: UInt32 = 0
        var filled = 0
        for byte in bytes {
            group = group << 8 | UInt32(byte)
            filled += 1
            if filled == 3 {
                for shift: UInt32 in [18, 12, 6, 0] { out.append(alphabet[Int(group >> shift & 63)]) }
                group = 0
                filled = 0
            }
        }
        if filled > 0 {
            group <<= filled == 1 ? 16 : 8
            for shift: UInt32 in [18, 12, 6, 0].prefix(filled + 1) { out.append(alphabet[Int(group >> shift & 63)]) }
            for _ in filled..<3 { out.append(UInt8(ascii: "=")) }
        }
        return out
    }

    /// Nil for any text that `encode` would not have written: no line breaks, no missing padding, no spare bits set.
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var out: [UInt8] = []
        var group: UInt32 = 0
        var filled = 0
        var padding = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            guard padding == 0, let value = value(byte) else { return nil }
            group = group << 6 | value
            filled += 1
            if filled == 4 {
                for shift: UInt32 in [16, 8, 0] { out.append(UInt8(truncatingIfNeeded: group >> shift)) }
                group = 0
                filled = 0
            }
        }
        switch (filled, padding) {
        case (0, 0): return out
        case (2, 2) where group & 15 == 0: out.append(UInt8(truncatingIfNeeded: group >> 4))
        case (3, 1) where group & 3 == 0:
            out.append(UInt8(truncatingIfNeeded: group >> 10))
            out.append(UInt8(truncatingIfNeeded: group >> 2))
        default: return nil
        }
        return out
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x41...0x5a: UInt32(byte - 0x41)
        case 0x61...0x7a: UInt32(byte - 0x61 + 26)
        case 0x30...0x39: UInt32(byte - 0x30 + 52)
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
