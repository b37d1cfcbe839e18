// RawMachineTests: the states of an unread connection, without a network.

import Testing

@testable import Egress

@Suite struct RawMachineTests {
    private func open() -> RawMachine {
        var machine = RawMachine()
        #expect(machine.admission(true) == .dial)
        #expect(machine.connected() == .relay)
        return machine
    }

    @Test func nothingIsDialledThatIsNotInTheLog() {
        var machine = RawMachine()
        #expect(machine.connected() == .nothing)
        #expect(!machine.isOpen)
        #expect(machine.admission(false) == .drop)
        #expect(machine.admission(true) == .nothing)
        #expect(machine.connected() == .nothing && machine.isOver)
        var late = RawMachine()
        #expect(late.admission(true, stopped: true) == .cut && late.isOver)
    }

    @Test func itEndsWhenBothSidesHaveSaidAndHeardTheEnd() {
        for first in [RawSide.agent, .host] {
            var machine = open()
            #expect(machine.ended(first) == .tellEnd(first.other))
            #expect(machine.ended(first) == .nothing)
            #expect(machine.told(first.other) == .nothing && machine.isOpen)
            #expect(machine.ended(first.other) == .tellEnd(first))
            #expect(machine.told(first) == .finish && machine.isOver)
            #expect(machine.broken() == .nothing)
        }
    }

    @Test func anEndThatComesBeforeTheHostIsKept() {
        for early in [false, true] {
            var machine = RawMachine()
            if early { #expect(machine.ended(.agent) == .nothing) }
            _ = machine.admission(true)
            #expect(machine.connected() == .relay)
            #expect(machine.caughtUp() == (early ? .tellEnd(.host) : .nothing))
            #expect(machine.ended(.agent) == (early ? .nothing : .tellEnd(.host)))
        }
    }

    /// The second end may be told before the first was heard: what is still to be written is waited for.
    @Test func anEndThatIsNotHeardYetIsWaitedFor() {
        var machine = open()
        _ = machine.ended(.agent)
        _ = machine.ended(.host)
        #expect(machine.told(.agent) == .nothing && !machine.isOver)
        #expect(machine.told(.host) == .finish)
    }

    @Test func brokenIsCutOnce() {
        var asking = RawMachine()
        #expect(asking.broken() == .drop)
        #expect(asking.broken() == .nothing)
        var dialling = RawMachine()
        _ = dialling.admission(true)
        #expect(dialling.broken() == .cut)
        #expect(dialling.connected() == .nothing)
        var opened = open()
        #expect(opened.broken() == .cut)
        #expect(opened.ended(.agent) == .nothing && opened.told(.host) == .nothing)
    }

    /// The agent is no more: over as soon as the host has got everything, and not before.
    @Test func whatAnAgentLeftBehindArrives() {
        var machine = open()
        #expect(machine.left() == .nothing)
        _ = machine.ended(.agent)
        #expect(machine.left() == .nothing)
        _ = machine.told(.host)
        #expect(machine.left() == .finish && machine.isOver)
    }
}
