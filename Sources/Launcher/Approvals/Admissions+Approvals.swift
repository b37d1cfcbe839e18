// What becomes of intents that an operator is asked about: parked without money, and asked for like any other once somebody said
// yes. Each question and its end is in the log before anything follows from it.

import Events
import LogStore
import Metering
import Providers
import Vocabulary
import Wire

extension Admissions {
    mutating func park(_ intent: Waiting, _ question: ApprovalQuestion, at now: Moment, _ turn: inout Turn) throws(LogError) {
        if let closedWith {
            turn.answers.append(.refused(id: intent.id, why: closedWith.refusal, told: closedWith.told))
            return
        }
        let asked = approvals.ask(intent.id, question, at: Self.milliseconds(now))
        if asked == .tooMany {
            // No record: egress writes the refusal's.
            return refuse(intent.id, question, .approvalNeeded, "too many requests wait for approval already", &turn)
        }
        let record = Self.requested(intent.id, question)
        let seq = try write(record, at: now)
        switch asked {
        case .waits, .tooMany:
            parked[intent.id] = intent
            // However long it waits, and however many others are sent meanwhile.
            budget.hold(intent.id)
            let words = Self.words(record, log.session)
            turn.alerts.append(Alert(.question, record, seq: seq, session: log.session, at: now, words: words))
        case .settled(let allows, let uid):
            parked[intent.id] = intent
            try settle(intent.id, question, allows: allows, how: .session, forSession: true, by: uid, at: now, &turn)
        }
    }

    mutating func withdraw(_ id: UInt64, at now: Moment, _ turn: inout Turn) throws(LogError) {
        guard let gone = approvals.withdraw(id) else { return }
        forget(id)
        try write(Self.decided(gone, .withdrawn, .agent), at: now)
        refuse(id, gone.question, .approvalNeeded, "the request was taken back", &turn)
    }

    mutating func expire(at now: Moment, _ turn: inout Turn) throws(LogError) {
        for over in approvals.expire(at: Self.milliseconds(now)) {
            forget(over.id)
            try write(Self.decided(over, .expired, .timeout), at: now)
            refuse(over.id, over.question, .approvalExpired, "this request needs approval, and nobody answered in time", &turn)
        }
    }

    /// An operator's word. It is in the log when this returns, and so is what follows from it.
    /// - Parameter refused: why it settles nothing.
    mutating func decide(
        _ id: UInt64, digest: [UInt8], _ word: OperatorWord, by uid: UInt32, at now: Moment, refused: inout ApprovalQueue.Refused?
    ) throws(LogError) -> Turn {
        var turn = Turn()
        let settled: [ApprovalQueue.Pending]
        do throws(ApprovalQueue.Refused) {
            settled = try approvals.decide(id, digest: digest, word, by: uid, at: Self.milliseconds(now))
        } catch {
            refused = error
            return turn
        }
        for pending in settled {
            let how = pending.id == id ? ApprovalDecided.How.operator : .session
            try settle(
                pending.id, pending.question, allows: word.allows, how: how, forSession: word.forSession, by: uid, at: now, &turn)
        }
        if word.stops, !word.allows, turn.stop == nil {
            let stop = StopReason.approval(uid: uid)
            turn.stop = stop
            turn.answers += close(stop)
        }
        try log.commit()
        return turn
    }

    private mutating func settle(
        _ id: UInt64, _ question: ApprovalQuestion, allows: Bool, how: ApprovalDecided.How, forSession: Bool, by uid: UInt32,
        at now: Moment, _ turn: inout Turn
    ) throws(LogError) {
        guard let intent = parked.removeValue(forKey: id) else { return }
        try write(
            ApprovalDecided(
                id: id, decision: allows ? .approved : .denied, how: how, digest: Self.text(question.digest),
                forSession: forSession,
                uid: uid), at: now)
        guard allows else {
            budget.letGo(id)
            return refuse(id, question, .approvalDenied, "the operator denied this request", &turn)
        }
        try ask(intent, at: now, &turn)
    }

    private mutating func forget(_ id: UInt64) {
        parked[id] = nil
        budget.letGo(id)
    }

    private func refuse(_ id: UInt64, _ question: ApprovalQuestion, _ code: Refusal.Code, _ what: String, _ turn: inout Turn) {
        let words = RefusalWords(host: question.host, profile: profile)
        turn.answers.append(.refused(id: id, why: code, told: words.refusal(code, reason: "", what: what).told))
    }

    /// The agent makes these by asking: they count against the session's room like all others.
    @discardableResult
    private mutating func write(_ payload: some EventPayload, at now: Moment) throws(LogError) -> UInt64 {
        let record = RecordDraft(kind: payload.kind, data: payload.data())
        try spend(record)
        return try log.append(record.kind, data: record.data, at: now)
    }

    private static func words(_ record: ApprovalRequested, _ session: SessionID) -> String {
        let id = "\(session.own)-\(record.id)"
        return "\(record.method) https://\(record.host)\(record.path), \(record.bytes) bytes, risk \(record.risk.rawValue), waits: "
            + "akios approvals approve \(id)"
    }

    private static func decided(
        _ pending: ApprovalQueue.Pending, _ decision: ApprovalDecided.Decision, _ how: ApprovalDecided.How
    ) -> ApprovalDecided {
        ApprovalDecided(id: pending.id, decision: decision, how: how, digest: text(pending.question.digest))
    }

    private static func requested(_ id: UInt64, _ question: ApprovalQuestion) -> ApprovalRequested {
        ApprovalRequested(
            id: id, method: question.method, host: question.host, port: question.port, path: question.path,
            contentType: question.contentType, bytes: question.bytes, digest: text(question.digest), risk: question.risk,
            reason: question.reason, rule: question.rule)
    }

    private static func text(_ digest: [UInt8]) -> String { "hmac-sha256:" + Hex.text(digest) }
}
