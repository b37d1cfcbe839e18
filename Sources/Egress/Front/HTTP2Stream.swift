// HTTP2Stream: one stream of an agent's HTTP/2 connection: one request, one answer. It turns header blocks and data into
// what the driver knows, and the driver's answer into header blocks and data.

import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2
import Policy
import Profile
import Vocabulary

final class HTTP2Stream: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// Bytes of a refused request's body that are read and thrown away; then the stream is reset.
    private static let discardLimit = 16 << 20

    private let session: Session
    private let peer: Peer
    private let connection: HTTP2Connection
    private(set) lazy var driver = ExchangeDriver(session: session, peer: peer, isPlain: false, agent: self)
    private var context: ChannelHandlerContext?
    private var hasHead = false
    /// The request's end was seen.
    private var isRead = false
    /// What still comes of the request is of no interest.
    private var isIgnored = false
    private var discarded = 0
    /// Body that waits for the flush or the end it can travel with.
    private var held: ByteBuffer?
    /// The answer's end is written.
    private var isAnswered = false
    private var isGone = false
    private var isSocket = false
    private var hasPlace = false

    init(session: Session, peer: Peer, connection: HTTP2Connection) {
        self.session = session
        self.peer = peer
        self.connection = connection
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        hasPlace = session.room.streams.take(1)
        connection.opened(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        gone()
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let block): headers(block.headers, endsStream: block.endStream)
        case .data(let data):
            guard case .byteBuffer(let bytes) = data.data else { return }
            body(bytes, endsStream: data.endStream)
        default: break  // priority, windows: NIOHTTP2's business
        }
    }

    private func headers(_ block: HPACKHeaders, endsStream: Bool) {
        guard !isRead, !isIgnored else { return }
        if hasHead {
            // Trailers end the request; nothing downstream may act on what no scanner has read.
            if endsStream { end() }
            return
        }
        hasHead = true
        guard hasPlace else { return crowdedOut() }
        do throws(RequestFault) {
            let head = try HTTP2RequestHead.parse(
                block, endsStream: endsStream, limit: Int(clamping: session.limits.header.bytes))
            driver.begin(head)
            if endsStream {
                end()
            } else if head.webSocket != nil {
                driver.end()  // its stream stays open for the frames
            }
        } catch {
            isRead = endsStream
            fault(error)
        }
    }

    private func body(_ bytes: ByteBuffer, endsStream: Bool) {
        guard !isRead, !isIgnored else { return }
        if isAnswered {
            discarded += bytes.readableBytes
            guard discarded <= Self.discardLimit else { return reset(.noError) }
        }
        if isSocket {
            if bytes.readableBytes > 0 { driver.socketBytes(bytes) }
            if endsStream { driver.socketEnds() }
            return
        }
        if bytes.readableBytes > 0 { driver.body(bytes) }
        if endsStream { end() }
    }

    private func end() {
        guard !isRead else { return }
        isRead = true
        driver.end()
    }

    /// A malformed request (§8.1.1) is answered in words; the connection serves its other streams.
    private func fault(_ fault: RequestFault) {
        isIgnored = true
        session.journal.refused(peer.fault(fault.reason))
        write(fault)
        closeAfterAnswer()
    }

    /// Not even answered: a client may ask again (§8.7).
    private func crowdedOut() {
        session.journal.refused(peer.refused(.rateLimited, "limits.connections, four times as many streams"))
        reset(.refusedStream)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        driver.agentTakes(context.channel.isWritable)
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        gone()
        context.fireChannelInactive()
    }

    /// The stream was reset, or the connection under it is gone.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func gone() {
        guard !isGone else { return }
        isGone = true
        if hasPlace { session.room.streams.give(1) }
        driver.agentGone()
        if driver.isIdle { connection.closed(self) }
    }

    private func reset(_ code: HTTP2ErrorCode) {
        isIgnored = true
        context?.writeAndFlush(wrapOutboundOut(.rstStream(code)), promise: nil)
    }
}

extension HTTP2Stream: AgentStream {
    var isWritable: Bool { context?.channel.isWritable ?? false }
    var isHTTP2: Bool { true }
    var beside: Int { connection.busyStreams }

    func writeContinue() {
        context?.writeAndFlush(wrapOutboundOut(.headers(.init(headers: [":status": "100"]))), promise: nil)
    }

    func write(_ head: AnswerHead) {
        var block = HPACKHeaders()
        block.reserveCapacity(head.headers.count + 2)
        block.add(name: ":status", value: String(head.status.code))
        for (name, value) in head.headers { block.add(name: name.lowercased(), value: value) }
        if let length = head.length, head.status.mayHaveResponseBody {
            block.add(name: "content-length", value: String(length))
        }
        context?.write(wrapOutboundOut(.headers(.init(headers: block))), promise: nil)
    }

    func write(_ body: ByteBuffer) {
        if held == nil {
            held = body
        } else {
            held?.writeImmutableBuffer(body)
        }
    }

    func writeEnd(trailers: HTTPHeaders?) {
        isAnswered = true
        if let trailers, !trailers.isEmpty {
            writeHeld()
            let block = HPACKHeaders(trailers.map { ($0.name.lowercased(), $0.value) })
            context?.write(wrapOutboundOut(.headers(.init(headers: block, endStream: true))), promise: nil)
        } else {
            let last = held ?? ByteBuffer()
            held = nil
            context?.write(wrapOutboundOut(.data(.init(data: .byteBuffer(last), endStream: true))), promise: nil)
        }
        context?.flush()
    }

    func flush() {
        writeHeld()
        context?.flush()
    }

    private func writeHeld() {
        guard let bytes = held else { return }
        held = nil
        context?.write(wrapOutboundOut(.data(.init(data: .byteBuffer(bytes)))), promise: nil)
    }

    func breakOff() {
        held = nil
        reset(.internalError)
    }

    /// The answer is whole; what still comes of the request has no reader (§8.1: NO_ERROR).
    func closeAfterAnswer() {
        if isSocket {
            context?.writeAndFlush(wrapOutboundOut(.data(.init(data: .byteBuffer(ByteBuffer()), endStream: true))), promise: nil)
        }
        if !isRead { reset(.noError) }
    }

    func acceptWebSocket(_ headers: HTTPHeaders) {
        guard let offer = driver.exchange?.head.webSocket else { return }
        var all = headers
        all.add(contentsOf: offer.answer)
        isSocket = true
        let block = HPACKHeaders([(":status", "200")] + all.map { ($0.name.lowercased(), $0.value) })
        context?.writeAndFlush(wrapOutboundOut(.headers(.init(headers: block))), promise: nil)
    }

    func writeSocket(_ bytes: ByteBuffer) {
        context?.writeAndFlush(wrapOutboundOut(.data(.init(data: .byteBuffer(bytes)))), promise: nil)
    }

    func setReading(_ on: Bool) { context?.channel.setReading(on) }

    func exchangeEnded() { if isGone { connection.closed(self) } }
}
