// Supervisor: the other end of the channel, for tests. Reads every message through the permit table, admits what it is
// told to, and remembers.

import Events
import Glibc
import JSONBytes
import Metering
import Profile
import Synchronization
import Vocabulary
import Wire

final class Supervisor: Sendable {
    struct Seen {
        var messages: [FromEgress] = []
        var ended = false
        /// What broke the protocol.
        var violation: String?
        var refuses: (Refusal.Code, String)?
        /// Answers to `admit` wait while this is true.
        var holds = false
        var held: [UInt64] = []
        /// What is taken back was admitted already.
        var crosses = false
        /// Money for this many of the first call that is asked for, by the real budget; nil: everything is admitted.
        var affords: Int64?
        fileprivate var budget: BudgetState?
        fileprivate var permits = EgressPermits()
    }

    let descriptor: Int32
    private let seen = Mutex(Seen())

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// Reads until egress closes the channel. On a thread of its own.
    func run() {
        var assembler = FrameAssembler()
        seen.withLock { try? $0.permits.receive(.hello(version: 1, caPEM: [])) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            assembler.feed(buffer[..<count])
            do {
                while let payload = try assembler.next() {
                    let message = try FromEgress(payload: payload)
                    try seen.withLock { try $0.permits.receive(message) }
                    take(message)
                }
            } catch {
                seen.withLock { $0.violation = "\(error)" }
            }
        }
        seen.withLock { $0.ended = true }
    }

    private func take(_ message: FromEgress) {
        let answer: ToEgress? = seen.withLock { seen in
            seen.messages.append(message)
            if case .settle(let id, let settlement, _) = message { _ = seen.budget?.settle(id, settlement, at: 0) }
            if case .withdrawn(let id) = message {
                return seen.crosses ? .admitted(id: id) : .refused(id: id, why: .approvalNeeded, told: "taken back")
            }
            guard case .admit(let id, _, _) = message else { return nil }
            if seen.holds {
                seen.held.append(id)
                return nil
            }
            if let (code, told) = seen.refuses { return .refused(id: id, why: code, told: told) }
            return Self.weigh(message, &seen) ? .admitted(id: id) : .refused(id: id, why: .budgetExceeded, told: "no money")
        }
        if let answer { say(answer) }
    }

    private static func weigh(_ message: FromEgress, _ seen: inout Seen) -> Bool {
        guard let affords = seen.affords, case .admit(let id, let reservation, _) = message else { return true }
        if seen.budget == nil {
            var budget = Budget()
            budget.perSession.maxCost = Money(nanos: reservation.cost.nanos * affords)
            seen.budget = BudgetState(budget, now: 0)
        }
        if case .admitted = seen.budget?.reserve(id, reservation, at: 0) { return true }
        return false
    }

    func say(_ message: ToEgress) {
        guard let frame = try? message.frame() else { return }
        seen.withLock { seen in
            if case .admitted(let id) = message { seen.permits.admitted(id) }
            if case .refused(let id, _, _) = message { seen.permits.refused(id) }
        }
        _ = write(descriptor, frame, frame.count)
    }

    func change(_ body: (inout Seen) -> Void) { seen.withLock { body(&$0) } }

    /// Waits until `found` gives a value; nil after the patience of a stuck test.
    func wait<T>(_ found: (Seen) -> T?) -> T? {
        for _ in 0..<2000 {
            if let value = seen.withLock({ found($0) }) { return value }
            usleep(5000)
        }
        return nil
    }

    var violation: String? { seen.withLock { $0.violation } }

    /// The data of all records of a kind so far, in order.
    func records(_ kind: EventKind) -> [JSONValue] { seen.withLock { Self.records(kind, $0) } }

    func waitForRecords(_ kind: EventKind, count: Int) -> [JSONValue]? {
        wait { seen in
            let found = Self.records(kind, seen)
            return found.count >= count ? found : nil
        }
    }

    private static func records(_ kind: EventKind, _ seen: Seen) -> [JSONValue] {
        seen.messages.compactMap { message in
            let draft: RecordDraft
            switch message {
            case .admit(_, _, let record), .ask(_, _, let record, _), .settle(_, _, let record), .note(let record): draft = record
            default: return nil
            }
            return draft.kind == kind ? try? JSONValue.parse(draft.data) : nil
        }
    }

    /// Questions to the operator so far, in order.
    func waitForQuestions(_ count: Int) -> [(id: UInt64, question: ApprovalQuestion)]? {
        wait { seen in
            let found = seen.messages.compactMap { message -> (id: UInt64, question: ApprovalQuestion)? in
                if case .ask(let id, _, _, let question) = message { (id, question) } else { nil }
            }
            return found.count >= count ? found : nil
        }
    }

    var settlements: [Settlement] {
        seen.withLock { seen in
            seen.messages.compactMap { if case .settle(_, let settlement, _) = $0 { settlement } else { nil } }
        }
    }
}
