// Permits: which message egress may send in which state, as OpenSSH's monitor has it. The supervisor asks here
// before it looks at a message; a message that is known but not permitted now ends the session.

import Events

/// The supervisor's view of the channel.
public struct EgressPermits: Sendable {
    public enum State: String, Sendable { case starting, greeted, serving, finishing, closed }

    public private(set) var state = State.starting
    /// Intents without an answer, and those that were admitted.
    private var asked: Set<UInt64> = []
    private var open: Set<UInt64> = []
    private var highest: UInt64 = 0

    public init() {}

    /// Records that egress may write at all. The frame of a session (start, end, crash, stop, checkpoint, budget)
    /// is the supervisor's own.
    private static let noteKinds: Set<EventKind> = [.requestRefused, .connectionRefused, .nameRefused, .packetFenced]

    /// Far more than connections can have open; what is open is held in the supervisor's memory.
    static let mostOpen = 65_536

    /// Throws when `message` may not be sent now; otherwise moves the state on.
    public mutating func receive(_ message: FromEgress) throws(WireError) {
        switch (message, state) {
        case (.hello, .starting): state = .greeted
        case (.ready, .greeted): state = .serving
        case (.fatal, _): state = .closed
        case (.totals, .serving), (.totals, .finishing): break
        case (.note(let record), .serving), (.note(let record), .finishing):
            guard Self.noteKinds.contains(record.kind) else { throw .notPermitted("a note of kind \(record.kind.rawValue)") }
        case (.admit(let id, _, let record), .serving), (.admit(let id, _, let record), .finishing),
            (.ask(let id, _, let record, _), .serving), (.ask(let id, _, let record, _), .finishing):
            // In `finishing` it crossed our `finish` on the way: permitted, and refused by the supervisor.
            // Ids only grow: an id used twice could settle one reservation against another.
            guard id > highest, record.kind == .requestIntent, asked.count + open.count < Self.mostOpen else {
                throw .notPermitted("admit")
            }
            highest = id
            asked.insert(id)
        case (.withdrawn(let id), .serving), (.withdrawn(let id), .finishing):
            // It may have crossed the answer, so `id` need not be open.
            guard id > 0, id <= highest else { throw .notPermitted("withdrawn") }
        case (.settle(let id, _, let record), .serving), (.settle(let id, _, let record), .finishing):
            guard record.kind == .requestOutcome, open.remove(id) != nil else { throw .notPermitted("settle") }
        case (.hello, _): throw .notPermitted("hello")
        case (.ready, _): throw .notPermitted("ready")
        case (.ask, _): throw .notPermitted("ask")
        case (.withdrawn, _): throw .notPermitted("withdrawn")
        case (.admit, _): throw .notPermitted("admit")
        case (.settle, _): throw .notPermitted("settle")
        case (.note, _): throw .notPermitted("note")
        case (.totals, _): throw .notPermitted("totals")
        }
    }

    /// Only what was admitted may be settled.
    public mutating func admitted(_ id: UInt64) { if asked.remove(id) != nil { open.insert(id) } }
    public mutating func refused(_ id: UInt64) { asked.remove(id) }

    /// `finish` was sent: what is open may still be settled, nothing new begins.
    public mutating func finishing() {
        if state == .serving { state = .finishing }
    }
}
