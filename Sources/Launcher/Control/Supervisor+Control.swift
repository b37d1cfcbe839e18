// What operators say to a running session over its control socket, carried out.

import Glibc
import LogStore
import Wire

extension Supervisor {
    mutating func serveControl(_ polled: ArraySlice<pollfd>) {
        guard let control else { return }
        for (client, request) in control.serve(polled, at: Self.milliseconds(.now)) {
            let now = Moment.now
            switch request {
            case .hello: break  // the client's own
            case .list, .watch:
                control.list(
                    admissions.approvals.pending, to: client, at: Self.milliseconds(now), watch: request == .watch)
            case .decide(let id, let digest, let word): decide(id, digest, word, client, at: now)
            }
        }
    }

    private mutating func decide(_ id: UInt64, _ digest: [UInt8], _ word: OperatorWord, _ client: ControlClient, at now: Moment) {
        var refused: ApprovalQueue.Refused?
        var isKept = false
        logged(now) { (me: inout Supervisor) throws(LogError) in
            me.answer(try me.admissions.decide(id, digest: digest, word, by: client.user, at: now, refused: &refused))
            isKept = true
        }
        client.say(isKept ? refused.map { .failed($0.failure) } ?? .done : .failed(.notRecorded))
    }

    /// Tells who watches what has changed.
    func tellWatchers() {
        guard let control, control.hasClients else { return }
        control.tell(admissions.approvals.pending, at: Self.milliseconds(.now))
    }
}

extension ApprovalQueue.Refused {
    fileprivate var failure: ControlReply.Failure {
        switch self {
        case .notPending: .notPending
        case .otherRequest: .otherRequest
        case .tooManyForSession: .tooMany
        }
    }
}
