// HTTP1Connection: an agent's HTTP/1.1 connection. It reads one request at a time for the driver, frames the answers,
// and ends the connection without losing either.

import Events
import NIOCore
import NIOHTTP1
import Policy
import Profile
import Vocabulary

final class HTTP1Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = HTTPServerResponsePart

    /// Bytes of further requests that are kept while an answer is under way; then reading stops.
    private static let pipelineLimit = 131_072
    private static let headPatience = TimeAmount.seconds(60)
    private static let lingerLimit = 4 << 20
    private static let lingerPatience = TimeAmount.seconds(1)

    private let session: Session
    private let peer: Peer
    private let isPlain: Bool
    private var context: ChannelHandlerContext?
    private lazy var driver = ExchangeDriver(session: session, peer: peer, isPlain: isPlain, agent: self)
    private var reader: RequestReader
    /// The request under way is HTTP/1.0: no chunks in its answer.
    private var isOld = false
    private var isPumping = false
    private var isSocket = false
    private var holdsReading = false
    private var isGone = false
    /// When an idle connection ends; nil while a request is under way.
    private var deadline: NIODeadline?
    /// Looks at `deadline`, never later than it. Set anew only when it fires: most requests end before that.
    private var timer: (task: Scheduled<Void>, due: NIODeadline)?
    /// Bytes that are read and thrown away before a close, so that the answer is not lost to a reset.
    private var lingers = 0
    private var isLingering = false

    init(session: Session, peer: Peer, isPlain: Bool) {
        self.session = session
        self.peer = peer
        self.isPlain = isPlain
        reader = RequestReader(headLimit: Int(clamping: session.limits.header.bytes))
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
        if isSocket { return driver.socketBytes(bytes) }
        reader.feed(bytes)
        pump()
        if !driver.readsRequest, reader.pending > Self.pipelineLimit { hold(true) }
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    func channelInactive(context: ChannelHandlerContext) {
        gone()
        context.fireChannelInactive()
    }

    /// TLS errors, resets: the connection is of no use any more.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        driver.agentTakes(context.channel.isWritable)
        context.fireChannelWritabilityChanged()
    }

    /// Reads requests for as long as the driver takes them.
    private func pump() {
        guard !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        while !isLingering, driver.readsRequest {
            do throws(RequestFault) {
                guard let event = try reader.next() else { break }
                switch event {
                case .head(let head):
                    deadline = nil
                    isOld = head.isOld
                    driver.begin(head)
                case .body(let part): driver.body(part)
                case .end: driver.end()
                }
            } catch {
                return fault(error)
            }
        }
        if driver.readsRequest { hold(false) }
    }

    /// Bytes that are no request. Said once, recorded once, and the connection ends.
    private func fault(_ fault: RequestFault) {
        session.journal.refused(peer.fault(fault.reason))
        write(fault)
        driver.agentGone()
        closeAfterAnswer()
    }

    /// Stops or resumes reading from the agent.
    private func hold(_ on: Bool) {
        guard holdsReading != on, let channel = context?.channel else { return }
        holdsReading = on
        channel.setReading(!on)
    }

    private func linger(_ count: Int) {
        lingers += count
        if lingers > Self.lingerLimit { context?.close(promise: nil) }
    }

    /// The agent's end is closed.
    private func gone() {
        guard !isGone else { return }
        isGone = true
        if driver.isIdle, reader.isInsideRequest, !isLingering {
            session.journal.refused(peer.fault("connection closed inside a request head"))
        }
        driver.agentGone()
        if driver.isIdle { session.closed(self) }
    }

    // MARK: Time

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
        guard driver.isIdle else { return }
        if reader.isInsideRequest { session.journal.refused(peer.fault("head not complete in time")) }
        context?.close(promise: nil)
    }
}

extension HTTP1Connection: AgentStream {
    var isWritable: Bool { context?.channel.isWritable ?? false }
    var isHTTP2: Bool { false }
    var beside: Int { 0 }

    func writeContinue() {
        context?.writeAndFlush(wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
    }

    func write(_ head: AnswerHead) {
        var headers = head.headers
        if head.status.mayHaveResponseBody {
            if let length = head.length {
                headers.add(name: "content-length", value: String(length))
            } else if !head.isForHead, !isOld {
                headers.add(name: "transfer-encoding", value: "chunked")
            }
        }
        if !head.keeps { headers.add(name: "connection", value: "close") }
        let version: HTTPVersion = isOld ? .http1_0 : .http1_1
        context?.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: version, status: head.status, headers: headers))), promise: nil)
    }

    func write(_ body: ByteBuffer) { context?.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }

    /// Trailers are for chunked answers to clients that asked for them; HTTP/1.1 clients that act on any are not known.
    func writeEnd(trailers: HTTPHeaders?) { context?.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil) }

    func flush() { context?.flush() }

    func breakOff() { context?.close(promise: nil) }

    /// Closes when the agent has had the time to read: a close with unread bytes makes a reset, which eats the answer.
    func closeAfterAnswer() {
        guard !isLingering, let context else { return }
        isLingering = true
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.lingerPatience) { bound.value.close(promise: nil) }
        context.close(mode: .output, promise: nil)
    }

    func acceptWebSocket(_ headers: HTTPHeaders) {
        guard let context, let offer = driver.exchange?.head.webSocket else { return }
        var all = headers
        all.add(contentsOf: offer.answer)
        let head = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: all)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        isSocket = true
        guard let encoder = try? context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self) else {
            return context.close(promise: nil)
        }
        context.pipeline.syncOperations.removeHandler(context: encoder, promise: nil)
        let early = reader.takeRest()
        if early.readableBytes > 0 { driver.socketBytes(early) }
        hold(false)
    }

    func writeSocket(_ bytes: ByteBuffer) { context?.writeAndFlush(NIOAny(bytes), promise: nil) }

    func setReading(_ on: Bool) { hold(!on) }

    func exchangeEnded() {
        if isGone { return session.closed(self) }
        setTimer(session.idleLimit)
        pump()
    }
}

extension HTTP1Connection: AgentConnection {
    func stop(_ refusal: Refusal) {
        driver.stop(refusal)
        if driver.isIdle, driver.exchange == nil, !isLingering { context?.close(promise: nil) }
    }

    func sessionEnds() { context?.close(promise: nil) }

    func abort() {
        context?.close(promise: nil)
        driver.abort()
    }

    func checkDeadlines(at now: NIODeadline) -> Bool { driver.checkDeadlines(at: now) }
}
