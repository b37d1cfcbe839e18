// MessageSplitter: the binary event streams of AWS: total length, headers length, checksum of both; headers; payload;
// checksum of all before it. Big-endian. Whoever changes a payload must write both lengths and both checksums anew.

/// One message.
struct EventMessage: StreamFrame, Hashable {
    let raw: [UInt8]
    /// `:event-type`, or for what is no event `:exception-type` with `!` before it.
    let name: String
    let data: [UInt8]?
    private let headers: Range<Int>

    static let prelude = 12
    static let checksum = 4

    /// nil: a length, a checksum or a header that does not fit.
    init?(_ raw: [UInt8]) {
        guard raw.count >= Self.prelude + Self.checksum, Self.integer(raw, 0) == UInt32(raw.count),
            Self.integer(raw, raw.count - Self.checksum) == CRC32.of(raw[..<(raw.count - Self.checksum)])
        else { return nil }
        let end = Self.prelude + Int(Self.integer(raw, 4))
        guard end <= raw.count - Self.checksum, let named = Self.strings(raw[Self.prelude..<end]) else { return nil }
        self.raw = raw
        headers = Self.prelude..<end
        data = Array(raw[end..<(raw.count - Self.checksum)])
        switch named[":message-type"] {
        case "event": name = named[":event-type"] ?? ""
        default: name = "!" + (named[":exception-type"] ?? named[":error-code"] ?? "")
        }
    }

    func bytes(data: [UInt8]) -> [UInt8] { Self.bytes(headers: raw[headers], data: data) }

    /// An event of our own making.
    static func bytes(event: String, data: [UInt8]) -> [UInt8] {
        var headers: [UInt8] = []
        for (name, value) in [(":event-type", event), (":content-type", "application/json"), (":message-type", "event")] {
            headers += [UInt8(name.utf8.count)] + Array(name.utf8) + [7, 0, UInt8(value.utf8.count)] + Array(value.utf8)
        }
        return bytes(headers: headers[...], data: data)
    }

    static func bytes(headers: ArraySlice<UInt8>, data: [UInt8]) -> [UInt8] {
        var out = big(UInt32(prelude + headers.count + data.count + checksum)) + big(UInt32(headers.count))
        out += big(CRC32.of(out[...]))
        out += headers
        out += data
        return out + big(CRC32.of(out[...]))
    }

    static func integer(_ bytes: [UInt8], _ at: Int) -> UInt32 { bytes[at..<(at + 4)].reduce(0) { $0 << 8 | UInt32($1) } }

    private static func big(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

    /// The headers of type text, by name; nil: not headers.
    private static func strings(_ bytes: ArraySlice<UInt8>) -> [String: String]? {
        var rest = bytes
        var found: [String: String] = [:]
        func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard rest.count >= count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        func length(_ size: Int) -> Int? { take(size).map { $0.reduce(0) { $0 << 8 | Int($1) } } }
        while !rest.isEmpty {
            guard let size = length(1), let name = take(size), let type = length(1) else { return nil }
            switch type {
            case 0, 1: break
            case 2: guard take(1) != nil else { return nil }
            case 3: guard take(2) != nil else { return nil }
            case 4: guard take(4) != nil else { return nil }
            case 5, 8: guard take(8) != nil else { return nil }
            case 9: guard take(16) != nil else { return nil }
            case 6, 7:
                guard let size = length(2), let value = take(size) else { return nil }
                if type == 7 { found[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self) }
            default: return nil
            }
        }
        return found
    }
}

struct MessageSplitter: FrameSplitter {
    let maxMessage: Int
    private var bytes: [UInt8] = []

    init(maxMessage: Int = 16 << 20) { self.maxMessage = maxMessage }

    var pending: Int { bytes.count }

    mutating func split(_ more: some Sequence<UInt8>) throws(FrameError) -> [any StreamFrame] {
        bytes += more
        var frames: [any StreamFrame] = []
        var at = 0
        while bytes.count - at >= EventMessage.prelude {
            let total = Int(EventMessage.integer(bytes, at))
            // The lengths have a checksum of their own, so that nobody waits for what a damaged one promises.
            guard total >= EventMessage.prelude + EventMessage.checksum,
                EventMessage.integer(bytes, at + 8) == CRC32.of(bytes[at..<(at + 8)])
            else { throw .damaged }
            guard total <= maxMessage else { throw .tooLarge }
            guard bytes.count - at >= total else { break }
            guard let message = EventMessage(Array(bytes[at..<(at + total)])) else { throw .damaged }
            frames.append(message)
            at += total
        }
        bytes.removeFirst(at)
        return frames
    }
}

/// CRC-32 as in zlib and Ethernet (reflected, 0xEDB88320).
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xedb8_8320 : value >> 1 }
    }

    static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
    }
}
