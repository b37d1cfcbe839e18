// ApprovalQueue: the questions that wait for an operator, as a state machine without a clock or a socket. It is told what happened
// and says what follows; every question ends once: by a word, by its timeout, by the agent's going or by the session's.

import Events
import Vocabulary
import Wire

struct ApprovalQueue {
    struct Pending: Equatable {
        var id: UInt64
        var question: ApprovalQuestion
        /// Milliseconds, of the clock that `at` is of.
        var due: UInt64
    }

    /// What becomes of a request that is to be asked about.
    enum Asked: Equatable {
        case waits
        /// An operator said so earlier, for the rest of the session.
        case settled(allows: Bool, uid: UInt32)
        /// So many wait already that nobody would read one more.
        case tooMany
    }

    enum Refused: Error, Equatable {
        /// It never was, or has its answer already.
        case notPending
        /// The operator saw another request under this number.
        case otherRequest
        case tooManyForSession
    }

    static let mostPending = 32
    static let mostForSession = 1024

    private let timeout: UInt64
    private(set) var pending: [Pending] = []
    private var forSession: [[UInt8]: (allows: Bool, uid: UInt32)] = [:]

    init(timeout: TimeSpan) { self.timeout = timeout.milliseconds }

    /// When `expire` next has something to say.
    var deadline: UInt64? { pending.map(\.due).min() }

    mutating func ask(_ id: UInt64, _ question: ApprovalQuestion, at time: UInt64) -> Asked {
        if let word = forSession[question.scope] { return .settled(allows: word.allows, uid: word.uid) }
        guard pending.count < Self.mostPending else { return .tooMany }
        let (due, overflow) = time.addingReportingOverflow(timeout)
        pending.append(Pending(id: id, question: question, due: overflow ? .max : due))
        return .waits
    }

    /// An operator's word about `id`, of which they saw `digest`. A word that comes when the time is over comes too late.
    /// - Returns: what it settles: `id`, and where it is for the session what else waits of the same scope.
    mutating func decide(_ id: UInt64, digest: [UInt8], _ word: OperatorWord, by uid: UInt32, at time: UInt64) throws(Refused)
        -> [Pending]
    {
        guard let found = pending.first(where: { $0.id == id }), found.due > time else { throw .notPending }
        guard found.question.digest == digest else { throw .otherRequest }
        guard word.forSession else {
            pending.removeAll { $0.id == id }
            return [found]
        }
        let scope = found.question.scope
        guard forSession[scope] != nil || forSession.count < Self.mostForSession else { throw .tooManyForSession }
        forSession[scope] = (word.allows, uid)
        let settled = pending.filter { $0.question.scope == scope && $0.due > time }
        pending.removeAll { $0.question.scope == scope && $0.due > time }
        return settled
    }

    /// Those whose time is over at `time`: the answer is no.
    mutating func expire(at time: UInt64) -> [Pending] {
        let over = pending.filter { $0.due <= time }
        pending.removeAll { $0.due <= time }
        return over
    }

    /// The agent does not wait for `id` any more; nil: neither did we.
    mutating func withdraw(_ id: UInt64) -> Pending? {
        pending.firstIndex { $0.id == id }.map { pending.remove(at: $0) }
    }

    /// Nothing is asked any more.
    mutating func close() { pending.removeAll() }
}
