// FoldedText: the text that is matched, with the way back to the bytes it came from. Made in one pass that undoes the
// encoding around it (JSON escapes, percent) and folds look-alikes.

import JSONBytes

struct FoldedText {
    enum Encoding { case plain, json, percent, form }

    /// A stretch of `bytes` and the raw bytes it stands for: byte for byte where the lengths agree, else as one.
    private struct Stretch {
        let text: Int
        let raw: Int
        let length: Int
        var rawLength: Int
        var isCopy: Bool { length == rawLength }
    }

    private(set) var bytes: [UInt8]
    /// Where the text itself begins, behind the context that was put in front of it.
    let start: Int
    /// Raw bytes that were read; less than all only where a text that goes on ends within a character.
    private(set) var rawEnd = 0
    private let isFinal: Bool
    private var stretches: [Stretch] = []

    /// - Parameter context: folded text in front, for key words only; nothing in it is ever replaced.
    init(_ raw: UnsafeBufferPointer<UInt8>, _ encoding: Encoding, context: some Collection<UInt8> = [], isFinal: Bool = true) {
        self.isFinal = isFinal
        bytes = []
        bytes.reserveCapacity(context.count + raw.count)
        bytes.append(contentsOf: context)
        start = bytes.count
        var at = 0
        while at < raw.count {
            let end = min(Self.copyEnd(raw, from: at, encoding), raw.count)
            if end > at {
                copy(raw, at..<end)
                at = end
            } else {
                guard let next = step(raw, at, encoding) else { break }
                at = next
            }
        }
        rawEnd = at
    }

    private static func copyEnd(_ raw: UnsafeBufferPointer<UInt8>, from: Int, _ encoding: Encoding) -> Int {
        var end = from
        switch encoding {
        case .json:
            end = JSONString.plainEnd(raw, from: from)
        case .plain:
            end = JSONString.firstNotASCII(raw, from: from)
        case .percent, .form:
            while end < raw.count, raw[end] < 0x80, raw[end] != UInt8(ascii: "%"),
                encoding == .percent || raw[end] != UInt8(ascii: "+")
            {
                end += 1
            }
        }
        return end
    }

    /// One escape or character; nil: the text ends within it.
    private mutating func step(_ raw: UnsafeBufferPointer<UInt8>, _ at: Int, _ encoding: Encoding) -> Int? {
        let byte = raw[at]
        switch encoding {
        case .json where byte == UInt8(ascii: "\\"):
            let (scalar, next) = JSONString.escapedScalar(raw, at: at)
            add(scalar, at..<next, raw)
            return next
        case .form where byte == UInt8(ascii: "+"):
            unit([0x20], at..<(at + 1))
            return at + 1
        case .percent where byte == UInt8(ascii: "%"), .form where byte == UInt8(ascii: "%"):
            return percent(raw, at)
        default: break
        }
        guard byte >= 0x80 else {
            copy(raw, at..<(at + 1))
            return at + 1
        }
        guard let length = JSONString.scalarLength(raw, at: at) else {
            // Cut short at the end (a stream's chunk), or not UTF-8 (taken as it is).
            if !isFinal, raw.count - at < 4, Self.isCutShort(raw, at) { return nil }
            copy(raw, at..<(at + 1))
            return at + 1
        }
        add(Self.scalar(raw, at, length), at..<(at + length), raw)
        return at + length
    }

    private static func isCutShort(_ raw: UnsafeBufferPointer<UInt8>, _ at: Int) -> Bool {
        let need = raw[at] >= 0xf0 ? 4 : raw[at] >= 0xe0 ? 3 : 2
        return raw[at] >= 0xc2 && raw[at] <= 0xf4 && raw.count - at < need && raw[(at + 1)...].allSatisfy { $0 & 0xc0 == 0x80 }
    }

