// ByteIO: big-endian writer and bounds-checked reader for frames. The reader never indexes past what it was
// given: every read asks first, and a short buffer is an error value.

import Vocabulary

public enum WireError: Error, Sendable, Hashable {
    case truncated
    case trailingBytes
    case oversized
    case unknownKind(UInt8)
    case unknownCode
    case badText
    case version(UInt8)
    /// The message is known but not permitted in this state.
    case notPermitted(String)
}

extension WireError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncated: "message shorter than it declares"
        case .trailingBytes: "message longer than it declares"
        case .oversized: "message over \(WireLimits.maxFrame) bytes"
        case .unknownKind(let kind): "unknown message kind \(kind)"
        case .unknownCode: "unknown code in a message"
        case .badText: "text that is not UTF-8 in a message"
        case .version(let version): "protocol version \(version), this program speaks \(WireLimits.version)"
        case .notPermitted(let what): "\(what) is not permitted now"
        }
    }
}

struct FrameWriter {
    /// The four length bytes are filled in by `finish()`.
    private(set) var bytes: [UInt8] = [0, 0, 0, 0]

    init(kind: UInt8, reserve: Int = 64) {
        bytes.reserveCapacity(reserve)
        bytes.append(kind)
    }

    mutating func put(_ value: UInt8) { bytes.append(value) }

    mutating func put(_ value: UInt32) {
        for shift in stride(from: 24, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }

    mutating func put(_ value: UInt64) {
        put(UInt32(truncatingIfNeeded: value >> 32))
        put(UInt32(truncatingIfNeeded: value))
    }

    mutating func put(_ value: Int64) { put(UInt64(bitPattern: value)) }
    mutating func put(_ value: Bool) { put(value ? 1 : 0 as UInt8) }

    mutating func put(_ value: [UInt8]) {
        put(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    mutating func put(_ value: String) { put(Array(value.utf8)) }

    mutating func put(_ counts: [String: UInt64]) {
        put(UInt32(counts.count))
        for (name, count) in counts.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            put(name)
            put(count)
        }
    }

    consuming func finish() throws(WireError) -> [UInt8] {
        let length = bytes.count - 4
        guard length <= WireLimits.maxFrame else { throw .oversized }
        for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index)) }
        return bytes
    }
}

struct FrameReader {
    private var rest: ArraySlice<UInt8>

    init(_ payload: ArraySlice<UInt8>) { rest = payload }

    private mutating func take(_ count: Int) throws(WireError) -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw .truncated }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    mutating func u8() throws(WireError) -> UInt8 {
        guard let byte = try take(1).first else { throw .truncated }
        return byte
    }

    mutating func u32() throws(WireError) -> UInt32 { try take(4).reduce(0) { $0 << 8 | UInt32($1) } }
    mutating func u64() throws(WireError) -> UInt64 { try take(8).reduce(0) { $0 << 8 | UInt64($1) } }
    mutating func i64() throws(WireError) -> Int64 { Int64(bitPattern: try u64()) }

    mutating func bool() throws(WireError) -> Bool {
        switch try u8() {
        case 0: false
        case 1: true
        default: throw .unknownCode
        }
    }

    mutating func byteString() throws(WireError) -> [UInt8] { Array(try take(Int(try u32()))) }

    mutating func text() throws(WireError) -> String {
        let bytes = try take(Int(try u32()))
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .badText }
        return text
    }

    mutating func counts() throws(WireError) -> [String: UInt64] {
        var counts: [String: UInt64] = [:]
        var last: String?
        for _ in 0..<(try u32()) {
            let name = try text()
            // Ascending, as written: one spelling of a message, and no name twice.
            if let last, !last.utf8.lexicographicallyPrecedes(name.utf8) { throw .unknownCode }
            last = name
            counts[name] = try u64()
        }
        return counts
    }

    func end() throws(WireError) {
        guard rest.isEmpty else { throw .trailingBytes }
    }
}
