// EventStream: server-sent events out of bytes that arrive in any pieces (WHATWG HTML §9.2.6), and back
// into bytes. Nothing is held longer than to the end of its event.

/// One event as it came. `raw` ends with its blank line.
public struct ServerSentEvent: StreamFrame, Hashable {
    public let raw: [UInt8]
    /// The `event:` field, empty where there is none.
    public let name: String
    /// The `data:` lines joined by newlines; nil: the event has none (a comment, a keep-alive).
    public let data: [UInt8]?
    /// All other lines as they came, each with a newline: `event:`, `id:`, `retry:`, comments.
    let others: [UInt8]

    /// The event with other data; every other line stays.
    public func bytes(data: [UInt8]) -> [UInt8] {
        var out = others
        for line in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            out += Array("data: ".utf8) + line + [UInt8(ascii: "\n")]
        }
        out.append(UInt8(ascii: "\n"))
        return out
    }

    static func bytes(name: String?, data: [UInt8]) -> [UInt8] {
        (name.map { Array("event: \($0)\n".utf8) } ?? []) + Array("data: ".utf8) + data + [0x0a, 0x0a]
    }
}

/// Cuts a byte stream into events. Fed in any chunks it gives the same events.
public struct EventStreamParser: FrameSplitter {
    private let maxEvent: Int
    private var raw: [UInt8] = []
    private var lineStart = 0
    private var data: [UInt8]?
    private var others: [UInt8] = []
    private var name = ""
    private var afterReturn = false
    private var atStart = true

    public init(maxEvent: Int = 4 << 20) { self.maxEvent = maxEvent }

    /// Bytes of an event that has not ended yet.
    public var pending: Int { raw.count }

    public mutating func split(_ bytes: some Sequence<UInt8>) throws(FrameError) -> [any StreamFrame] { try feed(bytes) }

    public mutating func feed(_ bytes: some Sequence<UInt8>) throws(FrameError) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            if afterReturn {
                afterReturn = false
                // The newline of a CRLF whose CR ended the line already.
                if byte == UInt8(ascii: "\n") { continue }
            }
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                afterReturn = byte == UInt8(ascii: "\r")
                let line = raw[lineStart...]
                raw.append(UInt8(ascii: "\n"))
                if line.isEmpty {
                    if raw.count > 1 { events.append(ServerSentEvent(raw: raw, name: name, data: data, others: others)) }
                    reset()
                } else {
                    field(line)
                    lineStart = raw.count
                }
            } else {
                guard raw.count < maxEvent else { throw .tooLarge }
                raw.append(byte)
                if atStart, raw.count == 3 {
                    atStart = false
                    if raw == [0xef, 0xbb, 0xbf] { raw = [] }
                }
            }
        }
        return events
    }

    private mutating func reset() {
        raw.removeAll(keepingCapacity: true)
        others.removeAll(keepingCapacity: true)
        (lineStart, data, name) = (0, nil, "")
    }

    private mutating func field(_ line: ArraySlice<UInt8>) {
        let colon = line.firstIndex(of: UInt8(ascii: ":"))
        let key = line[..<(colon ?? line.endIndex)]
        var value = colon.map { line[($0 + 1)...] } ?? []
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        if key.elementsEqual("data".utf8) {
            data = data.map { $0 + [UInt8(ascii: "\n")] + value } ?? Array(value)
            return
        }
        others += line + [UInt8(ascii: "\n")]
        if key.elementsEqual("event".utf8) { name = String(decoding: value, as: UTF8.self) }
    }
}
