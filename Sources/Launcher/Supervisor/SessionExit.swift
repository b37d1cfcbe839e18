// SessionExit: who spoke the last word, and the status for it. A table without a system call; docs and tests have the same.

import Events
import Glibc
import Vocabulary

enum AgentEnd: Equatable {
    case exited(Int32)
    case signalled(Int32)
    /// Exec failed: 126 or 127.
    case neverRan(Int32)
}

enum SessionExit {
    /// - Parameters:
    ///   - stop: why we ended it; then the status is ours, even if the agent ended first.
    ///   - agent: how the agent ended; nil when it did not, or nobody was left to tell.
    ///   - started: whether its program was executed at all.
    static func status(stop: StopReason?, agent: AgentEnd?, started: Bool) -> ExitStatus {
        let ran = agent.map { if case .neverRan = $0 { false } else { true } } ?? started
        if let stop {
            // Told to end by a signal, an agent that ended by itself within the time speaks for itself.
            if stop.code == "signal", case .exited(let status)? = agent {
                return ExitStatus(by: .agent, ran: true, status: Int(status), reason: nil)
            }
            return ExitStatus(
                by: .akios, ran: ran, status: Int(stop.status), signal: stop.status == 128 + SIGKILL ? Int(SIGKILL) : nil,
                reason: stop.code)
        }
        switch agent {
        case .exited(let status): return ExitStatus(by: .agent, ran: true, status: Int(status))
        case .signalled(let signal): return ExitStatus(by: .agent, ran: true, status: 128 + Int(signal), signal: Int(signal))
        case .neverRan(let status):
            return ExitStatus(by: .akios, ran: false, status: Int(status), reason: status == 127 ? "not_found" : "not_executable")
        case nil: return ExitStatus(by: .akios, ran: ran, status: 125, reason: "cage_failed")
        }
    }
}
