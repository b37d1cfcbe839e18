// RawRelay: a connection whose bytes nobody reads. The intent is in the log before the host is dialled; then bytes go both
// ways, each side as fast as the other takes them, counted, and within the profile's rates and deadlines.

import Events
import NIOCore
import Policy
import Profile
import Vocabulary
import Wire

final class RawRelay {
    private let session: Session
    private let dialled: Dialled
    private var grant: RawGrant
    private var machine = RawMachine()
    private(set) lazy var agentEnd = RawEnd(.agent, of: self)
    private var hostEnd: RawEnd?
    /// The link's number of the admitted intent; nil: nothing to settle.
    private var id: UInt64?
    /// What the agent said before the host was there to hear it: a ClientHello, and what came in the same read.
    private var early: ByteBuffer?
    private var bytesOut: UInt64 = 0
    private var bytesIn: UInt64 = 0
    private let started = NIODeadline.now()
    private var moved = NIODeadline.now()
    /// Nothing is read until then, for a rate's sake.
    private var rest: Scheduled<Void>?
    /// Why it ended early.
    private var cause: String?
    /// The agent is no more.
    private var isLeft = false

    init(session: Session, dialled: Dialled, grant: RawGrant) {
        self.session = session
        self.dialled = dialled
        self.grant = grant
    }

    /// Asks for admission, once the agent's end is in place.
    func ask() {
        agentEnd.setReading(false)
        session.opened(self)
        session.watch()
        session.journal.count { totals in totals.requests += 1 }
        switch session.begin(grant) {
        case .allow(let begun): grant = begun
        case let verdict:
            if let refusal = verdict.refusal { refuse(refusal) }
            return obey(machine.admission(false))
        }
        let intent = RequestIntent(
            id: session.link.upcomingID, host: grant.target.shown, port: grant.port, method: method, path: "", bytes: 0,
            rule: grant.rule, marks: ["unredacted"])
        id = session.link.admit(.nothing, RecordDraft(kind: .requestIntent, data: intent.data()), asking: nil) { [self] answer in
            var isAdmitted = true
            if case .refused(let code, let told) = answer {
                isAdmitted = false
                id = nil
                refuse(Refusal(code, reason: "not admitted by the supervisor", told: told))
            }
            // The agent went away meanwhile.
            if machine.isOver { return end() }
            if session.stopped != nil { cause = "stopped" }
            obey(machine.admission(isAdmitted, stopped: session.stopped != nil))
        }
    }

    /// What stands in the log where a request has its method.
    private var method: String { grant.way == .tcp ? "TCP" : "TLS" }

    private func refuse(_ refusal: Refusal) {
        session.journal.refused(
            ConnectionRefused(
                code: refusal.code, reason: refusal.reason, host: grant.target.shown, address: dialled.address.description,
                port: dialled.port))
    }

    // MARK: Doing

    private func obey(_ action: RawAction) {
        switch action {
        case .nothing: break
        case .dial: dial()
        case .relay: relay()
        case .tellEnd(.agent): agentEnd.tellEnd()
        case .tellEnd(.host): hostEnd?.tellEnd()
        case .finish:
            agentEnd.close()
            hostEnd?.close()
            end()
        case .cut:
            agentEnd.reset()
            hostEnd?.reset()
            end()
        case .drop:
            agentEnd.reset()
            // With an answer on its way there will be something to settle.
            if id == nil { end() }
        }
    }

    private func dial() {
        session.dialer.raw(grant) { [self] result in
            switch result {
            case .success(let upstream):
                guard !machine.isOver else { return upstream.abandon() }
                report(.answered)
                let end = RawEnd(.host, of: self)
                do { try upstream.channel.pipeline.syncOperations.addHandler(end) } catch {
                    upstream.abandon()
                    return stop("upstream_reset")
                }
                hostEnd = end
                obey(machine.connected())
            case .failure(let failure):
                guard !machine.isOver else { return }
                report(failure.code == .addressNotAllowed ? .unknown : .failed)
                refuse(Refusal(failure.code, reason: failure.reason, told: ""))
                stop(failure.code.rawValue)
            }
        }
    }

