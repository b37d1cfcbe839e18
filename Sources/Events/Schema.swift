// Schema v1: the members that each kind of record must have, and their shapes. Later versions add members, so a member
// that is not listed is no error; one that is listed may not be missing or change its shape.

enum Schema {
    enum Shape {
        case text, integer, bool, object, array
        /// Decimal digits as text: counts and identifiers that may pass 2^53.
        case decimalText
        /// Dollars as decimal text with at most nine decimals.
        case money
    }

    struct Member {
        let name: [UInt8]
        let shape: Shape
        init(_ name: StaticString, _ shape: Shape) {
            self.name = name.withUTF8Buffer { Array($0) }
            self.shape = shape
        }
    }

    static func check(_ kind: EventKind, _ fields: [CanonicalField], _ bytes: Span<UInt8>) throws(RecordError) {
        for member in required(kind) {
            guard let field = fields.first(where: { same(bytes, $0.key, member.name) }) else {
                throw .field(kind: kind, name: String(decoding: member.name, as: UTF8.self), why: "is missing")
            }
            guard fits(field, member.shape, bytes) else {
                throw .field(kind: kind, name: String(decoding: member.name, as: UTF8.self), why: "has the wrong type")
            }
        }
    }

    private static func fits(_ field: CanonicalField, _ shape: Shape, _ bytes: Span<UInt8>) -> Bool {
        let inner = field.value.lowerBound + 1..<max(field.value.upperBound - 1, field.value.lowerBound + 1)
        switch shape {
        case .text: return field.shape == .text
        case .integer: return field.shape == .integer && bytes[field.value.lowerBound] != UInt8(ascii: "-")
        case .bool: return field.shape == .bool
        case .object: return field.shape == .object
        case .array: return field.shape == .array
        case .decimalText: return field.shape == .text && CanonicalField.decimal(bytes, inner) != nil
        case .money: return field.shape == .text && isMoney(bytes, inner)
        }
    }

    private static func isMoney(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var point: Int?
        for index in range {
            if bytes[index] == UInt8(ascii: ".") {
                guard point == nil, index > range.lowerBound else { return false }
                point = index
            } else if bytes[index] < 0x30 || bytes[index] > 0x39 {
                return false
            }
        }
        guard let point else { return false }
        return (2...9).contains(range.upperBound - point - 1)
    }

    private static func same(_ bytes: Span<UInt8>, _ range: Range<Int>, _ wanted: [UInt8]) -> Bool {
        guard range.count == wanted.count else { return false }
        for index in 0..<wanted.count where bytes[range.lowerBound + index] != wanted[index] { return false }
        return true
    }

    private static func required(_ kind: EventKind) -> [Member] {
        switch kind {
        case .sessionStart: sessionStart
        case .sessionEnd: sessionEnd
        case .sessionCrashed: sessionCrashed
        case .sessionStop: sessionStop
        case .requestIntent: requestIntent
        case .requestOutcome: requestOutcome
        case .requestRefused: requestRefused
        case .connectionRefused: connectionRefused
        case .nameRefused: nameRefused
        case .packetFenced: packetFenced
        case .socketRefused: socketRefused
        case .budgetExceeded: budgetExceeded
        case .approvalRequested: approvalRequested
        case .approvalDecided: approvalDecided
        case .alertFailed: alertFailed
        case .checkpoint: checkpoint
        }
    }

    private static let sessionStart = [
        Member("command", .object), Member("controls", .array), Member("host_digest", .text), Member("loosened", .array),
        Member("profile", .text), Member("profile_digest", .text), Member("tier", .object), Member("unbrokered", .array),
        Member("versions", .object),
    ]
    private static let sessionEnd = [Member("exit", .object), Member("totals", .object)]
    private static let sessionCrashed = [Member("reason", .text), Member("torn_bytes", .integer)]
    private static let sessionStop = [Member("code", .text), Member("reason", .text)]
    private static let requestIntent = [
        Member("bytes", .integer), Member("host", .text), Member("id", .decimalText), Member("method", .text),
        Member("path", .text),
        Member("port", .integer), Member("redactions", .object), Member("reserved_tokens", .decimalText),
        Member("reserved_usd", .money), Member("rule", .text),
    ]
    private static let requestOutcome = [
        Member("bytes_in", .integer), Member("cost_usd", .money), Member("id", .decimalText), Member("milliseconds", .integer),
        Member("redactions", .object), Member("status", .integer),
    ]
    private static let requestRefused = [
        Member("code", .text), Member("host", .text), Member("method", .text), Member("port", .integer), Member("reason", .text),
    ]
    private static let connectionRefused = [
        Member("address", .text), Member("code", .text), Member("port", .integer), Member("reason", .text),
    ]
    private static let nameRefused = [Member("code", .text), Member("name", .text)]
    private static let packetFenced = [
        Member("count", .integer), Member("dst", .text), Member("port", .integer), Member("proto", .text),
    ]
    private static let socketRefused = [
        Member("call", .text), Member("count", .integer), Member("family", .text), Member("protocol", .text), Member("type", .text),
    ]
    private static let budgetExceeded = [
        Member("action", .text), Member("allowed", .text), Member("asked", .text), Member("limit", .text), Member("used", .text),
    ]
    private static let approvalRequested = [
        Member("bytes", .integer), Member("digest", .text), Member("host", .text), Member("id", .decimalText),
        Member("method", .text),
        Member("path", .text), Member("port", .integer), Member("reason", .text), Member("risk", .text), Member("rule", .text),
    ]
    private static let approvalDecided = [
        Member("decision", .text), Member("digest", .text), Member("how", .text), Member("id", .decimalText),
    ]
    private static let alertFailed = [Member("reason", .text), Member("way", .text)]
    private static let checkpoint = [Member("root", .text), Member("size", .decimalText)]
}
