// Folding: what a reader takes for an ASCII letter, digit, blank or hyphen is matched as that one. Only matching sees
// folded text; what is replaced is the original span.

enum Folding {
    enum Result: Equatable {
        case same
        /// Invisible: dropped.
        case nothing
        case ascii(UInt8)
    }

    static func fold(_ scalar: UInt32) -> Result {
        switch scalar {
        case 0..<0xa0: return .same
        case 0xad, 0x180e, 0x200b...0x200f, 0x202a...0x202e, 0x2060...0x2064, 0x2066...0x2069, 0xfe00...0xfe0f, 0xfeff,
            0xe0000...0xe007f:
            return .nothing
        case 0xa0, 0x1680, 0x2000...0x200a, 0x202f, 0x205f, 0x3000: return .ascii(0x20)
        case 0x2010...0x2013, 0x2212, 0xfe58, 0xfe63: return .ascii(UInt8(ascii: "-"))
        case 0x2024, 0xfe52: return .ascii(UInt8(ascii: "."))
        case 0xfe6b: return .ascii(UInt8(ascii: "@"))
        case 0xff01...0xff5e: return .ascii(UInt8(truncatingIfNeeded: scalar - 0xfee0))
        case 0x660...0x669, 0x6f0...0x6f9: return digit(scalar & 0xf)
        case 0x966...0x96f: return digit(scalar - 0x966)
        case 0x1d7ce...0x1d7ff: return digit((scalar - 0x1d7ce) % 10)
        case 0x1d400...0x1d6a3:
            let letter = UInt8(truncatingIfNeeded: (scalar - 0x1d400) % 52)
            return .ascii(letter < 26 ? letter + 0x41 : letter + 0x47)
        case 0x391...0x3c7, 0x405...0x458, 0x4bb, 0x501: return confusable(scalar)
        default: return .same
        }
    }

    private static func digit(_ value: UInt32) -> Result { .ascii(0x30 + UInt8(truncatingIfNeeded: value)) }

    /// Greek and Cyrillic letters that are drawn as Latin ones (Unicode's confusables, the exact look-alikes only).
    private static func confusable(_ scalar: UInt32) -> Result {
        switch scalar {
        case 0x430: .ascii(UInt8(ascii: "a"))
        case 0x441: .ascii(UInt8(ascii: "c"))
        case 0x501: .ascii(UInt8(ascii: "d"))
        case 0x435: .ascii(UInt8(ascii: "e"))
        case 0x4bb: .ascii(UInt8(ascii: "h"))
        case 0x456: .ascii(UInt8(ascii: "i"))
        case 0x458: .ascii(UInt8(ascii: "j"))
        case 0x43e, 0x3bf: .ascii(UInt8(ascii: "o"))
        case 0x440, 0x3c1: .ascii(UInt8(ascii: "p"))
        case 0x455: .ascii(UInt8(ascii: "s"))
        case 0x3bd: .ascii(UInt8(ascii: "v"))
        case 0x445: .ascii(UInt8(ascii: "x"))
        case 0x443: .ascii(UInt8(ascii: "y"))
        case 0x410, 0x391: .ascii(UInt8(ascii: "A"))
        case 0x412, 0x392: .ascii(UInt8(ascii: "B"))
        case 0x421: .ascii(UInt8(ascii: "C"))
        case 0x415, 0x395: .ascii(UInt8(ascii: "E"))
        case 0x41d, 0x397: .ascii(UInt8(ascii: "H"))
        case 0x406, 0x399: .ascii(UInt8(ascii: "I"))
        case 0x408: .ascii(UInt8(ascii: "J"))
        case 0x41a, 0x39a: .ascii(UInt8(ascii: "K"))
        case 0x41c, 0x39c: .ascii(UInt8(ascii: "M"))
        case 0x39d: .ascii(UInt8(ascii: "N"))
        case 0x41e, 0x39f: .ascii(UInt8(ascii: "O"))
        case 0x420, 0x3a1: .ascii(UInt8(ascii: "P"))
        case 0x405: .ascii(UInt8(ascii: "S"))
        case 0x422, 0x3a4: .ascii(UInt8(ascii: "T"))
        case 0x425, 0x3a7: .ascii(UInt8(ascii: "X"))
        case 0x3a5: .ascii(UInt8(ascii: "Y"))
        case 0x396: .ascii(UInt8(ascii: "Z"))
        default: .same
        }
    }
}
