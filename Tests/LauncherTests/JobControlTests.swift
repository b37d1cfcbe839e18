// Terminal and job control as a state machine: what a shell's user does, and what must follow.

import Glibc
import Testing

@testable import Launcher

@Suite struct JobControlTests {
    @Test func ctrlZThenFgGivesTheTerminalBack() {
        var job = JobControl(hasTerminal: true, interactive: true, weAreInFront: true)
        #expect(job.agentInFront)
        #expect(job.agentStopped(by: SIGTSTP, weAreInFront: false) == .takeTerminalAndStop(SIGTSTP))
        #expect(job.resumed(weAreInFront: true) == .giveTerminalAndContinue)
    }

    @Test func ctrlZThenBgLeavesTheTerminalToTheShell() {
        var job = JobControl(hasTerminal: true, interactive: true, weAreInFront: true)
        _ = job.agentStopped(by: SIGTSTP, weAreInFront: false)
        #expect(job.resumed(weAreInFront: false) == .continueBehind)
        #expect(!job.agentInFront)
    }

    @Test func aPipelineKeepsTheKeyboardForThePager() {
        var job = JobControl(hasTerminal: true, interactive: false, weAreInFront: true)
        #expect(!job.agentInFront)
        #expect(job.received(SIGINT) == .signal(SIGINT))
        #expect(job.agentStopped(by: SIGTTIN, weAreInFront: true) == .giveTerminalAndContinue)
        #expect(job.agentInFront)
    }

    @Test func fgOfAPipelineKeepsTheKeyboardForThePager() {
        var job = JobControl(hasTerminal: true, interactive: false, weAreInFront: true)
        #expect(job.agentStopped(by: SIGTSTP, weAreInFront: true) == .takeTerminalAndStop(SIGTSTP))
        #expect(job.resumed(weAreInFront: true) == .continueBehind)
    }

    @Test func aJobStartedBehindGetsTheTerminalWithFg() {
        var job = JobControl(hasTerminal: true, interactive: true, weAreInFront: false)
        #expect(job.agentStopped(by: SIGTTIN, weAreInFront: false) == .takeTerminalAndStop(SIGSTOP))
        #expect(job.resumed(weAreInFront: true) == .giveTerminalAndContinue)
    }

    @Test func aBackgroundJobThatReadsTheTerminalStops() {
        var job = JobControl(hasTerminal: true, interactive: true, weAreInFront: false)
        #expect(job.agentStopped(by: SIGTTIN, weAreInFront: false) == .takeTerminalAndStop(SIGSTOP))
    }

    @Test func withoutATerminalNothingStopsUs() {
        var job = JobControl(hasTerminal: false, interactive: false, weAreInFront: false)
        #expect(job.agentStopped(by: SIGSTOP, weAreInFront: false) == nil)
        #expect(job.received(SIGCONT) == .continueBehind)
        #expect(job.received(SIGCONT) == nil)
    }
}
