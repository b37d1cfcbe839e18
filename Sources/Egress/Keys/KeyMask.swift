// KeyMask: takes the broker's keys out of what goes back to the agent. A server that shows a request (an error's words, a
// debug page) would hand the agent the key that it was never to have. Pure.

import NIOCore

struct KeyMask: Sendable {
    private let needles: KeyNeedles
    /// The end of what came so far, where it may be the beginning of a key.
    private var held: [UInt8] = []

    /// nil: nothing to look for.
    init?(_ keys: [UnsafeRawBufferPointer]) throws(HandoverError) {
        guard let needles = try KeyNeedles(keys) else { return nil }
        self.needles = needles
    }

    /// What may go on now. Every key is replaced by as many asterisks, so that no length changes.
    mutating func feed(_ bytes: ByteBuffer) -> ByteBuffer {
        var text = held
        text += bytes.readableBytesView
        needles.cover(&text)
        let keep = needles.overlap(text)
        held = Array(text.suffix(keep))
        return ByteBuffer(bytes: text.dropLast(keep))
    }

    /// The rest, at the end. What an answer cuts in the middle of a key is no less a part of it.
    mutating func finish() -> ByteBuffer {
        defer { held = [] }
        return ByteBuffer(bytes: held.count < KeyNeedles.least ? held : held.map { _ in UInt8(ascii: "*") })
    }

    /// Bytes that are complete in themselves, of whatever framing.
    func masked(_ bytes: ByteBuffer) -> ByteBuffer {
        var text = Array(bytes.readableBytesView)
        needles.cover(&text)
        return ByteBuffer(bytes: text)
    }

    func masked(_ text: String) -> String {
        var bytes = Array(text.utf8)
        needles.cover(&bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