    private func relay() {
        session.journal.count { totals in Journal.count(grant.target.shown, in: &totals) }
        let first = early
        early = nil
        if let first { bytes(first, from: .agent) }
        obey(machine.caughtUp())
        read()
    }

    /// Reads on from each side whose other side takes what comes.
    private func read() {
        guard machine.isOpen, rest == nil, let hostEnd else { return }
        agentEnd.setReading(hostEnd.isWritable)
        hostEnd.setReading(agentEnd.isWritable)
    }

    private func end() {
        rest?.cancel()
        rest = nil
        early = nil
        report(.unknown)
        settle()
        session.closed(self)
        hostEnd = nil
    }

    private func settle() {
        guard let id else { return }
        self.id = nil
        let milliseconds = UInt64(max(0, (NIODeadline.now() - started).nanoseconds) / 1_000_000)
        let outcome = RequestOutcome(
            id: id, status: 0, bytesIn: bytesIn, bytesOut: bytesOut, cut: cause, milliseconds: milliseconds)
        session.link.settle(
            id, Settlement(cost: .zero, usage: TokenUsage(), model: "", usageKnown: true),
            RecordDraft(kind: .requestOutcome, data: outcome.data()))
    }

    /// Tells the host's circuit breaker what became of it, once.
    private func report(_ outcome: CircuitBreaker.Outcome) {
        guard let ticket = grant.ticket, case .name(let host, _) = grant.target else { return }
        grant.ticket = nil
        session.ended(ticket, host: host, outcome)
    }

    private func stop(_ why: String) {
        cause = cause ?? why
        obey(machine.broken())
    }

    // MARK: From the ends

    func bytes(_ bytes: ByteBuffer, from side: RawSide) {
        guard !machine.isOver else { return }
        guard machine.isOpen, let hostEnd else {
            if side == .agent { early.setOrWriteImmutableBuffer(bytes) }
            return
        }
        let count = UInt64(bytes.readableBytes)
        moved = .now()
        switch side {
        case .agent:
            bytesOut += count
            session.journal.count { totals in totals.bytesOut += count }
            hostEnd.write(bytes)
            if !hostEnd.isWritable { agentEnd.setReading(false) }
        case .host:
            bytesIn += count
            session.journal.count { totals in totals.bytesIn += count }
            agentEnd.write(bytes)
            if !agentEnd.isWritable { hostEnd.setReading(false) }
        }
        pause(after: bytes.readableBytes)
    }

    /// Reads from neither side until the rates allow it.
    private func pause(after count: Int) {
        guard let wait = session.passed(count, grant.paced), rest == nil, machine.isOpen else { return }
        agentEnd.setReading(false)
        hostEnd?.setReading(false)
        let bound = NIOLoopBound(self, eventLoop: session.loop)
        rest = session.loop.scheduleTask(in: wait) {
            let relay = bound.value
            relay.rest = nil
            guard relay.machine.isOpen else { return }
            relay.moved = .now()
            relay.pause(after: 0)
            relay.read()
        }
    }

    func takes(_ side: RawSide, _ on: Bool) {
        guard machine.isOpen, rest == nil else { return }
        moved = .now()
        (side == .agent ? hostEnd : agentEnd)?.setReading(on)
    }

    func ended(_ side: RawSide) { obey(machine.ended(side)) }

    func told(_ side: RawSide) {
        obey(machine.told(side))
        if isLeft { obey(machine.left()) }
    }

    /// A side's connection is closed.
    func gone(_ side: RawSide) { if !machine.isOver { stop(side == .agent ? "client_gone" : "upstream_reset") } }
}

extension RawRelay: AgentConnection {
    func stop(_ refusal: Refusal) { stop("stopped") }

    /// What the agent wrote before it ended still arrives, and then its end of file; `abort` comes soon.
    func sessionEnds() {
        guard machine.isOpen else { return stop("stopped") }
        isLeft = true
        obey(machine.left())
    }

    func abort() {
        stop("stopped")
        settle()
    }

    func checkDeadlines(at now: NIODeadline) -> Bool {
        guard !machine.isOver else { return false }
        if now - moved > session.idleLimit {
            stop("idle_timeout")
        } else if now - started > session.limits.requestTimeout.amount {
            stop("request_timeout")
        }
        return !machine.isOver
    }
}
