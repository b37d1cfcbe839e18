// Alert: what somebody is told of while a session runs: the record as the log has it, and one line of words.

import Events
import LogStore

struct Alert: Equatable {
    /// What it is about, the most urgent first: each has its own pace, or an agent could drown the others in questions.
    enum Topic: Int, Comparable {
        /// The session's end, told of once: it always goes out.
        case stop
        case budget
        case question

        static func < (one: Topic, other: Topic) -> Bool { one.rawValue < other.rawValue }
    }

    var topic: Topic
    /// The record's line, without its newline.
    var line: [UInt8]
    /// Printable ASCII.
    var words: String

    /// - Parameter seq: of the record in the log.
    init(_ topic: Topic, _ payload: some EventPayload, seq: UInt64, session: SessionID, at now: Moment, words: String) {
        self.topic = topic
        line = RecordLine.bytes(kind: payload.kind, data: payload.data(), seq: seq, session: session, at: now.wall)
        self.words = "session \(session): " + RefusalDigest.printable(words)
    }
}

/// How many alerts of one topic a time: an agent can make them by asking, and whoever reads them is a person.
struct AlertPace {
    static let burst = 20
    /// Milliseconds until one more.
    static let interval: UInt64 = 5000

    private var left = burst
    private var counted: UInt64 = 0
    private(set) var isDry = false

    enum Verdict: Equatable {
        case send
        /// Left out; `first`: the first of a dry spell, which is worth a record.
        case leaveOut(first: Bool)
    }

    mutating func next(at time: UInt64) -> Verdict {
        let gained = (time - min(time, counted)) / Self.interval
        if gained > 0 {
            left = gained >= UInt64(Self.burst - left) ? Self.burst : left + Int(gained)
            counted = time
        }
        guard left > 0 else {
            defer { isDry = true }
            return .leaveOut(first: !isDry)
        }
        if left == Self.burst { counted = time }
        left -= 1
        isDry = false
        return .send
    }
}
