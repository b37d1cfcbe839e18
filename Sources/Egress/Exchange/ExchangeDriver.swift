// ExchangeDriver: the exchanges of one agent stream, one after the other. It asks the machine what to do, and does it.
// The answers' side is in ExchangeDriver+Answer.swift, refusals and ends in ExchangeDriver+Refusal.swift.

import Coding
import Events
import NIOCore
import NIOHTTP1
import Policy
import Providers
import Vocabulary
import Wire

final class ExchangeDriver {
    let session: Session
    let peer: Peer
    let isPlain: Bool
    /// Owns this driver and is kept by the session for as long as an exchange lasts.
    unowned let agent: any AgentStream
    var machine = ExchangeMachine()
    var exchange: Exchange?
    /// The agent's side is closed.
    private(set) var isGone = false

    init(session: Session, peer: Peer, isPlain: Bool, agent: any AgentStream) {
        self.session = session
        self.peer = peer
        self.isPlain = isPlain
        self.agent = agent
    }

    /// Whether request bytes may be read.
    var readsRequest: Bool { machine.readsRequest && !isGone }
    /// Nothing is under way.
    var isIdle: Bool { machine.isIdle }

    // MARK: From the agent

    func begin(_ head: RequestHead) {
        session.journal.count { totals in totals.requests += 1 }
        session.watch()
        let exchange = Exchange(head: head, verdict: session.decide(head, from: peer, beside: agent.beside), in: session.room)
        self.exchange = exchange
        let limit = exchange.grant.flatMap { expectBody(of: exchange, limit: Int(clamping: $0.bodyLimit)) }
        obey(
            machine.head(
                limit: limit, declared: head.contentLength ?? (head.hasBody ? nil : 0), expectsContinue: head.expectsContinue))
    }

    func body(_ part: ByteBuffer) { if obey(machine.body(part.readableBytes)) { keep(part) } }

    func end() { obey(machine.end()) }

    /// The agent's end is closed.
    func agentGone() {
        guard !isGone else { return }
        isGone = true
        obey(machine.agentGone())
    }

    func agentTakes(_ on: Bool) {
        guard !isGone, let exchange else { return }
        exchange.moved = .now()
        exchange.upstream?.setReading(on && exchange.rest == nil)
    }

    /// - Returns: how many bytes may come, in any coding; nil: the coding cannot be read.
    private func expectBody(of exchange: Exchange, limit: Int) -> Int? {
        guard exchange.head.hasBody else { return limit }
        do throws(CodingFault) {
            exchange.coded = try CodedBody(exchange.head.headers, limit: limit)
            return limit
        } catch {
            exchange.refusal = error.refusal(session.words(peer.shownHost))
            return nil
        }
    }

    private func keep(_ part: ByteBuffer) {
        guard let exchange else { return }
        exchange.moved = .now()
        do throws(CodingFault) {
            if try exchange.keep(part) { return }
            exchange.refusal = session.words(peer.shownHost).refusal(
                .rateLimited, reason: "the bodies of all requests together are too large",
                what: "too much is being sent at once, try again")
        } catch {
            exchange.refusal = error.refusal(session.words(peer.shownHost))
        }
        obey(machine.stop())
    }

    /// Does what the machine says. True for `.keep`.
    @discardableResult
    func obey(_ action: ExchangeAction) -> Bool {
        switch action {
        case .nothing, .discard: break
        case .keep: return true
        case .collect(let sendContinue): if sendContinue { agent.writeContinue() }
        case .refuse: refuse()
        case .refuseTooLarge:
            exchange?.refusal = session.words(peer.shownHost).refusal(
                .tooLarge, reason: "body over limits.body", what: "the request body is too large")
            refuse()
        case .prepare: prepare()
        case .ask: ask()
        case .withdraw: withdraw()
        case .connect: connect()
        case .send: send()
        case .relay: break
        case .drain: startDraining()
        case .finish: finish()
        case .release(let refusing): release(refusing: refusing)
        case .settleFailed(let refusing): settleFailed(refusing: refusing)
        case .settleCut(let cut): settleCut(cut: cut)
        case .endAnswer(let cut): endAnswer(cut: cut)
        case .recordCut: recordCut()
        case .next: next()
        }
        return false
    }

    // MARK: Towards the upstream

