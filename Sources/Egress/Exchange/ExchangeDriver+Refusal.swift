// What the agent gets instead of an answer, what the log gets of it, and how a connection ends without losing either.

import Events
import NIOCore
import NIOHTTP1
import Policy
import Providers
import Vocabulary

extension ExchangeDriver {
    /// Answers with the exchange's refusal. `recorded`: the log has it already, as an outcome.
    func refuse(recorded: Bool = false) {
        guard let exchange, let refusal = exchange.refusal else { return }
        report(.unknown)
        exchange.release()
        if !recorded { record(refusal, exchange) }
        guard !isGone else { return next() }
        let head = exchange.head
        // A client that waits for 100 will not send the body: there is no next request to be found in what follows.
        let reads = machine.state == .idle || !head.expectsContinue
        let keeps = head.keepsAlive && reads && !isPlain && session.stopped == nil
        if agent.isHTTP2, GRPCRefusal.isAsked(head.headers.first(name: "content-type")) {
            agent.write(AnswerHead(status: .ok, headers: GRPCRefusal.headers, length: nil, isForHead: false, keeps: keeps))
            agent.writeEnd(trailers: GRPCRefusal.trailers(refusal))
        } else {
            answer(refusal, to: head, keeps: keeps)
        }
        if !keeps { return agent.closeAfterAnswer() }
        // Inside a body the machine discards the rest and then says `.next`.
        if machine.isIdle { next() }
    }

    private func answer(_ refusal: Refusal, to head: RequestHead, keeps: Bool) {
        let prefersJSON = head.headers.first(name: "accept")?.contains("json") ?? false
        let response = RefusalResponse(
            refusal, provider: provider, operation: exchange?.grant?.operation, target: head.target, prefersJSON: prefersJSON,
            retryAfter: exchange?.retryAfter, wantedUpgrade: head.webSocket != nil)
        agent.write(
            AnswerHead(
                status: HTTPResponseStatus(statusCode: response.status),
                headers: HTTPHeaders(response.headers.map { ($0.name, $0.value) }), length: response.body.count,
                isForHead: head.method == "HEAD", keeps: keeps))
        if head.method != "HEAD", !response.body.isEmpty { agent.write(ByteBuffer(bytes: response.body)) }
        agent.writeEnd(trailers: nil)
    }

    private var provider: ProviderID? {
        if case .allow(let grant) = peer.standing { grant.provider } else { nil }
    }

    func record(_ refusal: Refusal, _ exchange: Exchange) {
        session.journal.refused(
            RequestRefused(
                code: refusal.code, reason: refusal.reason, host: peer.shownHost, port: peer.dialled.port,
                method: RefusalWords.printable(exchange.head.method), path: session.preparer.shownPath(exchange.head.target),
                model: exchange.prepared?.intent.model, findings: exchange.findings, rule: refusal.rule))
    }

    func recordCut() {
        guard let exchange else { return }
        record(Refusal(.malformed, reason: "the request's body was cut short", told: ""), exchange)
        next()
    }

    // MARK: Orders

    func stop(_ refusal: Refusal) {
        exchange?.refusal = refusal
        obey(machine.stop())
    }

    /// Settles what was admitted without waiting for its answer.
    func abort() {
        guard exchange?.id != nil, let exchange else { return }
        exchange.upstream?.abandon()
        settle(exchange, session.preparer.unknownSettlement(exchange), cut: "stopped")
    }
}
