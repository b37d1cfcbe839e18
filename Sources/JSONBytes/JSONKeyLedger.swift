// JSONKeyLedger: which keys the open objects already hold. Two parsers that disagree on a repeated key are a way
// past every check, so a repetition is refused, after unescaping (`"\u006dodel"` repeats `"model"`).

struct JSONKeyFrame {
    let isObject: Bool
    let firstKey: Int
    /// Set once the object is too large to be compared key by key.
    var many: Set<[UInt8]>?

    init(isObject: Bool, firstKey: Int) {
        self.isObject = isObject
        self.firstKey = firstKey
    }
}

struct JSONKeyLedger {
    private struct Entry {
        let range: Range<Int>
        let escaped: Bool
    }

    /// From here on a set, so that a body of a million keys stays linear; its hashing is seeded per process.
    private static let few = 24
    private var entries: [Entry] = []
    var count: Int { entries.count }

    /// False: this object has the key already.
    @inline(__always)
    mutating func insert(_ range: Range<Int>, escaped: Bool, of bytes: UnsafeBufferPointer<UInt8>, into frame: inout JSONKeyFrame)
        -> Bool
    {
        if frame.many != nil {
            return frame.many?.insert(Self.text(range, escaped, bytes)).inserted ?? false
        }
        var index = frame.firstKey
        while index < entries.count {
            if Self.equal(entries[index], range, escaped, bytes) { return false }
            index += 1
        }
        entries.append(Entry(range: range, escaped: escaped))
        if entries.count - frame.firstKey > Self.few {
            frame.many = Set(entries[frame.firstKey...].map { Self.text($0.range, $0.escaped, bytes) })
        }
        return true
    }

    mutating func drop(_ frame: JSONKeyFrame) {
        if frame.isObject { entries.removeLast(entries.count - frame.firstKey) }
    }

    @inline(__always)
    private static func equal(_ entry: Entry, _ range: Range<Int>, _ escaped: Bool, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        if entry.escaped || escaped { return text(entry.range, entry.escaped, bytes) == text(range, escaped, bytes) }
        guard entry.range.count == range.count else { return false }
        var offset = 0
        while offset < range.count {
            guard bytes[entry.range.lowerBound + offset] == bytes[range.lowerBound + offset] else { return false }
            offset += 1
        }
        return true
    }

    private static func text(_ range: Range<Int>, _ escaped: Bool, _ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        escaped ? JSONString.unescape(UnsafeBufferPointer(rebasing: bytes[range])) : Array(bytes[range])
    }
}
