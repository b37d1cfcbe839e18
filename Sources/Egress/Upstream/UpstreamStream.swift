// UpstreamStream: one request on an HTTP/2 connection to a real host.

import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2
import Vocabulary

final class UpstreamStream: ChannelInboundHandler, Upstream {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let connection: UpstreamMultiplex
    private var context: ChannelHandlerContext?
    private var user: (any UpstreamUser)?
    private var hasHead = false
    private var isReading = true
    private var isEnded = false
    private var lastError: String?

    init(connection: UpstreamMultiplex) { self.connection = connection }

    var road: Road { connection.road }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        failed("stream closed")
        ended()
    }

    func send(_ request: UpstreamRequest, for user: any UpstreamUser) {
        // Not yet active: a stream becomes so with its first header block.
        guard let context, connection.takesRequests else { return user.upstreamUnsent() }
        self.user = user
        let block = Self.block(request)
        context.write(wrapOutboundOut(.headers(.init(headers: block, endStream: request.body == nil))), promise: nil)
        if let body = request.body {
            context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(body), endStream: true))), promise: nil)
        }
        context.flush()
    }

    private static func block(_ request: UpstreamRequest) -> HPACKHeaders {
        var block = HPACKHeaders()
        block.reserveCapacity(request.headers.count + 4)
        block.add(name: ":method", value: request.method)
        block.add(name: ":scheme", value: "https")
        block.add(name: ":authority", value: request.headers.first(name: "host") ?? "")
        block.add(name: ":path", value: request.target)
        for (name, value) in request.headers {
            let name = name.lowercased()
            if name == "host" { continue }
            // A login in the shared compression table can be guessed at by others on the connection (RFC 7541 §7.1.3).
            block.add(name: name, value: value, indexing: HeaderRules.isLogin(name) ? .neverIndexed : .indexable)
        }
        if request.takesTrailers { block.add(name: "te", value: "trailers") }
        return block
    }

    func setReading(_ on: Bool) {
        guard isReading != on, let channel = context?.channel else { return }
        isReading = on
        channel.setReading(on)
    }

    func abandon() {
        user = nil
        if let context {
            context.close(promise: nil)
        } else {
            ended()
        }
    }

    // WebSockets have connections of their own.
    func becomeSocket() {}
    func writeSocket(_ bytes: ByteBuffer) {}
    func endSocket() { abandon() }

    /// Gives its place on the connection back, once.
    func ended() {
        guard !isEnded else { return }
        isEnded = true
        connection.closed()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let block): headers(block.headers, endsStream: block.endStream)
        case .data(let data):
            guard case .byteBuffer(let bytes) = data.data else { return }
            if bytes.readableBytes > 0 { user?.upstreamBody(TightBuffers.tight(bytes)) }
            if data.endStream { end(nil) }
        default: break
        }
    }

    private func headers(_ block: HPACKHeaders, endsStream: Bool) {
        if hasHead { return endsStream ? end(Self.plain(block)) : () }
        guard let status = block.first(name: ":status").flatMap({ Int($0) }), (100...599).contains(status), status != 101 else {
            failed("the answer's head is malformed")
            context?.close(promise: nil)
            return
        }
        if status < 200 { return }  // informational: the answer is still to come
        hasHead = true
        user?.upstreamHead(HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: Self.plain(block)))
        if endsStream { end(nil) }
    }

    private static func plain(_ block: HPACKHeaders) -> HTTPHeaders {
        HTTPHeaders(block.compactMap { name, value, _ in name.utf8.first == UInt8(ascii: ":") ? nil : (name, value) })
    }

    private func end(_ trailers: HTTPHeaders?) {
        let user = user
        self.user = nil
        user?.upstreamEnd(trailers)
    }

    func channelInactive(context: ChannelHandlerContext) {
        failed(lastError ?? "the upstream ended the stream")
        ended()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        lastError = UpstreamFailure.words(error)
        context.close(promise: nil)
    }

    private func failed(_ reason: String) {
        let user = user
        self.user = nil
        user?.upstreamFailed(reason)
    }
}
