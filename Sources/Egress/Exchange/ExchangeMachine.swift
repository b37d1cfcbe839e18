// ExchangeMachine: the life of one request and its answer, as a value. It decides; the handler obeys. What it guards:
// nothing is sent before it was admitted, whatever was admitted is settled exactly once, and an answer is ended once.

/// What the handler has to do now.
enum ExchangeAction: Sendable, Hashable {
    case nothing
    /// Keep the body; `sendContinue`: say 100 first.
    case collect(sendContinue: Bool)
    /// Add these bytes to the body.
    case keep
    /// Body bytes of a request that is refused already.
    case discard
    case refuse
    case refuseTooLarge
    case prepare
    case ask
    /// The agent is gone before it was admitted: an operator who is asked need not answer.
    case withdraw
    case connect
    case send
    /// The agent is there: pass the answer on.
    case relay
    /// The agent is gone: read the answer for its usage only.
    case drain
    case finish
    /// Admitted, but not one byte went out: give the reservation back. `refuse`: the agent is told why.
    case release(refuse: Bool)
    /// Bytes went out and no answer's head came: the reservation stands. `refuse`: the agent is told why.
    case settleFailed(refuse: Bool)
    /// The answer broke off: the agent's copy is ended, the reservation or the usage so far stands. `cut`: the agent is there.
    case settleCut(cut: Bool)
    /// Stopped in the middle of an answer: end it in the protocol's own way, drop the upstream, settle.
    case endAnswer(cut: Bool)
    /// The request was cut short; it is recorded and forgotten.
    case recordCut
    /// The next request may be read.
    case next
}

struct ExchangeMachine: ~Copyable {
    enum State: Sendable, Hashable {
        case idle
        case collecting(received: Int, limit: Int)
        /// Refused; the rest of its body is read and thrown away.
        case discarding
        case preparing
        case asking(agentGone: Bool)
        case connecting(agentGone: Bool)
        case waiting(agentGone: Bool)
        case relaying(agentGone: Bool)
    }

    private(set) var state = State.idle

    /// Whether request bytes may be read: not while an answer is under way.
    var readsRequest: Bool {
        switch state {
        case .idle, .collecting, .discarding: true
        default: false
        }
    }

    var isIdle: Bool { state == .idle }

    // MARK: From the agent

    /// - Parameter limit: most bytes of its body; nil: the head alone is refused.
    mutating func head(limit: Int?, declared: Int?, expectsContinue: Bool) -> ExchangeAction {
        guard state == .idle else { return .nothing }
        guard let limit else {
            state = .discarding
            return .refuse
        }
        if let declared, declared > limit {
            state = .discarding
            return .refuseTooLarge
        }
        state = .collecting(received: 0, limit: limit)
        return .collect(sendContinue: expectsContinue && declared != 0)
    }

    mutating func body(_ count: Int) -> ExchangeAction {
        switch state {
        case .collecting(let received, let limit):
            guard count <= limit - received else {
                state = .discarding
                return .refuseTooLarge
            }
            state = .collecting(received: received + count, limit: limit)
            return .keep
        case .discarding: return .discard
        default: return .nothing
        }
    }

    mutating func end() -> ExchangeAction {
        switch state {
        case .collecting:
            state = .preparing
            return .prepare
        case .discarding:
            state = .idle
            return .next
        default: return .nothing
        }
    }

    mutating func agentGone() -> ExchangeAction {
        switch state {
        case .idle, .discarding, .preparing:
            state = .idle
            return .nothing
        case .collecting:
            state = .idle
            return .recordCut
        case .asking:
            state = .asking(agentGone: true)
            return .withdraw
        case .connecting: state = .connecting(agentGone: true)
        case .waiting:
            state = .waiting(agentGone: true)
            return .drain
        case .relaying:
            state = .relaying(agentGone: true)
            return .drain
        }
        return .nothing
    }

    // MARK: From the checks

    mutating func prepared(ok: Bool) -> ExchangeAction {
        guard state == .preparing else { return .nothing }
        state = ok ? .asking(agentGone: false) : .idle
        return ok ? .ask : .refuse
    }

    /// The session is being stopped.
    mutating func stop() -> ExchangeAction {
        switch state {
        case .idle, .discarding, .preparing: return .nothing
        case .collecting:
            state = .discarding
            return .refuse
        case .asking: return .nothing  // the supervisor's answer is on its way, and decides
        case .connecting(let gone):
            state = .idle
            return .release(refuse: !gone)
        case .waiting(let gone):
            state = .idle
            return .settleFailed(refuse: !gone)
        case .relaying(let gone):
            state = .idle
            return .endAnswer(cut: !gone)
        }
    }

    // MARK: From the supervisor

    mutating func admission(_ admitted: Bool, stopped: Bool) -> ExchangeAction {
        guard case .asking(let gone) = state else { return .nothing }
        guard admitted else {
            state = .idle
            return gone ? .next : .refuse
        }
        if gone || stopped {
            state = .idle
            return .release(refuse: !gone)
        }
        state = .connecting(agentGone: false)
        return .connect
    }

    // MARK: From the upstream

    mutating func connected() -> ExchangeAction {
        guard case .connecting(let gone) = state else { return .nothing }
        if gone {
            state = .idle
            return .release(refuse: false)
        }
        state = .waiting(agentGone: false)
        return .send
    }

    /// Not one byte of the request was written: it may be sent on another connection.
    mutating func unsent(again: Bool) -> ExchangeAction {
        guard case .waiting(let gone) = state else { return .nothing }
        guard again, !gone else {
            state = .idle
            return .release(refuse: !gone)
        }
        state = .connecting(agentGone: false)
        return .connect
    }

    mutating func connectFailed() -> ExchangeAction {
        guard case .connecting(let gone) = state else { return .nothing }
        state = .idle
        return .release(refuse: !gone)
    }

    mutating func answerHead() -> ExchangeAction {
        guard case .waiting(let gone) = state else { return .nothing }
        state = .relaying(agentGone: gone)
        return gone ? .drain : .relay
    }

    mutating func answerBody() -> ExchangeAction {
        guard case .relaying(let gone) = state else { return .nothing }
        return gone ? .drain : .relay
    }

    mutating func answerEnd() -> ExchangeAction {
        guard case .relaying = state else { return .nothing }
        state = .idle
        return .finish
    }

    /// The upstream failed, or its answer cannot be passed on.
    mutating func upstreamFailed() -> ExchangeAction {
        switch state {
        case .waiting(let gone):
            state = .idle
            return .settleFailed(refuse: !gone)
        case .relaying(let gone):
            state = .idle
            return .settleCut(cut: !gone)
        default: return .nothing
        }
    }
}
