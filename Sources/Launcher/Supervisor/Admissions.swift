// Admissions: what the supervisor does with egress' messages. Budget first, then the record, then the answer: nothing is
// answered before its record is where the profile wants it. One turn of the loop shares one commit.

import Events
import Glibc
import LinuxSys
import LogStore
import Metering
import Profile
import Vocabulary
import Wire

struct Admissions: ~Copyable {
    let log: LogWriter
    var budget: BudgetState
    private(set) var totals = EgressTotals()
    /// Why things were refused, for the last line: distinct reasons in the order they came.
    private(set) var refusals = RefusalDigest()
    /// Intents that fit later: asked again when something settles or their time has come.
    private var waiting: [Waiting] = []
    let profile: String
    /// Bytes of records that egress may still bring in.
    private var room: Int
    /// No intent is admitted any more; what is open may still settle.
    private(set) var closedWith: StopReason?
    var approvals: ApprovalQueue
    /// Intents whose question waits for an operator. They hold no money yet.
    var parked: [UInt64: Waiting] = [:]

    struct Waiting {
        var id: UInt64
        var reservation: Reservation
        var record: RecordDraft
        /// Milliseconds of `Moment.monotonic`; nil: as soon as something settles.
        var until: UInt64?
    }

    /// What one turn leads to. Nothing of it is sent unless `commit` succeeded.
    struct Turn: ~Copyable {
        var answers: [ToEgress] = []
        /// What somebody is to be told of.
        var alerts: [Alert] = []
        var stop: StopReason?
    }

    /// More than any agent's requests come to; a flood of refusals ends the session before it fills the disk.
    static let mostRecordBytes = 1 << 30
    /// Of a record's line beside its data: kind, number, session and time.
    private static let frameBytes = 160
    /// More than a proxy with its connections has open; a broken one must not fill our memory.
    static let mostWaiting = 4096

    init(log: LogWriter, budget: BudgetState, profile: String, approvals: ApprovalQueue, room: Int = mostRecordBytes) {
        self.room = room
        self.approvals = approvals
        self.log = log
        self.budget = budget
        self.profile = profile
    }

    var deadline: UInt64? { (waiting.compactMap(\.until) + [approvals.deadline].compactMap { $0 }).min() }

    mutating func handle(_ messages: [FromEgress], at now: Moment) throws(LogError) -> Turn {
        var turn = Turn()
        for message in messages {
            switch message {
            case .admit(let id, let reservation, let record):
                try ask(Waiting(id: id, reservation: reservation, record: record, until: nil), at: now, &turn)
            case .ask(let id, let reservation, let record, let question):
                try park(Waiting(id: id, reservation: reservation, record: record, until: nil), question, at: now, &turn)
            case .withdrawn(let id): try withdraw(id, at: now, &turn)
            case .settle(let id, let settlement, let record):
                try spend(record)
                // The record first: what the budget forgets the log still knows.
                try log.append(record.kind, data: record.data, at: now)
                try settled(id, settlement, at: now, &turn)
            case .note(let record):
                try spend(record)
                try log.append(record.kind, data: record.data, at: now)
                refusals.take(record)
            case .totals(let totals): self.totals = totals
            case .hello, .ready, .fatal: break  // the supervisor's own
            }
        }
        try log.commit()
        return turn
    }

    /// Asks again for what was told to wait, if its time has come, and gives up questions whose time is over.
    mutating func retry(at now: Moment) throws(LogError) -> Turn {
        var turn = Turn()
        let time = Self.milliseconds(now)
        guard let deadline, deadline <= time else { return turn }
        try expire(at: now, &turn)
        try askAgain(at: now, &turn) { $0.until.map { $0 <= time } ?? false }
        try log.commit()
        return turn
    }

    /// From now on every intent is refused with this reason, the waiting ones at once.
    mutating func close(_ reason: StopReason) -> [ToEgress] {
        budget.close()
        closedWith = closedWith ?? reason
        approvals.close()
        defer {
            waiting.removeAll()
            parked.removeAll()
        }
        return (waiting + parked.values).map { .refused(id: $0.id, why: reason.refusal, told: reason.told) }
    }

    /// Calls that never reported count as their reservation.
    mutating func settleAllOpen(at now: Moment) { _ = budget.settleAllOpen(at: Self.milliseconds(now)) }

