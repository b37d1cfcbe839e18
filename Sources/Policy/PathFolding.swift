// PathFolding: spellings that some server takes for the same path. For denials only: what is folded denies more.

enum PathFolding {
    /// Lower case, and letters that case or width mappings turn into ASCII ones.
    static func folded(_ path: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(path.count)
        var index = 0
        while index < path.count {
            let byte = path[index]
            if byte < 0x80 {
                out.append((0x41...0x5a).contains(byte) ? byte | 0x20 : byte)
                index += 1
                continue
            }
            let (letter, length) = mapped(path[index...])
            if let letter { out.append(letter) } else { out += path[index..<(index + length)] }
            index += length
        }
        return out
    }

    /// The ASCII letter that a UTF-8 sequence at the start is mapped to by some server, and the bytes it takes.
    private static func mapped(_ bytes: ArraySlice<UInt8>) -> (UInt8?, Int) {
        let part = Array(bytes.prefix(3))
        switch (part.first ?? 0, part.count > 1 ? part[1] : 0, part.count > 2 ? part[2] : 0) {
        case (0xc5, 0xbf, _): return (UInt8(ascii: "s"), 2)  // long s
        case (0xc4, 0xb0, _), (0xc4, 0xb1, _): return (UInt8(ascii: "i"), 2)  // Turkish I and i
        case (0xe2, 0x84, 0xaa): return (UInt8(ascii: "k"), 3)  // Kelvin
        case (0xe2, 0x80, 0xa4): return (UInt8(ascii: "."), 3)  // one dot leader
        case (0xe2, 0x81, 0x84), (0xe2, 0x88, 0x95): return (UInt8(ascii: "/"), 3)  // fraction and division slash
        // Full-width forms, U+FF01 to U+FF5E.
        case (0xef, 0xbc, let last) where last >= 0x81: return (lower(last - 0x81 + 0x21), 3)
        case (0xef, 0xbd, let last) where last <= 0x9e && last >= 0x80: return (lower(last - 0x80 + 0x60), 3)
        case (let first, _, _): return (nil, min(bytes.count, first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1))
        }
    }

    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }

    /// Each segment without dots and spaces at its end.
    static func trimmed(_ path: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        for byte in path + [UInt8(ascii: "/")] {
            if byte == UInt8(ascii: "/") {
                while let last = out.last, last == UInt8(ascii: ".") || last == UInt8(ascii: " ") { out.removeLast() }
            }
            out.append(byte)
        }
        return Array(out.dropLast())
    }

    static func withoutSpaces(_ segment: [UInt8]) -> [UInt8] {
        var segment = segment
        while segment.last == UInt8(ascii: " ") { segment.removeLast() }
        return segment
    }
}
