// Exit statuses: whose they are, and that a reason once recorded stands.

import Events
import Glibc
import Testing
import Vocabulary

@testable import Launcher

@Suite struct SessionExitTests {
    @Test(arguments: [
        (AgentEnd.exited(7), Events.ExitStatus(by: .agent, ran: true, status: 7)),
        (.signalled(SIGSEGV), Events.ExitStatus(by: .agent, ran: true, status: 139, signal: 11)),
        (.neverRan(126), Events.ExitStatus(by: .akios, ran: false, status: 126, reason: "not_executable")),
        (.neverRan(127), Events.ExitStatus(by: .akios, ran: false, status: 127, reason: "not_found")),
    ]) func theAgentSpeaksForItself(_ end: AgentEnd, _ status: Events.ExitStatus) {
        #expect(SessionExit.status(stop: nil, agent: end, started: true) == status)
    }

    @Test(arguments: [
        (StopReason.budget(reason: "r", told: "t", grace: TimeSpan(milliseconds: 2000)), 120, "budget"),
        (.wallTime(TimeSpan(milliseconds: 1000)), 124, "wall_time"),
        (.resource("memory"), 137, "memory"),
        (.logFailed("full"), 125, "log_failed"),
        (.egressFailed("gone"), 125, "egress_failed"),
        (.cageFailed("broken"), 125, "cage_failed"),
    ]) func aRecordedReasonIsOurs(_ stop: StopReason, _ status: Int, _ reason: String) {
        // Even if the agent ends with another status before it is killed.
        for agent in [AgentEnd.exited(0), .signalled(SIGKILL), nil] {
            let exit = SessionExit.status(stop: stop, agent: agent, started: true)
            #expect(exit.by == .akios && exit.ran && exit.status == status && exit.reason == reason)
        }
    }

    @Test func anAgentThatEndsWhenAskedToSpeaksForItself() {
        let stop = StopReason.asked(SIGTERM, killAfter: TimeSpan(milliseconds: 10))
        #expect(
            SessionExit.status(stop: stop, agent: .exited(3), started: true) == Events.ExitStatus(by: .agent, ran: true, status: 3))
        let killed = SessionExit.status(stop: stop, agent: .signalled(SIGKILL), started: true)
        #expect(killed.by == .akios && killed.status == 143 && killed.reason == "signal")
    }

    @Test func whatNeverStartedDidNotRun() {
        #expect(!SessionExit.status(stop: .cageFailed("go"), agent: nil, started: false).ran)
        #expect(SessionExit.status(stop: .cageFailed("later"), agent: nil, started: true).ran)
        #expect(SessionExit.status(stop: nil, agent: nil, started: false).status == 125)
    }

    @Test func aGraceBeyondTheClockIsNoCrash() {
        #expect(StopReason.asked(SIGTERM, killAfter: TimeSpan(milliseconds: .max)).graceMilliseconds == .max)
    }
}
