// An exchange that became a WebSocket: bytes go through its relay, and it ends when either side does.

import Events
import NIOCore
import NIOHTTP1
import Policy
import Vocabulary
import Wire

extension ExchangeDriver {
    /// The host agreed to a WebSocket, or says that it did.
    func upgraded(_ head: HTTPResponseHead) {
        guard let exchange, let grant = exchange.grant, let offer = exchange.head.webSocket,
            let agreed = exchange.question?.read(head),
            machine.answerHead() == .relay
        else {
            return failAnswer(
                AnswerFailure(code: .malformed, reason: "the upstream changes the protocol unasked, or to another one"))
        }
        exchange.relay = WebSocketRelay(
            inspector: session.preparer.inspector, grant: grant, words: session.words(peer.shownHost),
            mask: exchange.prepared?.mask,
            agent: offer.deflate, upstream: agreed.deflate)
        exchange.upstream?.becomeSocket()
        let headers = HeaderRules.answer(head.headers, isRewritten: false)
        agent.acceptWebSocket(masked(headers, exchange))
    }

    /// Bytes of the agent, on a connection that is a WebSocket.
    func socketBytes(_ bytes: ByteBuffer) {
        guard let exchange, let relay = exchange.relay else { return }
        let step = relay.fromAgent(bytes)
        session.journal.count { totals in totals.bytesOut += UInt64(step.toUpstream.readableBytes) }
        exchange.moved = .now()
        pause(after: bytes.readableBytes)
        follow(step, exchange)
    }

    func upstreamSocketBytes(_ bytes: ByteBuffer) {
        guard let exchange, let relay = exchange.relay else { return }
        exchange.bytesIn += UInt64(bytes.readableBytes)
        exchange.moved = .now()
        pause(after: bytes.readableBytes)
        follow(relay.fromUpstream(bytes), exchange)
    }

    func upstreamTakes(_ on: Bool) { if !isGone { agent.setReading(on && exchange?.rest == nil) } }

    private func follow(_ step: WebSocketRelay.Step, _ exchange: Exchange) {
        if step.toUpstream.readableBytes > 0 { exchange.upstream?.writeSocket(step.toUpstream) }
        if step.toAgent.readableBytes > 0, !isGone {
            agent.writeSocket(step.toAgent)
            if !agent.isWritable { exchange.upstream?.setReading(false) }
        }
        if let refusal = step.refusal { record(refusal, exchange) }
        if exchange.relay?.isOver == true { socketEnds() }
    }

    /// Both sides said close, or one is gone.
    func socketEnds() {
        guard let exchange, let relay = exchange.relay else { return }
        exchange.upstream?.endSocket()
        exchange.upstream = nil
        session.journal.count { totals in Journal.add(relay.sent, to: &totals.redactions) }
        obey(machine.answerEnd())
    }
}
