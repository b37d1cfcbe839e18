// UpstreamMultiplex: one HTTP/2 connection to a real host, and how many streams it has. It ends when nobody has used it
// for a while, or when the host says that it goes (GOAWAY, RFC 9113 §6.8).

import NIOCore
import NIOHTTP2
import NIOSSL
import Vocabulary

final class UpstreamMultiplex: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame

    /// Until the host has said how many it takes (§6.5.2 recommends no fewer).
    private static let assumedLimit = 100
    private static let mostStreams = 1000

    /// What a stream may bring before the agent has taken it; with the number of streams, the bound of what an agent that
    /// does not read costs. A window is filled once a round trip: a few streams with much to bring get more.
    enum Width {
        case wide, narrow
        var window: Int { self == .wide ? 262_144 : 65_535 }
        var streams: Int { self == .wide ? 4 : mostStreams }
    }

    let key: UpstreamKey
    let road: Road
    let width: Width
    private weak var pool: UpstreamPool?
    private var context: ChannelHandlerContext?
    private var multiplexer: NIOHTTP2Handler.StreamMultiplexer?
    private var streams = 0
    private var limit: Int
    private var isGoing = false
    private var idleTimer: Scheduled<Void>?

    init(key: UpstreamKey, road: Road, pool: UpstreamPool) {
        self.key = key
        self.road = road
        self.pool = pool
        width = pool.nextWidth
        limit = min(width.streams, Self.assumedLimit)
    }

    /// The handlers above TLS.
    func handlers(loop: any EventLoop) -> [any ChannelHandler] {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .initialWindowSize, value: width.window),
            HTTP2Setting(parameter: .maxHeaderListSize, value: RequestReader.headLimit),
        ]
        connection.targetWindowSize = 4 * width.window
        connection.maximumBufferedControlFrames = 1000
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = width.window
        // The host opens no streams: push is off, and a PUSH_PROMISE all the same is a connection error.
        let frames = NIOHTTP2Handler(
            mode: .client, eventLoop: loop, connectionConfiguration: connection, streamConfiguration: stream
        ) { channel in channel.close() }
        return [FrameBorders(), WriteJoiner(), frames, self]
    }

    /// The host has not said that it goes.
    var takesRequests: Bool { !isGoing && context?.channel.isActive == true }
    /// One more stream may be opened on it.
    var hasRoom: Bool { takesRequests && streams < limit }

    /// `done` is called exactly once.
    func open(_ done: @escaping (UpstreamStream?) -> Void) {
        guard hasRoom, let context else { return done(nil) }
        do {
            let multiplexer =
                try multiplexer ?? context.pipeline.syncOperations.handler(type: NIOHTTP2Handler.self).syncMultiplexer()
            self.multiplexer = multiplexer
            streams += 1
            idleTimer?.cancel()
            let stream = UpstreamStream(connection: self)
            let bound = NIOLoopBound((stream, done), eventLoop: context.eventLoop)
            let promise = context.eventLoop.makePromise(of: (any Channel).self)
            multiplexer.createStreamChannel(promise: promise) { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(bound.value.0) }
            }
            promise.futureResult.whenComplete { result in
                let (stream, done) = bound.value
                if case .success = result { return done(stream) }
                stream.ended()
                done(nil)
            }
        } catch {
            done(nil)
        }
    }

    /// One of its streams is over.
    func closed() {
        streams -= 1
        guard streams == 0, let context else { return }
        if isGoing { return context.close(promise: nil) }
        idleTimer?.cancel()
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        idleTimer = context.eventLoop.scheduleTask(in: UpstreamPool.idleLimit) { bound.value.abandon() }
    }

    func abandon() {
        isGoing = true
        pool?.remove(self)
        context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        multiplexer = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data).payload {
        case .settings(.settings(let settings)):
            for setting in settings where setting.parameter == .maxConcurrentStreams {
                limit = min(setting.value, width.streams)
            }
        case .goAway: going(context)
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        going(context)
        context.fireChannelInactive()
    }

    /// A malformed answer ends its stream, not what others are being told.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if HTTP2Errors.isOfOneStream(error) { return }
        going(context)
        context.close(promise: nil)
    }

    private func going(_ context: ChannelHandlerContext) {
        isGoing = true
        idleTimer?.cancel()
        pool?.remove(self)
        if streams == 0 { context.close(promise: nil) }
    }
}