    mutating func ask(_ intent: Waiting, at now: Moment, _ turn: inout Turn) throws(LogError) {
        if let closedWith {
            turn.answers.append(.refused(id: intent.id, why: closedWith.refusal, told: closedWith.told))
            return
        }
        switch budget.reserve(intent.id, intent.reservation, at: Self.milliseconds(now)) {
        case .admitted(let alerts):
            do throws(LogError) {
                for alert in alerts { try record(alert, action: "alert", at: now, &turn) }
                try spend(intent.record)
                try log.append(intent.record.kind, data: intent.record.data, at: now)
            } catch {
                // Not in the log, so it did not happen: the money goes back before anything else is asked.
                _ = budget.release(intent.id)
                throw error
            }
            turn.answers.append(.admitted(id: intent.id))
        case .wait(let until, let refusal):
            guard waiting.count < Self.mostWaiting else { return try refuse(intent, refusal, at: now, &turn) }
            var held = intent
            held.until = until
            waiting.append(held)
        case .refused(let refusal): try refuse(intent, refusal, at: now, &turn)
        case .closed(let reason):
            turn.answers.append(.refused(id: intent.id, why: .stopping, told: reason))
        }
    }

    mutating func spend(_ record: RecordDraft) throws(LogError) {
        room -= record.data.count + Self.frameBytes
        if room < 0 { throw .full(SysError("append", EFBIG, on: "the records of one session")) }
    }

    private mutating func refuse(_ intent: Waiting, _ refusal: BudgetRefusal, at now: Moment, _ turn: inout Turn) throws(LogError) {
        let terminates = refusal.action == .terminate
        let told = "akios-exec: the budget of this session (profile '\(profile)') does not cover this call; ask the operator"
        budget.letGo(intent.id)
        try record(refusal, action: terminates ? "stop" : "refuse", at: now, &turn)
        // Never `.rateLimited`: what would fit later waits, so asking again cannot help.
        turn.answers.append(.refused(id: intent.id, why: .budgetExceeded, told: told))
        guard terminates, turn.stop == nil else { return }
        let stop = StopReason.budget(reason: refusal.reason, told: told, grace: refusal.grace)
        turn.stop = stop
        // The rest of this very turn is refused too: the money is spent for them as well.
        turn.answers += close(stop)
    }

    private mutating func settled(_ id: UInt64, _ settlement: Settlement, at now: Moment, _ turn: inout Turn) throws(LogError) {
        switch budget.settle(id, settlement, at: Self.milliseconds(now)) {
        case .settled(let exceeded):
            if let window = exceeded.first, turn.stop == nil, closedWith == nil,
                Self.limit(of: window, in: budget.budget).action == .terminate
            {
                let reason = "budget.\(window.rawValue): a call used more than its reservation"
                let told = "akios-exec: the budget of this session (profile '\(profile)') is spent; ask the operator"
                let stop = StopReason.budget(reason: reason, told: told, grace: budget.budget.perSession.grace)
                turn.stop = stop
                turn.answers += close(stop)
            }
            try askAgain(at: now, &turn) { _ in true }
        case .unknown: break  // the permit table lets only open ids through
        }
    }

    private mutating func askAgain(at now: Moment, _ turn: inout Turn, _ picked: (Waiting) -> Bool) throws(LogError) {
        let held = waiting
        waiting.removeAll()
        for intent in held {
            if picked(intent) { try ask(intent, at: now, &turn) } else { waiting.append(intent) }
        }
    }

    /// A record for each limit that is passed.
    private mutating func record(_ refusal: BudgetRefusal, action: String, at now: Moment, _ turn: inout Turn) throws(LogError) {
        for limit in refusal.limits {
            let exceeded = BudgetExceeded(
                limit: limit.name, allowed: limit.allowed, used: limit.used, asked: limit.asked, action: action)
            // An agent that asks again and again writes these: they count against the session's room like all others.
            try spend(RecordDraft(kind: exceeded.kind, data: exceeded.data()))
            let seq = try log.append(exceeded, at: now)
            guard action == "alert" else { continue }
            let words = "\(limit.name): \(limit.used) used, \(limit.asked) asked, \(limit.allowed) allowed; let through"
            turn.alerts.append(Alert(.budget, exceeded, seq: seq, session: log.session, at: now, words: words))
        }
    }

    private static func limit(of window: BudgetWindow, in budget: Budget) -> Budget.Window {
        switch window {
        case .perSession: budget.perSession
        case .perMinute: budget.perMinute
        case .perDay: budget.perDay ?? Budget.Window()
        }
    }

    static func milliseconds(_ now: Moment) -> UInt64 { UInt64(max(0, now.monotonic / 1_000_000)) }
}
