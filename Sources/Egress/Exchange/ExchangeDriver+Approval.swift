// A request that an operator is asked about: it is whole, scanned and held, and nothing of it leaves. The supervisor asks, waits
// and answers; here it only takes longer than another admission.

import Events
import NIOCore
import NIOHTTP1
import Policy
import Vocabulary
import Wire

extension ExchangeDriver {
    /// What the operator is shown.
    func question(_ exchange: Exchange, _ prepared: PreparedRequest, _ approval: Refusal) -> ApprovalQuestion {
        let (head, intent) = (exchange.head, prepared.intent)
        let most = ApprovalQuestion.limits
        func clean(_ text: String, _ limit: Int) -> String { ApprovalQuestion.clean(text, limit: limit) }
        return ApprovalQuestion(
            method: clean(head.ruleMethod, most.method), host: clean(intent.host, most.host), port: intent.port,
            path: clean(intent.path, most.path),
            contentType: clean(head.headers.first(name: "content-type") ?? "", most.contentType), bytes: intent.bytes,
            digest: session.seal.digest(
                method: head.ruleMethod, host: intent.host, port: intent.port, target: prepared.target, headers: prepared.headers,
                body: prepared.body, credential: intent.credential),
            scope: session.seal.scope(method: head.ruleMethod, host: intent.host, port: intent.port, target: prepared.target),
            risk: exchange.grant?.risk ?? .high, reason: clean(approval.reason, most.reason), rule: clean(intent.rule, most.rule))
    }

    /// Nobody waits for the answer any more: the operator need not be asked.
    func withdraw() {
        guard let exchange, exchange.parked != nil, let id = exchange.id else { return }
        session.link.withdraw(id)
    }

    /// Why the supervisor did not admit it, for the log.
    static func reason(_ code: Refusal.Code) -> String {
        switch code {
        case .approvalDenied: "an operator said no"
        case .approvalExpired: "nobody answered within approvals.timeout"
        case .approvalNeeded: "nobody could be asked"
        default: "not admitted by the supervisor"
        }
    }
}
