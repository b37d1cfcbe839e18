// The answer's way back: filtered, framed anew, with back-pressure; and what is left of it when the agent has gone.

import Coding
import Events
import NIOCore
import NIOHTTP1
import Policy
import Providers
import Vocabulary
import Wire

extension ExchangeDriver: UpstreamUser {
    /// How much of an answer is still read for its usage when nobody wants it any more.
    private static let drainLimit = 16 << 20
    private static let drainPatience = TimeAmount.seconds(60)
    /// Connections that are found closed before a request was written to them.
    private static let mostAttempts = 3

    func upstreamHead(_ head: HTTPResponseHead) {
        guard let exchange, let prepared = exchange.prepared else { return }
        exchange.status = Int(head.status.code)
        exchange.moved = .now()
        report(Self.isFailure(status: exchange.status) ? .failed : .answered)
        exchange.release()
        if head.status == .switchingProtocols { return upgraded(head) }
        let action = machine.answerHead()
        do throws(AnswerFailure) {
            let filter = try session.preparer.filter(prepared, head: head)
            exchange.answer = filter
            exchange.coded = try coded(head, prepared)
            exchange.mask = prepared.mask
            if action == .relay, !filter.isWhole {
                let length =
                    filter is PassingAnswer && exchange.coded == nil
                    ? head.headers.first(name: "content-length").flatMap { Int($0) } : nil
                writeHead(head, length: length, exchange)
                agent.flush()
            }
            exchange.answerHead = head
        } catch {
            failAnswer(error)
        }
    }

    func upstreamBody(_ bytes: ByteBuffer) {
        guard let exchange else { return }
        exchange.bytesIn += UInt64(bytes.readableBytes)
        exchange.moved = .now()
        pause(after: bytes.readableBytes)
        let action = machine.answerBody()
        do throws(AnswerFailure) {
            guard let coded = exchange.coded else { return try pass(bytes, action, exchange) }
            var bytes = bytes
            // The agent's end may close within a write.
            while self.exchange === exchange, let plain = try Self.decoding({ () throws(CodingFault) in try coded.decode(&bytes) })
            {
                if !plain.isEmpty { try pass(ByteBuffer(bytes: plain), action, exchange) }
            }
        } catch {
            failAnswer(error)
        }
    }

    /// Bytes of the answer in no coding: through the filter, and on to the agent.
    private func pass(_ bytes: ByteBuffer, _ action: ExchangeAction, _ exchange: Exchange) throws(AnswerFailure) {
        if action == .drain {
            exchange.drained += bytes.readableBytes
            guard exchange.drained <= Self.drainLimit else { throw AnswerFailure(code: .tooLarge, reason: "drained enough") }
        }
        if exchange.answer?.isWhole == true, !exchange.hold(bytes.readableBytes) {
            throw AnswerFailure(code: .tooLarge, reason: "the answers to all requests together are too large to scan")
        }
        guard var out = try exchange.answer?.feed(bytes), action == .relay, out.readableBytes > 0 else { return }
        out = exchange.mask?.feed(out) ?? out
        guard out.readableBytes > 0 else { return }
        agent.write(out)
        agent.flush()
        if !agent.isWritable { exchange.upstream?.setReading(false) }
    }

    /// An answer that is read was asked for in no coding; some servers use one all the same.
    private func coded(_ head: HTTPResponseHead, _ prepared: PreparedRequest) throws(AnswerFailure) -> CodedBody? {
        guard prepared.readsAnswer else { return nil }
        return try Self.decoding { () throws(CodingFault) in try CodedBody(head.headers, limit: .max) }
    }

    private static func decoding<Value>(_ body: () throws(CodingFault) -> Value) throws(AnswerFailure) -> Value {
        do throws(CodingFault) { return try body() } catch { throw error.answerFailure }
    }

