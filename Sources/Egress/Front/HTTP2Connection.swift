// HTTP2Connection: an agent's HTTP/2 connection (RFC 9113). NIOHTTP2 frames and keeps the windows; here stand the limits,
// the streams that are under way, and the connection's end. Each stream has an exchange of its own.

import Events
import NIOCore
import NIOHTTP2
import Policy
import Profile
import Vocabulary

final class HTTP2Connection: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame

    private static let firstPatience = TimeAmount.seconds(60)
    /// The last answer's end is written when its stream closes, and not yet flushed.
    private static let lastPatience = TimeAmount.seconds(1)
    /// A client that knows queues the rest by itself. Two full connections are within the default of `limits.connections`.
    static let mostStreams = 24

    private let session: Session
    private let peer: Peer
    private var context: ChannelHandlerContext?
    private var streams: [ObjectIdentifier: HTTP2Stream] = [:]
    private var isGone = false
    private var timer: Scheduled<Void>?

    private init(session: Session, peer: Peer) {
        self.session = session
        self.peer = peer
    }

    /// The handlers above TLS.
    static func handlers(session: Session, peer: Peer, loop: any EventLoop) -> [any ChannelHandler] {
        let connection = HTTP2Connection(session: session, peer: peer)
        let bound = NIOLoopBound((connection, session, peer), eventLoop: loop)
        let frames = NIOHTTP2Handler(
            mode: .server, eventLoop: loop, connectionConfiguration: configuration(session),
            streamConfiguration: streamConfiguration
        ) { channel in
            channel.eventLoop.makeCompletedFuture {
                let (connection, session, peer) = bound.value
                try channel.pipeline.syncOperations.addHandler(
                    HTTP2Stream(session: session, peer: peer, connection: connection))
            }
        }
        return [WriteJoiner(), frames, connection]
    }

    /// A flood of resets, of CONTINUATION, of empty or control frames ends the connection: NIOHTTP2 counts them, with its
    /// own limits where none is set here.
    private static func configuration(_ session: Session) -> NIOHTTP2Handler.ConnectionConfiguration {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: mostStreams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: Int(clamping: session.limits.header.bytes)),
            HTTP2Setting(parameter: .enableConnectProtocol, value: 1),  // WebSockets, RFC 8441
        ]
        configuration.maximumBufferedControlFrames = 1000
        return configuration
    }

    private static var streamConfiguration: NIOHTTP2Handler.StreamConfiguration {
        var configuration = NIOHTTP2Handler.StreamConfiguration()
        configuration.outboundBufferSizeHighWatermark = 32_768
        configuration.outboundBufferSizeLowWatermark = 16_384
        return configuration
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        session.opened(self)
        setTimer(Self.firstPatience)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        gone()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        gone()
        context.fireChannelInactive()
    }

    /// One stream's error ends that stream. A connection error (§5.4.1) was answered with GOAWAY already; TLS errors and
    /// resets leave nothing to answer.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !isGone, let words = HTTP2Errors.words(error) { session.journal.refused(peer.fault(words)) }
        if !HTTP2Errors.isOfOneStream(error) { context.close(promise: nil) }
    }

    // MARK: Streams

    var busyStreams: Int { streams.values.count { !$0.driver.isIdle } }

    func opened(_ stream: HTTP2Stream) {
        timer?.cancel()
        timer = nil
        streams[ObjectIdentifier(stream)] = stream
    }

    /// The stream's channel is closed, and its exchange settled.
    func closed(_ stream: HTTP2Stream) {
        streams[ObjectIdentifier(stream)] = nil
        guard streams.isEmpty else { return }
        if isGone { return session.closed(self) }
        setTimer(session.stopped == nil ? session.idleLimit : Self.lastPatience)
    }

    private func gone() {
        guard !isGone else { return }
        isGone = true
        timer?.cancel()
        if streams.isEmpty { session.closed(self) }
    }

    private func setTimer(_ amount: TimeAmount) {
        timer?.cancel()
        guard let context, !isGone else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: amount) {
            let context = bound.value
            let goAway = HTTP2Frame.FramePayload.goAway(lastStreamID: .maxID, errorCode: .noError, opaqueData: nil)
            context.writeAndFlush(NIOAny(HTTP2Frame(streamID: .rootStream, payload: goAway)), promise: nil)
            context.close(promise: nil)
        }
    }
}

extension HTTP2Connection: AgentConnection {
    func stop(_ refusal: Refusal) {
        for stream in streams.values { stream.driver.stop(refusal) }
        if streams.isEmpty { context?.close(promise: nil) }
    }

    func sessionEnds() { context?.close(promise: nil) }

    func abort() {
        context?.close(promise: nil)
        for stream in streams.values { stream.driver.abort() }
    }

    func checkDeadlines(at now: NIODeadline) -> Bool {
        var isBusy = false
        for stream in streams.values where stream.driver.checkDeadlines(at: now) { isBusy = true }
        return isBusy
    }
}
