// KeyMask: takes the broker's keys out of what goes back to the agent. A server that shows a request (an error's words, a
// debug page) would hand the agent the key that it was never to have. Pure.

import NIOCore

struct KeyMask: Sendable {
    /// A shorter value would be found in ordinary words.
    private static let least = 8
    private let keys: [[UInt8]]
    /// The end of what came so far, where it may be the beginning of a key.
    private var held: [UInt8] = []

    /// nil: nothing to look for.
    init?(_ values: [String]) {
        var keys: [[UInt8]] = []
        for value in values where value.utf8.count >= Self.least {
            // As it is, and as it stands in JSON.
            for text in Set([value, value.replacing("/", with: "\\/")]) { keys.append(Array(text.utf8)) }
        }
        guard !keys.isEmpty else { return nil }
        // The longest first: one that is the beginning of another must not leave the other's end in sight.
        self.keys = keys.sorted { $0.count > $1.count }
    }

    /// What may go on now. Every key is replaced by as many asterisks, so that no length changes.
    mutating func feed(_ bytes: ByteBuffer) -> ByteBuffer {
        var text = held
        text += bytes.readableBytesView
        cover(&text)
        let keep = keys.reduce(0) { max($0, Self.overlap(text, $1)) }
        held = Array(text.suffix(keep))
        return ByteBuffer(bytes: text.dropLast(keep))
    }

    /// The rest, at the end. What an answer cuts in the middle of a key is no less a part of it.
    mutating func finish() -> ByteBuffer {
        defer { held = [] }
        return ByteBuffer(bytes: held.count < Self.least ? held : held.map { _ in UInt8(ascii: "*") })
    }

    /// Bytes that are complete in themselves, of whatever framing.
    func masked(_ bytes: ByteBuffer) -> ByteBuffer {
        var text = Array(bytes.readableBytesView)
        cover(&text)
        return ByteBuffer(bytes: text)
    }

    func masked(_ text: String) -> String {
        var bytes = Array(text.utf8)
        cover(&bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func cover(_ text: inout [UInt8]) {
        for key in keys {
            var at = 0
            while let start = Self.find(key, in: text, from: at) {
                for index in start..<(start + key.count) { text[index] = UInt8(ascii: "*") }
                at = start + key.count
            }
        }
    }

    private static func find(_ key: [UInt8], in text: [UInt8], from: Int) -> Int? {
        text.withUnsafeBufferPointer { text in
            var at = from
            while at + key.count <= text.count {
                if text[at] == key[0], key.indices.allSatisfy({ text[at + $0] == key[$0] }) { return at }
                at += 1
            }
            return nil
        }
    }

    /// How many bytes at the end of `text` are a beginning of `key`, all of it left out.
    private static func overlap(_ text: [UInt8], _ key: [UInt8]) -> Int {
        var count = min(key.count - 1, text.count)
        while count > 0, !key.starts(with: text.suffix(count)) { count -= 1 }
        return count
    }
}
