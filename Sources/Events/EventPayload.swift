// EventPayload: what every record of the log has in common, and how its data becomes bytes.

public import JSONBytes

/// The data of one record. `write` gives members in canonical key order; nothing in them is a secret, a matched value or
/// an argument of the agent's command line.
public protocol EventPayload: Sendable {
    static var kind: EventKind { get }
    func write(to out: inout JSONBuilder)
}

extension EventPayload {
    public var kind: EventKind { Self.kind }

    /// A canonical JSON object (RFC 8785) on one line: what `RecordDraft.data` and `LogWriter.append` take.
    public func data() -> [UInt8] { JSONBuilder.object { write(to: &$0) } }
}

/// Limits of schema v1. They are part of it: a longer record does not verify.
public enum RecordLimits {
    public static let version = 1
    public static let maxData = 32_768
    public static let maxDepth = 16
    /// The largest integer that every JSON reader holds exactly (2^53 − 1); larger ones are text.
    public static let maxInteger: UInt64 = 9_007_199_254_740_991
}

extension JSONBuilder {
    mutating func optional(_ key: String, _ text: String?) {
        if let text { member(key, text) }
    }

    mutating func counts(_ key: String, _ counts: [String: UInt64]) {
        member(object: key) { out in
            for (name, count) in counts.sorted(by: { JSONKeyOrder.precedes($0.key, $1.key) }) {
                out.member(name, Int64(min(count, RecordLimits.maxInteger)))
            }
        }
    }

    /// A count that stays exact: integers up to 2^53 − 1, saturating there.
    mutating func count(_ key: String, _ value: UInt64) { member(key, Int64(min(value, RecordLimits.maxInteger))) }

    mutating func texts(_ key: String, _ values: [String]) {
        member(array: key) { out in for value in values { out.string(value) } }
    }
}
