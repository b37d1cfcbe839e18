// JSONScan: the byte-level steps that the tokenizer and the string decoder share.

enum JSONScan {
    /// The first index at or after `from` whose byte is a quote, a backslash, a control character or not ASCII.
    @inline(__always)
    static func plainEnd(_ bytes: UnsafeBufferPointer<UInt8>, from: Int) -> Int {
        var at = from
        let count = bytes.count
        if let base = UnsafeRawPointer(bytes.baseAddress) {
            while at + 16 <= count {
                let low = stops(base.loadUnaligned(fromByteOffset: at, as: UInt64.self))
                let high = stops(base.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self))
                if low | high != 0 { return low != 0 ? at + low.trailingZeroBitCount / 8 : at + 8 + high.trailingZeroBitCount / 8 }
                at += 16
            }
        }
        while at < count {
            let byte = bytes[at]
            if byte < 0x20 || byte > 0x7f || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return at }
            at += 1
        }
        return at
    }

    /// Eight bytes at once within a word: a high bit for each that stops a plain run. The lowest one is exact, those above it
    /// may be borrows. (Comparing SIMD16 lanes compiles to a loop over the lanes on this toolchain, at 60 MB/s.)
    @inline(__always)
    private static func stops(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let slashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let controls = (word &- ones &* 0x20) & ~word
        return (controls | ((quotes &- ones) & ~quotes) | ((slashes &- ones) & ~slashes) | word) & (ones &* 0x80)
    }

    /// The first index at or after `from` whose byte is not ASCII.
    @inline(__always)
    static func firstNotASCII(_ bytes: UnsafeBufferPointer<UInt8>, from: Int) -> Int {
        var at = from
        if let base = UnsafeRawPointer(bytes.baseAddress) {
            while at + 16 <= bytes.count {
                let chunk = base.loadUnaligned(fromByteOffset: at, as: SIMD2<UInt64>.self) & 0x8080_8080_8080_8080
                if chunk.x != 0 { return at + chunk.x.trailingZeroBitCount / 8 }
                if chunk.y != 0 { return at + 8 + chunk.y.trailingZeroBitCount / 8 }
                at += 16
            }
        }
        while at < bytes.count, bytes[at] < 0x80 { at += 1 }
        return at
    }

    /// Bytes of the well-formed UTF-8 sequence at `at` (Unicode 3.9, table 3-7); nil: there is none.
    @inline(__always)
    static func scalarLength(_ bytes: UnsafeBufferPointer<UInt8>, at: Int) -> Int? {
        let lead = bytes[at]
        let left = bytes.count - at
        func continues(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xbf) -> Bool { range.contains(bytes[at + offset]) }
        switch lead {
        case 0..<0x80: return 1
        case 0xc2...0xdf: return left >= 2 && continues(1) ? 2 : nil
        case 0xe0: return left >= 3 && continues(1, 0xa0...0xbf) && continues(2) ? 3 : nil
        case 0xed: return left >= 3 && continues(1, 0x80...0x9f) && continues(2) ? 3 : nil
        case 0xe1...0xef: return left >= 3 && continues(1) && continues(2) ? 3 : nil
        case 0xf0: return left >= 4 && continues(1, 0x90...0xbf) && continues(2) && continues(3) ? 4 : nil
        case 0xf1...0xf3: return left >= 4 && continues(1) && continues(2) && continues(3) ? 4 : nil
        case 0xf4: return left >= 4 && continues(1, 0x80...0x8f) && continues(2) && continues(3) ? 4 : nil
        default: return nil
        }
    }

    /// What a two-byte escape stands for; nil: there is no such escape.
    static func shortEscape(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0c
        case UInt8(ascii: "n"): 0x0a
        case UInt8(ascii: "r"): 0x0d
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    /// Four hexadecimal digits at `at`, which must be within the bytes.
    static func hexUnit(_ bytes: UnsafeBufferPointer<UInt8>, at: Int) -> UInt32? {
        var unit: UInt32 = 0
        for index in at..<(at + 4) {
            let byte = bytes[index]
            switch byte {
            case 0x30...0x39: unit = unit << 4 | UInt32(byte - 0x30)
            case 0x41...0x46, 0x61...0x66: unit = unit << 4 | UInt32((byte | 0x20) - 0x57)
            default: return nil
            }
        }
        return unit
    }
}
