// StopReason: why a session ends before its agent does. Once one is recorded the exit status is ours, even if the
// agent ends first.

import Glibc
import Vocabulary

struct StopReason: Equatable {
    /// `session.stop`'s code, and `exit.reason` in output.json.
    var code: String
    /// What akios-exec exits with.
    var status: Int32
    /// For the log and the last line.
    var reason: String
    /// What open and further requests are answered with.
    var refusal: Refusal.Code
    var told: String
    /// How long the agent may go on without a way out; nil: it is killed now.
    var graceMilliseconds: Int64?
    /// Whether the agent is told to end (SIGTERM) when this begins.
    var terminates = false

    static func budget(reason: String, told: String, grace: TimeSpan) -> StopReason {
        StopReason(
            code: "budget", status: 120, reason: reason, refusal: .budgetExceeded, told: told,
            graceMilliseconds: Int64(clamping: grace.milliseconds))
    }

    static func wallTime(_ limit: TimeSpan) -> StopReason {
        StopReason(
            code: "wall_time", status: 124, reason: "resources.wall_time of \(limit.milliseconds / 1000) s is over",
            refusal: .stopping,
            told: "akios-exec: the session's time is over", graceMilliseconds: nil)
    }

    /// An operator's no to one request was a no to the session.
    static func approval(uid: UInt32) -> StopReason {
        StopReason(
            code: "approval", status: 122, reason: "user \(uid) denied a request and stopped the session", refusal: .stopping,
            told: "akios-exec: the operator stopped this session", graceMilliseconds: nil)
    }

    /// The kernel ended the whole tree: `memory`.
    static func resource(_ limit: String) -> StopReason {
        StopReason(
            code: limit, status: 128 + SIGKILL, reason: "resources.\(limit) was exceeded; the kernel ended the whole tree",
            refusal: .stopping,
            told: "akios-exec: the session is ending", graceMilliseconds: nil)
    }

    /// TERM or HUP at akios-exec: passed on, and after a while enforced. The status is the agent's if it ends by itself.
    static func asked(_ signal: Int32, killAfter: TimeSpan) -> StopReason {
        StopReason(
            code: "signal", status: 128 + signal, reason: "akios-exec was told to end by signal \(signal)", refusal: .stopping,
            told: "akios-exec: the session is ending", graceMilliseconds: Int64(clamping: killAfter.milliseconds), terminates: true)
    }

    static func logFailed(_ what: String) -> StopReason {
        StopReason(
            code: "log_failed", status: 125, reason: what, refusal: .logFailed,
            told: "akios-exec: the session cannot be recorded any more",
            graceMilliseconds: nil)
    }

    static func egressFailed(_ what: String) -> StopReason {
        StopReason(
            code: "egress_failed", status: 125, reason: what, refusal: .stopping, told: "the way out is gone",
            graceMilliseconds: nil)
    }

    static func cageFailed(_ what: String) -> StopReason {
        StopReason(
            code: "cage_failed", status: 125, reason: what, refusal: .stopping, told: "akios-exec: the session is ending",
            graceMilliseconds: nil)
    }
}
