// Refused sockets: few records in words, nothing lost, and never more answers at a time than the pace allows.

import Events
import LinuxSys
import LogStore
import Testing

@testable import Launcher

@Suite struct SocketWatchTests {
    private let ping = RefusedSocket(family: 2, type: 3, proto: 1)

    @Test func theFirstOfAKindIsToldInWords() {
        var refused = RefusedSockets()
        #expect(refused.take(ping, at: 0) == SocketRefused(call: "socket", family: "inet", type: "raw", proto: "icmp", count: 1))
        #expect(
            refused.take(RefusedSocket(pair: true, family: 30, type: 5, proto: 0), at: 0)
                == SocketRefused(call: "socketpair", family: "tipc", type: "seqpacket", proto: "0", count: 1))
        #expect(refused.take(ping, at: 1) == nil)
        #expect(refused.rest() == [SocketRefused(call: "socket", family: "inet", type: "raw", proto: "icmp", count: 1)])
        #expect(refused.rest().isEmpty)
    }

    @Test func whoWalksThroughAllNumbersIsToldInOneSum() {
        var refused = RefusedSockets()
        let told = (0..<10_000 as Range<UInt32>).compactMap { refused.take(RefusedSocket(family: $0, type: 3, proto: 0), at: 0) }
        let rest = refused.rest()
        #expect(told.count == RefusedSockets.mostKinds + 1)
        #expect(told.last?.family == "other" && rest.map(\.family) == ["other"])
        #expect((told + rest).reduce(0) { $0 + $1.count } == 10_000)
    }

    @Test func aTimeHasSoManyAnswersAndTheNextHasThemAnew() {
        var pace = AnswerPace()
        for _ in 0..<AnswerPace.most {
            #expect(pace.pause(at: 1003) == nil)
            pace.answered(at: 1003)
        }
        #expect(pace.pause(at: 1003) == 1003 + AnswerPace.window)
        #expect(pace.pause(at: 1002 + AnswerPace.window) == 1003 + AnswerPace.window)
        // Past, it must not be a deadline any more: poll(2) would return at once for ever.
        #expect(pace.pause(at: 1003 + AnswerPace.window) == nil)
        for _ in 1..<AnswerPace.most { pace.answered(at: 1003 + AnswerPace.window) }
        #expect(pace.pause(at: 1003 + AnswerPace.window) == nil)
    }

    @Test func withoutAListenerThereIsNothingToWaitFor() throws {
        var watch = SocketWatch(nil)
        #expect(watch.descriptor(at: 0) == -1)
        #expect(watch.deadline(at: 0) == nil)
        #expect(try watch.answer(at: .now).isEmpty)
        #expect(watch.close().isEmpty)
    }
}