    private func prepare() {
        guard let exchange, let grant = exchange.grant, case .allow(let connection) = peer.standing else { return }
        let words = session.words(connection.host.text)
        do throws(Refusal) {
            do throws(CodingFault) { try exchange.coded?.finish() } catch { throw error.refusal(words) }
            exchange.prepared = try session.preparer.prepare(
                exchange.head, body: exchange.body, grant: grant, host: connection.host, port: connection.port,
                id: session.link.upcomingID, words: words, findings: &exchange.findings)
        } catch {
            exchange.refusal = error
        }
        exchange.body = []
        exchange.coded = nil
        obey(machine.prepared(ok: exchange.refusal == nil))
    }

    private func ask() {
        guard let exchange, let prepared = exchange.prepared else { return }
        let record = RecordDraft(kind: .requestIntent, data: prepared.intent.data())
        let question = exchange.approval.map { self.question(exchange, prepared, $0) }
        exchange.park(question != nil)
        exchange.id = session.link.admit(prepared.reservation, record, asking: question) { [self] admission in
            exchange.park(false)
            switch admission {
            case .admitted:
                if let stopped = session.stopped { exchange.refusal = stopped }
                obey(machine.admission(true, stopped: session.stopped != nil))
            case .refused(let code, let told):
                exchange.id = nil
                exchange.refusal = Refusal(
                    code, reason: Self.reason(code), told: told, rule: question?.rule)
                obey(machine.admission(false, stopped: session.stopped != nil))
            }
        }
    }

    private func connect() {
        guard let exchange, let prepared = exchange.prepared, case .allow(let connection) = peer.standing else { return }
        session.dialer.upstream(connection, credential: prepared.intent.credential, wants: wanted(exchange)) { [self] result in
            guard self.exchange === exchange, exchange.id != nil else {
                // Stopped meanwhile: the connection is not needed.
                if case .success(let upstream) = result { upstream.abandon() }
                return
            }
            switch result {
            case .success(let upstream):
                exchange.upstream = upstream
                exchange.road = upstream.road
                obey(machine.connected())
            case .failure(let failure):
                report(failure.code == .addressNotAllowed ? .unknown : .failed)
                exchange.refusal =
                    certificateRefusal(failure.reason)
                    ?? session.words(connection.host.text).refusal(
                        failure.code, reason: failure.reason, what: Self.told(failure.code))
                obey(machine.connectFailed())
            }
        }
    }

    private func wanted(_ exchange: Exchange) -> Dialer.Wanted {
        exchange.head.webSocket != nil ? .socket : agent.isHTTP2 ? .http2 : .http1
    }

    /// Why a host that asked for a client certificate ended the connection; nil: it did not ask. TLS 1.2 says so in the
    /// handshake, with an alert that may mean anything; TLS 1.3 after it, when the request may be on its way.
    func certificateRefusal(_ reason: String) -> Refusal? {
        guard case .allow(let connection) = peer.standing, session.dialer.asksForCertificate(connection.host) else { return nil }
        return session.words(connection.host.text).refusal(
            .clientCertificate, reason: "the host asked for a client certificate and then: \(reason)",
            what: "the host asked for a client certificate, which is not supported, and ended the connection")
    }

    private static func told(_ code: Refusal.Code) -> String {
        switch code {
        case .resolveFailed: "the host's name could not be resolved"
        case .upstreamCertificate: "the host's certificate could not be verified"
        case .upstreamProxy: "the operator's upstream proxy does not let this through"
        case .addressNotAllowed: "this name leads to an address that is not allowed"
        default: "the host could not be reached"
        }
    }

    private func send() {
        guard let exchange, let prepared = exchange.prepared, let upstream = exchange.upstream,
            case .allow(let connection) = peer.standing
        else { return }
        if let again = exchange.outgoing { return upstream.send(again, for: self) }
        session.journal.count { totals in
            totals.bytesOut += UInt64(prepared.body.count)
            Journal.count(prepared.intent.host, in: &totals)
            Journal.add(exchange.findings, to: &totals.redactions)
        }
        var (target, headers) = session.preparer.keys.complete(prepared, host: connection.host)
        if let offer = exchange.head.webSocket {
            let question = WebSocketQuestion(offersDeflate: offer.deflate != nil)
            question.add(to: &headers)
            exchange.question = question
        }
        let request = UpstreamRequest(
            method: prepared.intent.method, target: target, headers: headers,
            body: prepared.body.isEmpty ? nil : ByteBuffer(bytes: prepared.body),
            takesTrailers: agent.isHTTP2 && exchange.head.takesTrailers)
        pause(after: prepared.body.count)
        prepared.body = []
        exchange.outgoing = request
        upstream.send(request, for: self)
    }

    /// The exchange is over.
    func next() {
        report(.unknown)
        exchange?.rest?.cancel()
        exchange = nil
        agent.exchangeEnded()
    }
}
