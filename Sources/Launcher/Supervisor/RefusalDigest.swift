// RefusalDigest: the reasons of a session's refusals, few and printable, for the one line at its end.

import Events
import JSONBytes
import Wire

struct RefusalDigest: Sendable {
    private(set) var first: String?
    /// Distinct reasons beside the first.
    private(set) var others = 0
    private var seen: Set<String> = []

    private static let maxDistinct = 256
    private static let maxLength = 200

    /// The record was checked by the log before: its data is one JSON object.
    mutating func take(_ record: RecordDraft) {
        guard record.kind == .requestRefused || record.kind == .connectionRefused, seen.count < Self.maxDistinct,
            let reason = (try? JSONValue.parse(record.data))?["reason"]?.stringValue, seen.insert(reason).inserted
        else { return }
        if first == nil { first = Self.printable(reason) } else { others += 1 }
    }

    /// A reason may quote what the agent wrote (a model's name): nothing of it may steer a terminal.
    static func printable(_ text: String) -> String {
        let safe = text.unicodeScalars.prefix(maxLength).map { scalar -> Character in
            scalar.value >= 0x20 && scalar.value < 0x7f ? Character(scalar) : "?"
        }
        return String(safe) + (text.unicodeScalars.count > maxLength ? "…" : "")
    }

    /// ` (model 'x' has no price; 2 further reasons: akios logs ID)`, or nothing.
    func words(session: String) -> String {
        guard let first else { return "" }
        let more = others == 0 ? "" : "; \(others) further reason\(others == 1 ? "" : "s"): akios logs \(session)"
        return " (\(first)\(more))"
    }
}
