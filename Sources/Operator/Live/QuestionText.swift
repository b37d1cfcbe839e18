// QuestionText: a question to the operator, in words and as JSON. Every text in it may be the agent's: nothing of it reaches a
// terminal that could steer it.

import Events
import JSONBytes
import Vocabulary
import Wire

/// A question, and the session it is of.
struct SessionQuestion: Equatable {
    var session: SessionID
    var open: OpenQuestion

    /// `7k2mq0xd-3`: the session's own part of its id, and the number in it.
    var id: String { "\(session.own)-\(open.id)" }

    /// The number in `id`, if `id` is of `session`: by its own part, or by the whole of it.
    static func number(in id: String, of session: SessionID) -> UInt64? {
        guard let dash = id.lastIndex(of: "-"), let number = UInt64(id[id.index(after: dash)...]) else { return nil }
        let name = id[..<dash]
        return name == session.own || name == session.text ? number : nil
    }

    private var asked: ApprovalQuestion { open.question }
    private var place: String { "https://\(asked.host)\(asked.port == 443 ? "" : ":\(asked.port)")\(asked.path)" }
    private var left: String { "\((open.millisecondsLeft + 999) / 1000) s" }

    static let headings = ["ID", "RISK", "METHOD", "SIZE", "LEFT", "DIGEST", "WHERE"]

    var cells: [String] {
        [
            id, asked.risk.rawValue, asked.method, String(asked.bytes), left, String(Hex.text(asked.digest).prefix(12)), place,
        ].map(Console.plain)
    }

    /// Two lines for a person who is about to decide.
    var lines: [String] {
        let type = asked.contentType.isEmpty ? "" : " of \(asked.contentType)"
        return [
            "\(id)  \(asked.method) \(place)",
            "    \(asked.bytes) bytes\(type), digest \(Hex.text(asked.digest).prefix(12)), \(asked.reason), rule \(asked.rule), \(left) left",
        ].map(Console.plain)
    }

    var json: JSONValue {
        .object([
            .init("bytes", .integer(Int64(clamping: asked.bytes))), .init("content_type", .string(asked.contentType)),
            .init("digest", .string("hmac-sha256:" + Hex.text(asked.digest))), .init("host", .string(asked.host)),
            .init("id", .string(id)), .init("method", .string(asked.method)),
            .init("milliseconds_left", .integer(Int64(clamping: open.millisecondsLeft))), .init("path", .string(asked.path)),
            .init("port", .integer(Int64(asked.port))), .init("reason", .string(asked.reason)),
            .init("risk", .string(asked.risk.rawValue)), .init("rule", .string(asked.rule)),
            .init("session", .string(session.text)),
        ])
    }
}
