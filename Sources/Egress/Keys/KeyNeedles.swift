// KeyNeedles: the spellings in which a key may come back from a server that shows a request: as it is, escaped as in JSON and
// URLs, in base64 as part of a Basic login. They are as secret as the key and lie in pages like its own.

import CSecrets
import Glibc
import Vocabulary

final class KeyNeedles: Sendable {
    /// A shorter one would be found in ordinary words.
    static let least = 8

    private let store: SecretStore
    /// The longest first: one that is the beginning of another must not leave the other's end in sight.
    private let ranges: [Range<Int>]
    private let begins: [Bool]
    let longest: Int

    /// nil: nothing to look for.
    init?(_ keys: [UnsafeRawBufferPointer]) throws(HandoverError) {
        var spellings = Set(keys.flatMap { Self.spellings(Array($0)) }).filter { $0.count >= Self.least }.sorted {
            $0.count > $1.count
        }
        guard let first = spellings.first else { return nil }
        var ranges: [Range<Int>] = []
        var end = 0
        var begins = [Bool](repeating: false, count: 256)
        for spelling in spellings {
            ranges.append(end..<end + spelling.count)
            begins[Int(spelling[0])] = true
            end += spelling.count
        }
        store = try SecretStore(size: end) { room in
            for (range, spelling) in zip(ranges, spellings) {
                UnsafeMutableRawBufferPointer(rebasing: room[range]).copyBytes(from: spelling)
            }
        }
        longest = first.count
        self.ranges = ranges
        self.begins = begins
        for index in spellings.indices { Self.wipe(&spellings[index]) }
    }

    /// Overwrites every occurrence with asterisks: no length changes.
    func cover(_ text: inout [UInt8]) {
        text.withUnsafeMutableBytes { text in
            var at = 0
            while at < text.count {
                guard begins[Int(text[at])], let found = match(text, at) else {
                    at += 1
                    continue
                }
                for index in at..<at + found { text[index] = UInt8(ascii: "*") }
                at += found
            }
        }
    }

    /// How many bytes at the end of `text` are a beginning of a spelling, all of it left out.
    func overlap(_ text: [UInt8]) -> Int {
        text.withUnsafeBytes { text in
            var at = max(0, text.count - longest + 1)
            while at < text.count {
                let left = text.count - at
                let end = UnsafeRawBufferPointer(rebasing: text[at...])
                if begins[Int(text[at])], ranges.contains(where: { $0.count > left && Self.begins(store.bytes($0), with: end) }) {
                    return left
                }
                at += 1
            }
            return 0
        }
    }

    private func match(_ text: UnsafeMutableRawBufferPointer, _ at: Int) -> Int? {
        let rest = UnsafeRawBufferPointer(rebasing: text[at...])
        return ranges.first { $0.count <= rest.count && Self.begins(rest, with: store.bytes($0)) }?.count
    }

    private static func begins(_ text: UnsafeRawBufferPointer, with part: UnsafeRawBufferPointer) -> Bool {
        guard let text = text.baseAddress, let start = part.baseAddress else { return false }
        return memcmp(text, start, part.count) == 0
    }

    private static func spellings(_ key: [UInt8]) -> [[UInt8]] {
        var found = [key, replaced(key) { $0 == UInt8(ascii: "/") ? Array("\\/".utf8) : nil }]
        found.append(
            replaced(key) { byte in
                // What some writers of JSON escape for the sake of HTML.
                "<>&='+".utf8.contains(byte) ? Array("\\u00".utf8) + hex(byte, "0123456789abcdef") : nil
            })
        for digits in ["0123456789ABCDEF", "0123456789abcdef"] {
            found.append(replaced(key) { isUnreserved($0) ? nil : [UInt8(ascii: "%")] + hex($0, digits) })
        }
        for before in 0..<3 {
            // Of the letters at both ends some bits are somebody else's.
            let letters = Base64.letters([UInt8](repeating: 0, count: before) + key)
            let inner = Array(letters[[0, 2, 3][before]..<(before + key.count) * 8 / 6])
            found.append(inner)
            found.append(
                inner.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0 })
        }
        return found
    }

    private static func replaced(_ key: [UInt8], _ escape: (UInt8) -> [UInt8]?) -> [UInt8] { key.flatMap { escape($0) ?? [$0] } }

    private static func hex(_ byte: UInt8, _ digits: String) -> [UInt8] {
        let digits = Array(digits.utf8)
        return [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: true
        default: false
        }
    }

    private static func wipe(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { bytes in if let start = bytes.baseAddress { akios_wipe(start, bytes.count) } }
    }
}
