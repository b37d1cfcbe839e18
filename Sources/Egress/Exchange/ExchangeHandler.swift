// ExchangeHandler: an agent's connection. It reads requests, asks the machine what to do, and does it. The answers'
// side is in ExchangeHandler+Answer.swift, refusals and ends in ExchangeHandler+Refusal.swift.

import Events
import NIOCore
import NIOHTTP1
import NIOTLS
import Policy
import Providers
import Vocabulary
import Wire

final class ExchangeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = HTTPServerResponsePart

    /// Bytes of further requests that are kept while an answer is under way; then reading stops.
    private static let pipelineLimit = 131_072
    private static let idleLimit = TimeAmount.minutes(10)
    private static let headPatience = TimeAmount.seconds(60)

    let session: Session
    let peer: Peer
    let isPlain: Bool
    var context: ChannelHandlerContext?
    var machine = ExchangeMachine()
    var exchange: Exchange?
    /// The agent's side is closed, or is being closed after the last answer.
    var isGone = false
    private var reader = RequestReader()
    private var isPumping = false
    private var holdsReading = false
    /// When an idle connection ends; nil while a request is under way.
    private var deadline: NIODeadline?
    /// Looks at `deadline`, never later than it. Set anew only when it fires: most requests end before that.
    private var timer: (task: Scheduled<Void>, due: NIODeadline)?
    /// The TLS handshake is done (or there is none).
    private var isShaken: Bool
    /// Bytes that are read and thrown away before a close, so that the answer is not lost to a reset.
    var lingers = 0
    var isLingering = false

    init(session: Session, peer: Peer, isPlain: Bool) {
        self.session = session
        self.peer = peer
        self.isPlain = isPlain
        isShaken = isPlain
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        session.opened(self)
        setTimer(Self.headPatience)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.task.cancel()
        gone()
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if isLingering { return linger(bytes.readableBytes) }
        reader.feed(bytes)
        pump()
        if !machine.readsRequest, reader.pending > Self.pipelineLimit { hold(true) }
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    func channelInactive(context: ChannelHandlerContext) {
        gone()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent { isShaken = true }
        context.fireUserInboundEventTriggered(event)
    }

    /// TLS errors, resets: the connection is of no use any more.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if !isGone { exchange?.upstream?.setReading(context.channel.isWritable) }
        context.fireChannelWritabilityChanged()
    }

    /// Reads requests for as long as the machine takes them.
    func pump() {
        guard !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        while !isGone, !isLingering, machine.readsRequest {
            do throws(RequestFault) {
                guard let event = try reader.next() else { break }
                switch event {
                case .head(let head): begin(head)
                case .body(let part):
                    if obey(machine.body(part.readableBytes)) { keep(part) }
                case .end: obey(machine.end())
                }
            } catch {
                return fault(error)
            }
        }
        if machine.readsRequest, !isGone { hold(false) }
    }

    private func keep(_ part: ByteBuffer) {
        guard let exchange else { return }
        if exchange.hold(part.readableBytes) {
            exchange.body.append(contentsOf: part.readableBytesView)
        } else {
            exchange.refusal = session.words(peer.shownHost).refusal(
                .rateLimited, reason: "the bodies of all connections together are too large",
                what: "too much is being sent at once, try again")
            obey(machine.stop())
        }
    }

    private func begin(_ head: RequestHead) {
        deadline = nil
        session.journal.count { totals in totals.requests += 1 }
        let verdict = judge(head)
        let limit: Int?
        switch verdict {
        case .allow(let grant):
            exchange = Exchange(head: head, grant: grant, memory: session.memory)
            limit = Int(clamping: grant.bodyLimit)
        case .deny(let refusal):
            let exchange = Exchange(head: head, grant: nil, memory: session.memory)
            exchange.refusal = refusal
            self.exchange = exchange
            limit = nil
        }
        obey(
            machine.head(
                limit: limit, declared: head.contentLength ?? (head.hasBody ? nil : 0), expectsContinue: head.expectsContinue))
    }

    /// All that can be said of a request by its head.
    private func judge(_ head: RequestHead) -> Decision<RequestGrant> {
        if let stopped = session.stopped { return .deny(stopped) }
        let words = session.words(peer.shownHost)
        if isPlain {
            let named = head.headers.first(name: "host").flatMap { HeaderRules.authority($0)?.subject.text } ?? peer.shownHost
            return .deny(
                session.words(named).refusal(
                    .plainHTTP, reason: "plain HTTP to port \(peer.dialled.port)", what: "plain HTTP is not allowed, use https"))
        }
        let grant: ConnectionGrant
        switch peer.standing {
        case .deny(let refusal): return .deny(refusal)
        case .allow(let found): grant = found
        }
        guard let host = head.headers.first(name: "host"), names(host, grant) else {
            return .deny(
                words.refusal(
                    .identityMismatch, reason: "Host does not name \(grant.host) port \(grant.port), which was dialled",
                    what: "the Host header is not the host of this connection"))
        }
        if session.isOverfull {
            return .deny(words.refusal(.rateLimited, reason: "limits.connections", what: "too many connections at once"))
        }
        if let refusal = session.overLimit(host: grant.host.text) { return .deny(refusal) }
        return session.policy.request(RequestFacts(host: grant.host, port: grant.port, method: head.method, path: head.path))
    }

    /// Whether `Host` is the name and port that were dialled.
    private func names(_ host: String, _ grant: ConnectionGrant) -> Bool {
        if host == grant.host.text { return grant.port == 443 }  // how nearly every client writes it
        guard let authority = HeaderRules.authority(host) else { return false }
        return authority.subject == .name(grant.host) && (authority.port ?? 443) == grant.port
    }

    /// Does what the machine says. True for `.keep`.
    @discardableResult
    func obey(_ action: ExchangeAction) -> Bool {
        switch action {
        case .nothing, .discard: break
        case .keep: return true
        case .collect(let sendContinue): if sendContinue { writeContinue() }
        case .refuse: refuse()
        case .refuseTooLarge:
            exchange?.refusal = session.words(peer.shownHost).refusal(
                .tooLarge, reason: "body over limits.body", what: "the request body is too large")
            refuse()
        case .prepare: prepare()
        case .ask: ask()
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
        do throws(Refusal) {
            exchange.prepared = try session.preparer.prepare(
                exchange.head, body: exchange.body, grant: grant, host: connection.host, port: connection.port,
                id: session.link.upcomingID,
                words: session.words(connection.host.text), findings: &exchange.findings)
        } catch {
            exchange.refusal = error
        }
        exchange.body = []
        obey(machine.prepared(ok: exchange.refusal == nil))
    }

    private func ask() {
        guard let exchange, let prepared = exchange.prepared else { return }
        let record = RecordDraft(kind: .requestIntent, data: prepared.intent.data())
        exchange.id = session.link.admit(prepared.reservation, record) { [self] admission in
            switch admission {
            case .admitted:
                if let stopped = session.stopped { exchange.refusal = stopped }
                obey(machine.admission(true, stopped: session.stopped != nil))
            case .refused(let code, let told):
                exchange.id = nil
                exchange.refusal = Refusal(code, reason: "not admitted by the supervisor", told: told)
                obey(machine.admission(false, stopped: session.stopped != nil))
            }
        }
    }

    private func connect() {
        guard let exchange, let prepared = exchange.prepared, case .allow(let connection) = peer.standing else { return }
        session.dialer.connection(connection, credential: prepared.credential) { [self] result in
            guard self.exchange === exchange, exchange.id != nil else {
                // Stopped meanwhile: the connection is not needed.
                if case .success(let upstream) = result { upstream.abandon() }
                return
            }
            switch result {
            case .success(let upstream):
                exchange.upstream = upstream
                obey(machine.connected())
            case .failure(let failure):
                exchange.refusal = session.words(connection.host.text).refusal(
                    failure.code, reason: failure.reason, what: Self.told(failure.code))
                obey(machine.connectFailed())
            }
        }
    }

    private static func told(_ code: Refusal.Code) -> String {
        switch code {
        case .resolveFailed: "the host's name could not be resolved"
        case .upstreamCertificate: "the host's certificate could not be verified"
        case .addressNotAllowed: "this name leads to an address that is not allowed"
        default: "the host could not be reached"
        }
    }

    private func send() {
        guard let exchange, let prepared = exchange.prepared, let upstream = exchange.upstream else { return }
        let head = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: prepared.intent.method), uri: prepared.target, headers: prepared.headers
        )
        session.journal.count { totals in
            totals.bytesOut += UInt64(prepared.body.count)
            Journal.count(prepared.intent.host, in: &totals)
            Journal.add(exchange.findings, to: &totals.redactions)
        }
        let body = prepared.body.isEmpty ? nil : ByteBuffer(bytes: prepared.body)
        exchange.prepared?.body = []
        upstream.send(head, body: body, for: self)
    }

    // MARK: The agent's side

    func next() {
        exchange = nil
        if isGone { return session.closed(self) }
        setTimer(Self.idleLimit)
        pump()
    }

    private func writeContinue() {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
    }

    /// Stops or resumes reading from the agent.
    private func hold(_ on: Bool) {
        guard holdsReading != on, let channel = context?.channel else { return }
        holdsReading = on
        try? channel.syncOptions?.setOption(.autoRead, value: !on)
        if !on { channel.read() }
    }

    private func setTimer(_ amount: TimeAmount) {
        let due = NIODeadline.now() + amount
        deadline = due
        if let timer, timer.due <= due { return }
        timer?.task.cancel()
        schedule(due)
    }

    private func schedule(_ due: NIODeadline) {
        timer = nil
        guard let context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        timer = (context.eventLoop.scheduleTask(deadline: due) { bound.value.timedOut() }, due)
    }

    private func timedOut() {
        timer = nil
        guard let deadline, !isGone else { return }
        guard deadline <= NIODeadline.now() else { return schedule(deadline) }
        guard machine.isIdle else { return }
        if reader.isInsideRequest { recordFault("head not complete in time") }
        context?.close(promise: nil)
    }

    /// The agent's end is closed.
    private func gone() {
        guard !isGone else { return }
        isGone = true
        if !isShaken {
            // A client that does not trust the session's authority ends here: the one cause that an operator must see.
            recordFault("no TLS handshake: the client closed or refused the session's certificate")
        } else if machine.isIdle, reader.isInsideRequest, !isLingering {
            recordFault("connection closed inside a request head")
        }
        obey(machine.agentGone())
        if machine.isIdle { session.closed(self) }
    }
}
