// What limits do to an exchange under way: rates pause it, deadlines end it, and the host's circuit breaker hears of it.

import NIOCore
import Policy
import Profile
import Providers
import Vocabulary

extension ExchangeDriver {
    /// Counts bytes of a body that went either way, and reads no more of the answer until the rates allow it.
    func pause(after count: Int) {
        guard let exchange, let grant = exchange.grant else { return }
        guard let wait = session.passed(count, grant.paced), !isGone, exchange.rest == nil else { return }
        exchange.upstream?.setReading(false)
        if exchange.relay != nil { agent.setReading(false) }
        let bound = NIOLoopBound((self, exchange), eventLoop: session.loop)
        exchange.rest = session.loop.scheduleTask(in: wait) {
            let (driver, exchange) = bound.value
            exchange.rest = nil
            guard driver.exchange === exchange else { return }
            exchange.moved = .now()
            driver.pause(after: 0)
            guard exchange.rest == nil else { return }
            if exchange.relay != nil, !driver.isGone { driver.agent.setReading(true) }
            if driver.isGone || driver.agent.isWritable { exchange.upstream?.setReading(true) }
        }
    }

    /// Ends what takes too long. True: an exchange is under way.
    func checkDeadlines(at now: NIODeadline) -> Bool {
        guard let exchange else { return false }
        // The supervisor keeps the time of what an operator is asked: approvals.timeout.
        if exchange.parked != nil { return true }
        let key: String
        // A WebSocket is no one request: it may last for as long as something moves.
        if exchange.relay == nil, now - exchange.started - exchange.waited > session.limits.requestTimeout.amount {
            key = "limits.request_timeout"
        } else if now - exchange.moved > session.idleLimit {
            key = "limits.idle_timeout"
        } else {
            return true
        }
        // Told already, and still not over: an agent that neither sends nor takes.
        if exchange.isLate {
            agent.breakOff()
            return true
        }
        exchange.isLate = true
        exchange.moved = now
        exchange.refusal = session.words(peer.shownHost).refusal(
            .timedOut, reason: key, what: "the request took too long", rule: key)
        obey(machine.stop())
        return true
    }

    /// Tells the host's circuit breaker what became of the request, once.
    func report(_ outcome: CircuitBreaker.Outcome) {
        guard let exchange, let ticket = exchange.ticket, let host = peer.name else { return }
        exchange.ticket = nil
        session.ended(ticket, host: host, outcome)
    }

    /// Answers that say that the host, not the request, is at fault.
    static func isFailure(status: Int) -> Bool { [502, 503, 504, 529].contains(status) }
}