    func upstreamEnd(_ trailers: HTTPHeaders?) {
        guard let exchange else { return }
        do throws(AnswerFailure) {
            try Self.decoding { () throws(CodingFault) in try exchange.coded?.finish() }
            var rest = try exchange.answer?.finish()
            if exchange.mask != nil {
                var last = exchange.mask?.feed(rest ?? ByteBuffer()) ?? ByteBuffer()
                last.writeImmutableBuffer(exchange.mask?.finish() ?? ByteBuffer())
                rest = last
            }
            if !isGone, let head = exchange.answerHead {
                if !exchange.answerHeadWritten { writeHead(head, length: rest?.readableBytes ?? 0, exchange) }
                if let rest, rest.readableBytes > 0 { agent.write(rest) }
            }
        } catch {
            return failAnswer(error)
        }
        exchange.upstream = nil
        exchange.trailers = trailers.map { masked(HeaderRules.trailers($0), exchange) }
        obey(machine.answerEnd())
    }

    func upstreamFailed(_ reason: String) {
        guard let exchange else { return }
        if exchange.relay?.isOver == true { return socketEnds() }
        report(.failed)
        exchange.upstream = nil
        exchange.refusal =
            (exchange.status == 0 ? certificateRefusal(reason) : nil)
            ?? session.words(peer.shownHost).refusal(
                .upstreamUnreachable, reason: reason, what: "the host ended the connection without an answer")
        obey(machine.upstreamFailed())
    }

    func upstreamUnsent() {
        guard let exchange else { return }
        exchange.upstream = nil
        exchange.refusal = session.words(peer.shownHost).refusal(
            .upstreamUnreachable, reason: "connections closed before the request was sent", what: "the host could not be reached")
        exchange.attempts += 1
        if exchange.attempts >= Self.mostAttempts { report(.failed) }
        obey(machine.unsent(again: exchange.attempts < Self.mostAttempts))
    }

    /// The answer may not go on: not scannable, too long, not what was asked for.
    func failAnswer(_ failure: AnswerFailure) {
        exchange?.upstream?.abandon()
        exchange?.upstream = nil
        exchange?.refusal = session.words(peer.shownHost).refusal(
            failure.code, reason: failure.reason, what: "the host's answer could not be checked")
        obey(machine.upstreamFailed())
    }

    private func writeHead(_ head: HTTPResponseHead, length: Int?, _ exchange: Exchange) {
        let headers = HeaderRules.answer(head.headers, isRewritten: exchange.prepared?.readsAnswer ?? false)
        exchange.answerHeadWritten = true
        agent.write(
            AnswerHead(
                // Without the host's own phrase, which no client reads and nobody scans.
                status: HTTPResponseStatus(statusCode: Int(head.status.code)), headers: masked(headers, exchange), length: length,
                isForHead: exchange.head.method == "HEAD",
                keeps: exchange.head.keepsAlive))
    }

    func masked(_ headers: HTTPHeaders, _ exchange: Exchange) -> HTTPHeaders {
        guard let mask = exchange.prepared?.mask else { return headers }
        return HTTPHeaders(headers.map { (mask.masked($0.name), mask.masked($0.value)) })
    }

    func startDraining() {
        if exchange?.relay != nil { return socketEnds() }
        guard let exchange, exchange.drainTimeout == nil, let upstream = exchange.upstream else { return }
        exchange.rest?.cancel()
        upstream.setReading(true)
        let bound = NIOLoopBound((self, exchange), eventLoop: session.loop)
        exchange.drainTimeout = session.loop.scheduleTask(in: Self.drainPatience) {
            let (handler, exchange) = bound.value
            guard handler.exchange === exchange else { return }
            handler.failAnswer(AnswerFailure(code: .upstreamUnreachable, reason: "drained long enough"))
        }
    }

    // MARK: Ends

    func finish() {
        guard let exchange else { return }
        settle(exchange, session.preparer.settlement(exchange), cut: isGone ? "client_gone" : nil)
        guard !isGone else { return next() }
        if exchange.relay != nil { return agent.closeAfterAnswer() }
        agent.writeEnd(trailers: exchange.trailers)
        if exchange.head.keepsAlive, session.stopped == nil { return next() }
        agent.closeAfterAnswer()
    }

