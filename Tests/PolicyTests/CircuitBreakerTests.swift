// CircuitBreakerTests: closed, open, half-open, and who may move it.

import Profile
import Testing
import Vocabulary

@testable import Policy

private let second: UInt64 = 1_000_000_000

struct CircuitBreakers {
    private func breaker(failures: UInt32 = 3, percent: UInt32 = 100, requests: UInt32 = 1000) -> CircuitBreaker {
        var settings = NetworkAccess.Breaker()
        (settings.failures, settings.percent, settings.requests) = (failures, percent, requests)
        settings.window = TimeSpan(milliseconds: 10_000)
        settings.open = TimeSpan(milliseconds: 30_000)
        return CircuitBreaker(settings)
    }

    private func ticket(_ breaker: inout CircuitBreaker, at now: UInt64) -> CircuitBreaker.Ticket? {
        if case .ask(let ticket) = breaker.ask(at: now) { ticket } else { nil }
    }

    /// Asks and ends so often; false: it was not let go on.
    private func run(_ breaker: inout CircuitBreaker, _ outcome: CircuitBreaker.Outcome, times: Int = 1, at now: UInt64) -> Bool {
        for _ in 0..<times {
            guard let ticket = ticket(&breaker, at: now) else { return false }
            breaker.ended(ticket, outcome, at: now)
        }
        return true
    }

    @Test func opensAfterSoManyInARow() {
        var breaker = breaker()
        #expect(run(&breaker, .failed, times: 2, at: 0) && run(&breaker, .answered, at: 0))
        #expect(run(&breaker, .failed, times: 2, at: 0) && run(&breaker, .unknown, times: 5, at: 0))
        #expect(run(&breaker, .failed, at: second))
        #expect(breaker.ask(at: 2 * second) == .wait(29 * second))
        #expect(breaker.ask(at: 31 * second - 1) == .wait(1))
    }

    @Test func opensAtAShareOfTheWindow() {
        var breaker = breaker(failures: 1000, percent: 50, requests: 10)
        #expect(run(&breaker, .failed, times: 4, at: 0) && run(&breaker, .answered, times: 4, at: 0))
        #expect(run(&breaker, .failed, at: second))  // the ninth
        #expect(run(&breaker, .failed, at: second))  // the tenth: six of ten
        #expect(breaker.ask(at: second) == .wait(30 * second))
        // The same, but the failures are of another time.
        var late = self.breaker(failures: 1000, percent: 50, requests: 10)
        #expect(run(&late, .failed, times: 9, at: 0))
        #expect(run(&late, .answered, times: 9, at: 60 * second) && run(&late, .failed, times: 5, at: 60 * second))
    }

    @Test func oneProbeDecides() throws {
        var breaker = breaker()
        #expect(run(&breaker, .failed, times: 3, at: 0))
        let probe = try #require(ticket(&breaker, at: 30 * second))
        #expect(ticket(&breaker, at: 30 * second) == nil)
        breaker.ended(probe, .failed, at: 31 * second)
        #expect(breaker.ask(at: 31 * second) == .wait(30 * second))
        let next = try #require(ticket(&breaker, at: 61 * second))
        breaker.ended(next, .answered, at: 62 * second)
        // Closed, and what was before is forgotten.
        #expect(run(&breaker, .failed, times: 2, at: 63 * second))
        #expect(ticket(&breaker, at: 63 * second) != nil)
    }

    @Test func aProbeThatTellsNothingIsReplaced() throws {
        var breaker = breaker()
        #expect(run(&breaker, .failed, times: 3, at: 0))
        #expect(run(&breaker, .unknown, at: 30 * second))
        let lost = try #require(ticket(&breaker, at: 31 * second))
        #expect(breaker.ask(at: 32 * second) == .wait(29 * second))
        let next = try #require(ticket(&breaker, at: 61 * second))
        // The lost one comes back after all: it is not the probe any more.
        breaker.ended(lost, .answered, at: 62 * second)
        #expect(ticket(&breaker, at: 62 * second) == nil)
        breaker.ended(next, .answered, at: 62 * second)
        #expect(ticket(&breaker, at: 62 * second) != nil)
    }

    @Test func whatWasAskedBeforeItOpenedMovesNothing() throws {
        var breaker = breaker()
        let old = try #require(ticket(&breaker, at: 0))
        #expect(run(&breaker, .failed, times: 3, at: 0))
        breaker.ended(old, .answered, at: second)
        #expect(breaker.ask(at: second) == .wait(29 * second))
        _ = ticket(&breaker, at: 30 * second)
        breaker.ended(old, .answered, at: 30 * second)
        #expect(ticket(&breaker, at: 30 * second) == nil)
    }
}
