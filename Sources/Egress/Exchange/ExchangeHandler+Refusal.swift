// What the agent gets instead of an answer, what the log gets of it, and how a connection ends without losing either.

import Events
import NIOCore
import NIOHTTP1
import Policy
import Providers
import Vocabulary

extension ExchangeHandler {
    private static let lingerLimit = 4 << 20
    private static let lingerPatience = TimeAmount.seconds(1)

    /// Answers with the exchange's refusal. `recorded`: the log has it already, as an outcome.
    func refuse(recorded: Bool = false) {
        guard let exchange, let refusal = exchange.refusal else { return }
        exchange.release()
        if !recorded { record(refusal, exchange) }
        guard !isGone, let context else { return next() }
        let prefersJSON = exchange.head.headers.first(name: "accept")?.contains("json") ?? false
        let response = RefusalResponse(refusal, provider: provider, prefersJSON: prefersJSON, retryAfter: session.retryAfter)
        // A client that waits for 100 will not send the body: there is no next request to be found in what follows.
        let reads = machine.state == .idle || !exchange.head.expectsContinue
        let keeps = exchange.head.keepsAlive && reads && !isPlain && session.stopped == nil
        write(
            status: HTTPResponseStatus(statusCode: response.status), headers: response.headers.map { ($0.name, $0.value) },
            body: exchange.head.method == "HEAD" ? nil : response.body, length: response.body.count, keeps: keeps, context)
        if !keeps { return closeAfterAnswer() }
        // Inside a body the machine discards the rest and then says `.next`.
        if machine.isIdle { next() }
    }

    private var provider: ProviderID? {
        if case .allow(let grant) = peer.standing { grant.provider } else { nil }
    }

    private func record(_ refusal: Refusal, _ exchange: Exchange) {
        session.journal.refused(
            RequestRefused(
                code: refusal.code, reason: refusal.reason, host: peer.shownHost, port: peer.dialled.port,
                method: RefusalWords.printable(exchange.head.method), path: session.preparer.shownPath(exchange.head.target),
                model: exchange.prepared?.intent.model, findings: exchange.findings))
    }

    private func write(
        status: HTTPResponseStatus, headers pairs: [(String, String)], body: [UInt8]?, length: Int, keeps: Bool,
        _ context: ChannelHandlerContext
    ) {
        var headers = HTTPHeaders(pairs)
        headers.add(name: "content-length", value: String(length))
        if !keeps { headers.add(name: "connection", value: "close") }
        context.write(wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))), promise: nil)
        if let body, !body.isEmpty { context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// Bytes that are no request. Said once, recorded once, and the connection ends.
    func fault(_ fault: RequestFault) {
        recordFault(fault.reason)
        guard let context else { return }
        let text = Array("akios-exec: the request was refused: \(fault.reason)\n".utf8)
        write(
            status: fault.status, headers: [("content-type", "text/plain; charset=utf-8")], body: text, length: text.count,
            keeps: false,
            context)
        _ = machine.agentGone()
        closeAfterAnswer()
    }

    func recordFault(_ reason: String) {
        session.journal.refused(
            ConnectionRefused(
                code: .malformed, reason: reason, host: peer.name?.text, address: peer.dialled.address.description,
                port: peer.dialled.port))
    }

    func recordCut() {
        guard let exchange else { return }
        record(Refusal(.malformed, reason: "the request's body was cut short", told: ""), exchange)
        next()
    }

    /// Closes when the agent has had the time to read: a close with unread bytes makes a reset, which eats the answer.
    func closeAfterAnswer() {
        guard !isLingering, let context else { return }
        isLingering = true
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.lingerPatience) { bound.value.close(promise: nil) }
        context.close(mode: .output, promise: nil)
    }

    func linger(_ count: Int) {
        lingers += count
        if lingers > Self.lingerLimit { context?.close(promise: nil) }
    }

    // MARK: Orders

    func stop(_ refusal: Refusal) {
        exchange?.refusal = refusal
        obey(machine.stop())
        if machine.isIdle, exchange == nil, !isLingering { context?.close(promise: nil) }
    }

    /// The agent process is gone: idle connections are closed, open answers are drained.
    func sessionEnds() { context?.close(promise: nil) }

    /// Ends what is left without waiting; what was admitted is settled all the same.
    func abort() {
        context?.close(promise: nil)
        if exchange?.id != nil, let exchange {
            exchange.upstream?.abandon()
            settle(exchange, session.preparer.unknownSettlement(exchange), cut: "stopped")
        }
    }
}