    /// One settlement for one admission; whatever else happens, it happens here.
    func settle(_ exchange: Exchange, _ settlement: Settlement, cut: String?) {
        exchange.drainTimeout?.cancel()
        // The agent may close, and be gone for good, before a pause is over.
        exchange.rest?.cancel()
        guard let id = exchange.id else { return }
        exchange.id = nil
        let found = exchange.answer?.findings ?? exchange.relay?.received ?? [:]
        let model = settlement.model.isEmpty ? nil : exchange.prepared?.intent.model
        // Who left or was stopped has its own record; the rest failed for a reason that nothing else says.
        let why = cut == nil || cut == "client_gone" || exchange.refusal?.code == .stopping ? nil : exchange.refusal
        let outcome = RequestOutcome(
            id: id, status: exchange.status, bytesIn: exchange.bytesIn, model: model,
            usage: settlement.usageKnown && model != nil ? settlement.usage : nil, cost: settlement.cost, redactions: found,
            cut: cut, code: why?.code, reason: why?.reason, via: exchange.road.via, milliseconds: exchange.milliseconds)
        session.link.settle(id, settlement, RecordDraft(kind: .requestOutcome, data: outcome.data()))
        session.journal.count { totals in
            totals.bytesIn += exchange.bytesIn
            Journal.add(found, to: &totals.redactions)
        }
    }

    func release(refusing: Bool) {
        guard let exchange else { return }
        let model = exchange.prepared?.model?.model ?? ""
        exchange.upstream?.abandon()
        exchange.upstream = nil
        settle(exchange, Settlement(cost: .zero, usage: TokenUsage(), model: model, usageKnown: true), cut: "not_sent")
        refusing ? refuse(recorded: true) : next()
    }

    func settleFailed(refusing: Bool) {
        guard let exchange else { return }
        exchange.upstream?.abandon()
        exchange.upstream = nil
        settle(exchange, session.preparer.unknownSettlement(exchange), cut: session.stopped == nil ? "upstream_reset" : "stopped")
        refusing ? refuse(recorded: true) : next()
    }

    func settleCut(cut: Bool) {
        guard let exchange else { return }
        settle(exchange, cutSettlement(exchange), cut: cut ? "upstream_reset" : "client_gone")
        cut ? endCut(exchange, note: "akios-exec: the provider's answer broke off") : next()
    }

    func endAnswer(cut: Bool) {
        guard let exchange else { return }
        exchange.upstream?.abandon()
        exchange.upstream = nil
        settle(exchange, cutSettlement(exchange), cut: "stopped")
        cut ? endCut(exchange, note: (session.stopped ?? exchange.refusal)?.told ?? "akios-exec: stopped") : next()
    }

    /// Usage that came before the break counts only where it is final: a provider reports the whole at the end.
    private func cutSettlement(_ exchange: Exchange) -> Settlement {
        if let events = exchange.answer as? EventAnswer, events.isComplete { return session.preparer.settlement(exchange) }
        if exchange.status >= 400 { return session.preparer.settlement(exchange) }
        return session.preparer.unknownSettlement(exchange)
    }

    /// Ends an answer whose head was sent. A client reads a proper end; where the protocol has none, the cut must show.
    private func endCut(_ exchange: Exchange, note: String) {
        guard !isGone else { return next() }
        if let relay = exchange.relay {
            relay.closing(note: note).map(agent.writeSocket)
            return agent.closeAfterAnswer()
        }
        guard exchange.answerHeadWritten else { return refuse(recorded: true) }
        guard let closing = exchange.answer?.closing(note: note) else { return agent.breakOff() }
        // What the mask holds stays here; the events themselves repeat the answer's id and model only.
        agent.write(exchange.prepared?.mask?.masked(closing) ?? closing)
        agent.writeEnd(trailers: nil)
        agent.closeAfterAnswer()
    }
}