    /// A run of `%XX`, decoded as the UTF-8 it most likely is.
    private mutating func percent(_ raw: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int {
        var decoded: [UInt8] = []
        var next = at
        while decoded.count < 4, next + 2 < raw.count, raw[next] == UInt8(ascii: "%"),
            let value = Self.hexByte(raw[next + 1], raw[next + 2])
        {
            decoded.append(value)
            next += 3
            let length = decoded.withUnsafeBufferPointer { JSONString.scalarLength($0, at: 0) }
            if let length, length <= decoded.count {
                let scalar = decoded.withUnsafeBufferPointer { Self.scalar($0, 0, length) }
                switch Folding.fold(scalar) {
                case .nothing: break
                case .ascii(let byte): unit([byte], at..<next)
                case .same: unit(decoded, at..<next)
                }
                return next
            }
        }
        guard let first = decoded.first else {
            copy(raw, at..<(at + 1))
            return at + 1
        }
        unit([first], at..<(at + 3))
        return at + 3
    }

    static func hexByte(_ high: UInt8, _ low: UInt8) -> UInt8? {
        guard ASCII.isHex(high), ASCII.isHex(low) else { return nil }
        func value(_ digit: UInt8) -> UInt8 { ASCII.isDigit(digit) ? digit - 0x30 : (digit | 0x20) - 0x57 }
        return value(high) << 4 | value(low)
    }

    static func scalar(_ raw: UnsafeBufferPointer<UInt8>, _ at: Int, _ length: Int) -> UInt32 {
        func tail(_ offset: Int) -> UInt32 { UInt32(raw[at + offset] & 0x3f) }
        let lead = UInt32(raw[at])
        return switch length {
        case 1: lead
        case 2: (lead & 0x1f) << 6 | tail(1)
        case 3: (lead & 0x0f) << 12 | tail(1) << 6 | tail(2)
        default: (lead & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3)
        }
    }

    private mutating func add(_ scalar: UInt32, _ range: Range<Int>, _ raw: UnsafeBufferPointer<UInt8>) {
        switch Folding.fold(scalar) {
        case .nothing: break
        case .ascii(let byte): unit([byte], range)
        case .same:
            if raw[range.lowerBound] != UInt8(ascii: "\\") {
                copy(raw, range)
            } else if let scalar = Unicode.Scalar(scalar) {
                unit(Array(String(Character(scalar)).utf8), range)
            }
        }
    }

    private mutating func copy(_ raw: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
        stretches.append(Stretch(text: bytes.count, raw: range.lowerBound, length: range.count, rawLength: range.count))
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: raw[range]))
    }

    private mutating func unit(_ text: [UInt8], _ range: Range<Int>) {
        stretches.append(Stretch(text: bytes.count, raw: range.lowerBound, length: text.count, rawLength: range.count))
        bytes.append(contentsOf: text)
    }

    /// The raw bytes that a non-empty range of the text came from; invisible ones at its ends are left out.
    func raw(_ range: Range<Int>) -> Range<Int> {
        let first = stretch(range.lowerBound)
        let last = stretch(range.upperBound - 1)
        let lower = first.isCopy ? first.raw + range.lowerBound - first.text : first.raw
        let upper = last.isCopy ? last.raw + range.upperBound - last.text : last.raw + last.rawLength
        return lower..<upper
    }

    /// The raw offset at which the text from `index` on begins.
    func rawStart(_ index: Int) -> Int { index >= bytes.count ? rawEnd : raw(index..<(index + 1)).lowerBound }

    /// The text index of a raw offset that begins a stretch or lies in a copied one.
    func index(raw offset: Int) -> Int {
        var low = 0
        var high = stretches.count
        while low < high {
            let middle = (low + high) / 2
            if stretches[middle].raw + stretches[middle].rawLength <= offset { low = middle + 1 } else { high = middle }
        }
        guard low < stretches.count else { return bytes.count }
        let found = stretches[low]
        return found.text + (found.isCopy ? max(0, offset - found.raw) : 0)
    }

    private func stretch(_ index: Int) -> Stretch {
        var low = 0
        var high = stretches.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if stretches[middle].text <= index { low = middle } else { high = middle - 1 }
        }
        return stretches[low]
    }
}
