// RawMachine: the states of a connection that is relayed unread: first the log, then the host, then bytes until both sides
// have said their end. Pure.

enum RawSide: Sendable, Hashable {
    case agent, host
    var other: RawSide { self == .agent ? .host : .agent }
}

enum RawAction: Sendable, Hashable {
    case nothing
    case dial
    /// Both sides may be read.
    case relay
    /// Say the end to this side when it has got all that was for it.
    case tellEnd(RawSide)
    /// Both ends were said and told: close, settle.
    case finish
    /// It ended too early: cut both sides off, settle.
    case cut
    /// Nothing was admitted: close only.
    case drop
}

struct RawMachine: Sendable {
    private enum State: Sendable {
        case asking, dialling
        /// The sides that will send nothing more, and those that were told that nothing more comes.
        case open(ended: Set<RawSide>, told: Set<RawSide>)
        case over
    }

    private var state = State.asking
    /// The agent had said its end before the host was there.
    private var isEarlyEnd = false

    var isOver: Bool { if case .over = state { true } else { false } }
    /// Whether bytes of the agent have a way to go.
    var isOpen: Bool { if case .open = state { true } else { false } }

    /// - Parameter stopped: the session was, while the answer was on its way.
    mutating func admission(_ yes: Bool, stopped: Bool = false) -> RawAction {
        guard case .asking = state else { return .nothing }
        state = yes && !stopped ? .dialling : .over
        return !yes ? .drop : stopped ? .cut : .dial
    }

    mutating func connected() -> RawAction {
        guard case .dialling = state else { return .nothing }
        state = .open(ended: [], told: [])
        return .relay
    }

    /// After `relay`, when what the agent said early has gone on.
    mutating func caughtUp() -> RawAction { isEarlyEnd ? ended(.agent) : .nothing }

    /// A side's end of file.
    mutating func ended(_ side: RawSide) -> RawAction {
        guard case .open(var ended, let told) = state else {
            isEarlyEnd = true
            return .nothing
        }
        guard ended.insert(side).inserted else { return .nothing }
        state = .open(ended: ended, told: told)
        return .tellEnd(side.other)
    }

    /// The side has got everything, the end included.
    mutating func told(_ side: RawSide) -> RawAction {
        guard case .open(let ended, var told) = state else { return .nothing }
        told.insert(side)
        guard told.count == 2, ended.count == 2 else {
            state = .open(ended: ended, told: told)
            return .nothing
        }
        state = .over
        return .finish
    }

    /// The agent is no more. Nobody reads the answer, so it is over once the host has got everything.
    mutating func left() -> RawAction {
        guard case .open(_, let told) = state, told.contains(.host) else { return .nothing }
        state = .over
        return .finish
    }

    /// A side is gone without a word, the host cannot be reached, a deadline passed, the session stops.
    mutating func broken() -> RawAction {
        defer { state = .over }
        switch state {
        case .asking: return .drop
        case .dialling, .open: return .cut
        case .over: return .nothing
        }
    }
}
