// JobControl: who has the terminal, and what happens when somebody stops. A state machine without a system call:
// the supervisor tells it what happened and obeys the answer.
//
// The agent's process group is in front when a person sits at the terminal (stdin and stdout are both one). In a
// pipeline it stays behind: `| less` needs the keyboard, and the terminal's signals reach our group, which passes
// them on. An agent that then reads or sets the terminal all the same stops on TTIN or TTOU, and is given it.

import Glibc

struct JobControl: Equatable {
    enum Action: Equatable {
        /// Send this signal to the agent's process group.
        case signal(Int32)
        /// Put the agent's group in front, then SIGCONT it.
        case giveTerminalAndContinue
        /// SIGCONT to the agent's group, which stays behind.
        case continueBehind
        /// Put our own group in front again, then stop ourselves by this signal; tell `resumed` after SIGCONT. TSTP, the
        /// key's, the kernel ignores where no shell could continue us.
        case takeTerminalAndStop(Int32)
    }

    /// Whether there is a terminal that our session controls.
    let hasTerminal: Bool
    /// Whether a person sits at it.
    private let interactive: Bool
    private(set) var agentInFront: Bool
    private(set) var agentStopped = false

    init(hasTerminal: Bool, interactive: Bool, weAreInFront: Bool) {
        self.hasTerminal = hasTerminal
        self.interactive = interactive
        agentInFront = hasTerminal && interactive && weAreInFront
    }

    /// The agent's group stopped on `signal`.
    mutating func agentStopped(by signal: Int32, weAreInFront: Bool) -> Action? {
        agentStopped = true
        guard hasTerminal else { return nil }
        if signal == SIGTTIN || signal == SIGTTOU, weAreInFront {
            agentStopped = false
            agentInFront = true
            return .giveTerminalAndContinue
        }
        return .takeTerminalAndStop(signal == SIGTSTP ? SIGTSTP : SIGSTOP)
    }

    mutating func agentContinued() { agentStopped = false }

    /// We run again after having stopped ourselves.
    mutating func resumed(weAreInFront: Bool) -> Action {
        agentStopped = false
        agentInFront = weAreInFront && (agentInFront || interactive)
        return agentInFront ? .giveTerminalAndContinue : .continueBehind
    }

    /// A signal that arrived at the supervisor. `nil` for one that asks for nothing.
    mutating func received(_ signal: Int32) -> Action? {
        switch signal {
        case SIGINT, SIGQUIT, SIGTSTP, SIGWINCH, SIGUSR1, SIGUSR2:
            // From the terminal these come only while our group is in front and the agent's is not.
            return .signal(signal)
        case SIGCONT:
            guard agentStopped else { return nil }
            agentStopped = false
            return .continueBehind
        default: return nil
        }
    }
}
