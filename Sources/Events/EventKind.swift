// EventKind: the types of record in the log, schema v1. A kind is added, never renamed: old logs must verify and read.

public enum EventKind: String, Sendable, Hashable, CaseIterable {
    case sessionStart = "session.start"
    case sessionEnd = "session.end"
    case sessionCrashed = "session.crashed"
    case sessionStop = "session.stop"
    case requestIntent = "request.intent"
    case requestOutcome = "request.outcome"
    case requestRefused = "request.refused"
    case connectionRefused = "connection.refused"
    case nameRefused = "name.refused"
    case packetFenced = "packet.fenced"
    case socketRefused = "socket.refused"
    case budgetExceeded = "budget.exceeded"
    case approvalRequested = "approval.requested"
    case approvalDecided = "approval.decided"
    case alertFailed = "alert.failed"
    case checkpoint = "log.checkpoint"
}
