// The exchange's states: nothing is sent before it was admitted, and what was admitted is settled exactly once.

import Testing

@testable import Egress

@Suite struct ExchangeMachineTests {
    private func asked() -> ExchangeMachine {
        var machine = ExchangeMachine()
        _ = machine.head(limit: 10, declared: 3, expectsContinue: false)
        _ = machine.body(3)
        _ = machine.end()
        _ = machine.prepared(ok: true)
        return machine
    }

    @Test func theGoodPath() {
        var machine = ExchangeMachine()
        #expect(machine.head(limit: 10, declared: 3, expectsContinue: true) == .collect(sendContinue: true))
        #expect(machine.body(3) == .keep)
        #expect(machine.end() == .prepare)
        #expect(machine.prepared(ok: true) == .ask)
        let reads = machine.readsRequest
        #expect(!reads)
        #expect(machine.admission(true, stopped: false) == .connect)
        #expect(machine.connected() == .send)
        #expect(machine.answerHead() == .relay)
        #expect(machine.answerBody() == .relay)
        #expect(machine.answerEnd() == .finish)
        let idle = machine.isIdle
        #expect(idle)
    }

    @Test func bodiesOverTheLimitAreRefusedAndThrownAway() {
        var declared = ExchangeMachine()
        #expect(declared.head(limit: 10, declared: 11, expectsContinue: true) == .refuseTooLarge)
        #expect(declared.body(11) == .discard)
        #expect(declared.end() == .next)
        var chunked = ExchangeMachine()
        _ = chunked.head(limit: 10, declared: nil, expectsContinue: false)
        #expect(chunked.body(6) == .keep)
        #expect(chunked.body(5) == .refuseTooLarge)
        #expect(chunked.end() == .next)
    }

    @Test func aBodyCutShortIsRecordedAndNeverSent() {
        var machine = ExchangeMachine()
        _ = machine.head(limit: 10, declared: 5, expectsContinue: false)
        _ = machine.body(2)
        #expect(machine.agentGone() == .recordCut)
        #expect(machine.connected() == .nothing)
    }

    @Test func anAgentThatGoesWhileWaitingCostsNothing() {
        var machine = asked()
        #expect(machine.agentGone() == .withdraw)
        #expect(machine.admission(true, stopped: false) == .release(refuse: false))
        #expect(machine.connected() == .nothing)
        var connecting = asked()
        _ = connecting.admission(true, stopped: false)
        #expect(connecting.agentGone() == .nothing)
        #expect(connecting.connected() == .release(refuse: false))
    }

    @Test func anAnswerNobodyWantsIsDrainedAndSettledOnce() {
        var machine = asked()
        _ = machine.admission(true, stopped: false)
        _ = machine.connected()
        #expect(machine.agentGone() == .drain)
        #expect(machine.answerHead() == .drain)
        #expect(machine.answerBody() == .drain)
        #expect(machine.answerEnd() == .finish)
        #expect(machine.upstreamFailed() == .nothing)
    }

    @Test func refusedByTheSupervisor() {
        var machine = asked()
        #expect(machine.admission(false, stopped: false) == .refuse)
        #expect(machine.admission(true, stopped: false) == .nothing)
    }

    @Test func failuresBeforeAndAfterTheFirstByte() {
        var unconnected = asked()
        _ = unconnected.admission(true, stopped: false)
        #expect(unconnected.connectFailed() == .release(refuse: true))
        var sent = asked()
        _ = sent.admission(true, stopped: false)
        _ = sent.connected()
        #expect(sent.upstreamFailed() == .settleFailed(refuse: true))
        var answered = asked()
        _ = answered.admission(true, stopped: false)
        _ = answered.connected()
        _ = answered.answerHead()
        #expect(answered.upstreamFailed() == .settleCut(cut: true))
        #expect(answered.answerEnd() == .nothing)
    }

    @Test func whatWasNotWrittenIsSentAgainAndNothingElse() {
        func sent() -> ExchangeMachine {
            var machine = asked()
            _ = machine.admission(true, stopped: false)
            _ = machine.connected()
            return machine
        }
        var again = sent()
        #expect(again.unsent(again: true) == .connect)
        #expect(again.connected() == .send)
        #expect(again.unsent(again: false) == .release(refuse: true))
        #expect(again.unsent(again: true) == .nothing, "settled")
        var gone = sent()
        #expect(gone.agentGone() == .drain)
        #expect(gone.unsent(again: true) == .release(refuse: false))
        var answered = sent()
        _ = answered.answerHead()
        #expect(answered.unsent(again: true) == .nothing, "the answer shows that it was written")
        var failed = sent()
        #expect(failed.upstreamFailed() == .settleFailed(refuse: true))
        #expect(failed.unsent(again: true) == .nothing)
        var early = asked()
        #expect(early.unsent(again: true) == .nothing, "not even admitted")
    }

    @Test func aStopInEveryState() {
        var idle = ExchangeMachine()
        #expect(idle.stop() == .nothing)
        var collecting = ExchangeMachine()
        _ = collecting.head(limit: 10, declared: 5, expectsContinue: false)
        #expect(collecting.stop() == .refuse)
        #expect(collecting.end() == .next)
        var asking = asked()
        #expect(asking.stop() == .nothing)
        #expect(asking.admission(true, stopped: true) == .release(refuse: true))
        var connecting = asked()
        _ = connecting.admission(true, stopped: false)
        #expect(connecting.stop() == .release(refuse: true))
        #expect(connecting.connected() == .nothing)
        var relaying = asked()
        _ = relaying.admission(true, stopped: false)
        _ = relaying.connected()
        _ = relaying.answerHead()
        #expect(relaying.stop() == .endAnswer(cut: true))
        #expect(relaying.upstreamFailed() == .nothing)
    }
}
