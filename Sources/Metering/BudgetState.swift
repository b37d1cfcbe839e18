// BudgetState: the money of one session. Reserve before a call leaves, settle when its usage is known:
// settled + reserved never exceeds a limit, whatever order things happen in. Single-threaded, no clock of its own.

public import Profile
public import Vocabulary
public import Wire

/// Why a call does not fit.
public struct BudgetRefusal: Sendable, Hashable {
    /// A limit that the call would pass; texts in the limit's own unit.
    public struct Limit: Sendable, Hashable {
        /// As the profile names it: `per_session.max_cost_usd`.
        public let name: String
        public let allowed: String
        /// Settled and reserved before this call.
        public let used: String
        public let asked: String
    }

    public let window: BudgetWindow
    /// One at least.
    public let limits: [Limit]
    public let action: Budget.Action
    /// How long the agent may go on after a refusal that ends the session.
    public let grace: TimeSpan
    /// For the operator and the log; names limits and amounts, which are the operator's own.
    public let reason: String
}

public enum BudgetVerdict: Sendable, Hashable {
    /// `alerts`: windows with `action_on_exceed: alert` that this call passes; each is for the log.
    case admitted(alerts: [BudgetRefusal])
    /// It would fit later: hold the answer until then and ask again, or refuse with `rateLimited` and say when.
    /// nil: as soon as some open call is settled.
    case wait(until: UInt64?, BudgetRefusal)
    /// It cannot fit. With `.terminate` the session ends after the grace.
    case refused(BudgetRefusal)
    /// The session is ending, or the id was used before, or the amount is no amount.
    case closed(reason: String)
}

public enum SettleOutcome: Sendable, Hashable {
    /// `exceeded`: a limit is passed because the call used more than its reservation said it could.
    case settled(exceeded: [BudgetWindow])
    /// Not open (already settled or never admitted): nothing was changed.
    case unknown
}

public struct BudgetState: Sendable {
    struct Open: Sendable {
        var spend: Spend
    }

    public let budget: Budget
    var windows: [SpendWindow]
    var open: [UInt64: Open] = [:]
    var ids = UsedIDs()
    public private(set) var reserved = Spend()
    public private(set) var totals = SpendTotals()
    /// No call is admitted any more. What is open may still settle.
    public private(set) var isClosed = false
    private var now: UInt64

    /// - Parameter now: milliseconds of a clock that does not run backwards; a step back is treated as standing still.
    public init(_ budget: Budget, now: UInt64) {
        self.budget = budget
        self.now = now
        windows = [SpendWindow(.perSession, limit: budget.perSession), SpendWindow(.perMinute, limit: budget.perMinute)]
        if let day = budget.perDay { windows.append(SpendWindow(.perDay, limit: day)) }
    }

    /// Holds what a call may cost at worst. A call that costs nothing (`Reservation.nothing`) is not counted as one.
    public mutating func reserve(_ id: UInt64, _ reservation: Reservation, at time: UInt64) -> BudgetVerdict {
        advance(to: time)
        guard !isClosed else { return .closed(reason: "the session is ending") }
        guard reservation.cost >= .zero, reservation.tokens >= 0 else { return .closed(reason: "a negative reservation") }
        guard ids.isFresh(id) else { return .closed(reason: "request id \(id) was used before") }
        let spend = Spend(cost: reservation.cost, tokens: reservation.tokens, requests: reservation == .nothing ? 0 : 1)
        var alerts: [BudgetRefusal] = []
        var waiting: (until: UInt64?, refusal: BudgetRefusal)?
        if spend != Spend() {
            for window in windows where !window.fits(window.settled + reserved + spend) {
                let refusal = refusal(window, spend)
                if window.limit.action == .alert {
                    alerts.append(refusal)
                } else if let wait = wait(window, spend) {
                    // Of several windows the one that takes longest; an open end (nil) is settled first.
                    if waiting == nil || (waiting?.until ?? .max) < (wait.until ?? .max) { waiting = (wait.until, refusal) }
                } else {
                    return .refused(refusal)
                }
            }
        }
        if let waiting { return .wait(until: waiting.until, waiting.refusal) }
        ids.use(id)
        open[id] = Open(spend: spend)
        reserved = reserved + spend
        return .admitted(alerts: alerts)
    }

