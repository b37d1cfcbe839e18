// RecordLine: one record as the log holds it, canonical JSON (RFC 8785) on one line:
// {"data":{…},"kind":"…","seq":"12","session":"…","ts":"2026-11-21T06:17:05.000000001Z","v":1}

public enum RecordLine {
    /// The line without its newline: the bytes of the Merkle leaf. `data` must have passed `RecordScanner.data`.
    public static func bytes(kind: EventKind, data: [UInt8], seq: UInt64, session: SessionID, at time: Timestamp) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(data.count + 192)
        line.append(contentsOf: #"{"data":"#.utf8)
        line.append(contentsOf: data)
        line.append(contentsOf: #","kind":""#.utf8)
        line.append(contentsOf: kind.rawValue.utf8)
        line.append(contentsOf: #"","seq":""#.utf8)
        line.append(contentsOf: String(seq).utf8)
        line.append(contentsOf: #"","session":""#.utf8)
        line.append(contentsOf: session.text.utf8)
        line.append(contentsOf: #"","ts":""#.utf8)
        time.append(to: &line)
        line.append(contentsOf: #"","v":1}"#.utf8)
        return line
    }

    /// The longest line that schema v1 can make, newline included.
    public static let maxLength = RecordLimits.maxData + 256
}

/// Where the parts of a checked line are. Ranges count from the line's first byte.
public struct RecordHead: Sendable, Hashable {
    public var data: Range<Int>
    public var kind: EventKind
    public var seq: UInt64
    public var session: Range<Int>
    public var time: Timestamp
}

/// Why bytes are no record. Carries places and names of the schema, never content.
public enum RecordError: Error, Sendable, Hashable, CustomStringConvertible {
    case notCanonical(offset: Int, why: String)
    case envelope(expected: String)
    case unknownKind
    case tooLong(Int)
    case field(kind: EventKind, name: String, why: String)

    public var description: String {
        switch self {
        case .notCanonical(let offset, let why): "not canonical JSON at byte \(offset): \(why)"
        case .envelope(let expected): "not a record of schema v1: expected \(expected)"
        case .unknownKind: "unknown kind of record"
        case .tooLong(let count): "data of \(count) bytes, the limit is \(RecordLimits.maxData)"
        case .field(let kind, let name, let why): "\(kind.rawValue): \(name) \(why)"
        }
    }
}

/// Checks lines and data in one pass without building a tree. Keep one and reuse it: it owns its scratch space.
public struct RecordScanner: Sendable {
    private var fields: [CanonicalField] = []
    private let kinds: [(EventKind, [UInt8])] = EventKind.allCases.map { ($0, Array($0.rawValue.utf8)) }

    public init() {}

    /// A line without its newline.
    public mutating func line(_ line: Span<UInt8>) throws(RecordError) -> RecordHead {
        var at = 0
        try literal(#"{"data":"#, line, &at)
        let data = try object(line, &at)
        try literal(#","kind":""#, line, &at)
        let kindBytes = try text(line, &at)
        guard let kind = kinds.first(where: { equal(line, kindBytes, $0.1) })?.0 else { throw .unknownKind }
        try literal(#","seq":""#, line, &at)
        let seqBytes = try text(line, &at)
        guard let seq = CanonicalField.decimal(line, seqBytes) else { throw .envelope(expected: "a decimal seq") }
        try literal(#","session":""#, line, &at)
        let session = try text(line, &at)
        guard isSessionID(line, session) else { throw .envelope(expected: "a session id") }
        try literal(#","ts":""#, line, &at)
        let timeBytes = try text(line, &at)
        guard let time = Timestamp(rfc3339: line.extracting(timeBytes)) else {
            throw .envelope(expected: "an RFC 3339 ts with nanoseconds")
        }
        try literal(#","v":1}"#, line, &at)
        guard at == line.count else { throw .notCanonical(offset: at, why: "bytes after the record") }
        try Schema.check(kind, fields, line)
        return RecordHead(data: data, kind: kind, seq: seq, session: session, time: time)
    }

    /// The data of a record before it is wrapped. Bytes that pass make a line that passes.
    public mutating func data(_ data: Span<UInt8>, kind: EventKind) throws(RecordError) {
        var at = 0
        _ = try object(data, &at)
        guard at == data.count else { throw .notCanonical(offset: at, why: "bytes after the object") }
        try Schema.check(kind, fields, data)
    }

    private mutating func object(_ bytes: Span<UInt8>, _ at: inout Int) throws(RecordError) -> Range<Int> {
        let start = at
        fields.removeAll(keepingCapacity: true)
        guard at < bytes.count, bytes[at] == UInt8(ascii: "{") else {
            throw .notCanonical(offset: at, why: "data must be an object")
        }
        try CanonicalScan.value(bytes, &at, depth: 0, fields: &fields)
        guard at - start <= RecordLimits.maxData else { throw .tooLong(at - start) }
        return start..<at
    }

    private func literal(_ expected: StaticString, _ bytes: Span<UInt8>, _ at: inout Int) throws(RecordError) {
        let length = expected.utf8CodeUnitCount
        guard bytes.count - at >= length else { throw .envelope(expected: "\(expected)") }
        let same = expected.withUTF8Buffer { wanted in
            for index in 0..<length where bytes[at + index] != wanted[index] { return false }
            return true
        }
        guard same else { throw .envelope(expected: "\(expected)") }
        at += length
    }

    /// Up to the closing quote, which is consumed. Envelope texts hold no escapes, so the first quote closes.
    private func text(_ bytes: Span<UInt8>, _ at: inout Int) throws(RecordError) -> Range<Int> {
        let start = at
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") { at += 1 }
        guard at < bytes.count else { throw .envelope(expected: "a closing quote") }
        at += 1
        return start..<at - 1
    }

    private func equal(_ bytes: Span<UInt8>, _ range: Range<Int>, _ wanted: [UInt8]) -> Bool {
        guard range.count == wanted.count else { return false }
        for index in 0..<wanted.count where bytes[range.lowerBound + index] != wanted[index] { return false }
        return true
    }

    private func isSessionID(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard !range.isEmpty, range.count <= 64, bytes[range.lowerBound] != UInt8(ascii: "-") else { return false }
        for index in range {
            let byte = bytes[index]
            guard (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte == UInt8(ascii: "-") else {
                return false
            }
        }
        return true
    }
}