    /// Keeps `id` good for a call that is asked for later, however many newer ones are used meanwhile: until it is admitted or let go.
    public mutating func hold(_ id: UInt64) { ids.hold(id) }
    public mutating func letGo(_ id: UInt64) { ids.letGo(id) }

    /// Settles an admitted call with what it used; once. Without known usage the reservation counts as spent.
    public mutating func settle(_ id: UInt64, _ settlement: Settlement, at time: UInt64) -> SettleOutcome {
        advance(to: time)
        guard let call = open.removeValue(forKey: id) else { return .unknown }
        reserved = reserved - call.spend
        let used = settlement.usage
        let parts = [used.input, used.cachedInput, used.cacheWrite, used.output]
        let isKnown = settlement.usageKnown && settlement.cost >= .zero && parts.allSatisfy { $0 >= 0 }
        let tokens = saturatingSum(used.input, used.cachedInput, used.cacheWrite, used.output)
        let spend = isKnown ? Spend(cost: settlement.cost, tokens: tokens, requests: call.spend.requests) : call.spend
        for index in windows.indices { windows[index].add(spend, at: now) }
        totals.add(spend, usage: isKnown ? used : nil, model: settlement.model)
        return .settled(exceeded: windows.filter { !$0.fits($0.settled + reserved) && $0.limit.action != .alert }.map(\.kind))
    }

    /// An admitted call that never left: nothing was spent.
    public mutating func release(_ id: UInt64) -> SettleOutcome {
        guard let call = open.removeValue(forKey: id) else { return .unknown }
        reserved = reserved - call.spend
        return .settled(exceeded: [])
    }

    /// From now on nothing is admitted.
    public mutating func close() { isClosed = true }

    /// At the session's end: calls that never reported count as their reservation.
    public mutating func settleAllOpen(at time: UInt64) -> [UInt64] {
        let ids = open.keys.sorted()
        for id in ids { _ = settle(id, PriceBook.unknown("unknown", .nothing), at: time) }
        return ids
    }

    public var openCount: Int { open.count }

    /// Settled and reserved within a window: what is compared with the limit.
    func held(_ kind: BudgetWindow) -> Spend {
        windows.first { $0.kind == kind }.map { $0.settled + reserved } ?? Spend()
    }

    private mutating func advance(to time: UInt64) {
        now = max(now, time)
        for index in windows.indices { windows[index].advance(to: now) }
    }

    /// Whether waiting helps: the call fits once open calls are settled for less, or, where the profile throttles, once
    /// old spend has slid out. A call too large for an empty window never fits.
    private func wait(_ window: SpendWindow, _ spend: Spend) -> (until: UInt64?, Void)? {
        if reserved != Spend(), window.fits(window.settled + spend) { return (nil, ()) }
        guard window.limit.action == .throttle, let until = window.roomAt(spend, reserved: reserved) else {
            return window.limit.action == .throttle && reserved != Spend() && window.fits(spend) && window.kind.span != nil
                ? (nil, ()) : nil
        }
        return (until, ())
    }

    private func refusal(_ window: SpendWindow, _ spend: Spend) -> BudgetRefusal {
        let limit = window.limit
        let held = window.settled + reserved
        var limits: [BudgetRefusal.Limit] = []
        func pass(_ name: String, _ allowed: String, _ used: String, _ asked: String) {
            limits.append(.init(name: "\(window.kind.rawValue).\(name)", allowed: allowed, used: used, asked: asked))
        }
        if let most = limit.maxCost, held.cost + spend.cost > most {
            pass("max_cost_usd", most.decimal, held.cost.decimal, spend.cost.decimal)
        }
        if let most = limit.maxTokens, saturatingSum(held.tokens, spend.tokens) > most {
            pass("max_tokens", String(most), String(held.tokens), String(spend.tokens))
        }
        if let most = limit.maxRequests, saturatingSum(held.requests, spend.requests) > most {
            pass("max_requests", String(most), String(held.requests), String(spend.requests))
        }
        let words = limits.map { "\($0.name): \($0.used) held and \($0.asked) asked of \($0.allowed)" }
        return BudgetRefusal(
            window: window.kind, limits: limits, action: limit.action, grace: limit.grace,
            reason: "budget." + words.joined(separator: "; "))
    }
}
