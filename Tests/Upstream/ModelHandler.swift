// One connection: collects a request, writes it down, answers it. Requests on a connection are served in
// order (NIO's pipelining handler sees to that).

import NIOCore
import NIOHTTP1

final class ModelHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private static let bodyLimit = 64 << 20

    private let script: Script
    private let seen: SeenLog?
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var bytes: (source: ByteSource, thenClose: Bool)?

    init(script: Script, seen: SeenLog?) {
        self.script = script
        self.seen = seen
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.removeAll(keepingCapacity: true)
            if head.headers.first(name: "expect")?.lowercased() == "100-continue" {
                context.writeAndFlush(wrapOutboundOut(.head(.init(version: .http1_1, status: .continue))), promise: nil)
            }
        case .body(let part):
            guard body.count + part.readableBytes <= Self.bodyLimit else { return context.close(promise: nil) }
            body.append(contentsOf: part.readableBytesView)
        case .end:
            guard let head else { return }
            self.head = nil
            do {
                try seen?.record(head, body: body)
                answer(head, context: context)
            } catch {
                // An answer without its line in seen.jsonl would make a test believe in silence.
                context.close(promise: nil)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        writeBytes(context)
        context.fireChannelWritabilityChanged()
    }

    private func answer(_ head: HTTPRequestHead, context: ChannelHandlerContext) {
        if head.method == .GET, let count = bytesWanted(head.uri) {
            var response = responseHead(.ok, type: "application/octet-stream", head)
            response.headers.add(name: "content-length", value: String(count))
            context.write(wrapOutboundOut(.head(response)), promise: nil)
            bytes = (ByteSource(count), !head.isKeepAlive)
            return writeBytes(context)
        }
        guard let route = Route(host: head.headers.first(name: "host") ?? "", path: head.uri) else {
            return send(.ok, #"{"ok":true,"path":\#(quoted(head.uri))}"#, head, context)
        }
        let dialect = route.dialect
        guard head.method == .POST, let request = ModelRequest(body: body) else {
            return send(.badRequest, dialect.error(400), head, context)
        }
        let answer = script.answer(to: String(decoding: body, as: UTF8.self))
        if let status = answer.status {
            return send(.init(statusCode: Int(status)), dialect.error(status), head, context)
        }
        let turn = Turn(request, answer, model: route.model)
        guard route.streamed ?? request.stream ?? route.streamsByDefault else {
            return send(.ok, dialect.whole(turn), head, context)
        }
        var response = responseHead(.ok, type: dialect.streamType, head)
        response.headers.add(name: "transfer-encoding", value: "chunked")
        context.writeAndFlush(wrapOutboundOut(.head(response)), promise: nil)
        stream(
            dialect.pieces(turn)[...], every: .milliseconds(answer.delayMilliseconds ?? 0),
            thenClose: !head.isKeepAlive, context: context)
    }

    private func send(_ status: HTTPResponseStatus, _ text: String, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        var response = responseHead(status, type: "application/json", head)
        response.headers.add(name: "content-length", value: String(text.utf8.count))
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        if head.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(string: text)))), promise: nil)
        }
        finish(thenClose: !head.isKeepAlive, context: context)
    }

    private func stream(
        _ pieces: ArraySlice<[UInt8]>, every delay: TimeAmount, thenClose: Bool, context: ChannelHandlerContext
    ) {
        guard context.channel.isActive else { return }
        guard let piece = pieces.first else { return finish(thenClose: thenClose, context: context) }
        let buffer = context.channel.allocator.buffer(bytes: piece)
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
        if delay == .zero {
            stream(pieces.dropFirst(), every: delay, thenClose: thenClose, context: context)
        } else {
            context.eventLoop.assumeIsolated().scheduleTask(in: delay) {
                self.stream(pieces.dropFirst(), every: delay, thenClose: thenClose, context: context)
            }
        }
    }

    private func writeBytes(_ context: ChannelHandlerContext) {
        guard let bytes, bytes.source.write(context) else { return }
        self.bytes = nil
        finish(thenClose: bytes.thenClose, context: context)
    }

    private func finish(thenClose: Bool, context: ChannelHandlerContext) {
        if thenClose {
            let channel = context.channel
            context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
        } else {
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }

    private func responseHead(_ status: HTTPResponseStatus, type: String, _ head: HTTPRequestHead) -> HTTPResponseHead {
        var headers: HTTPHeaders = ["content-type": type, "x-request-id": "req_1"]
        if !head.isKeepAlive { headers.add(name: "connection", value: "close") }
        return HTTPResponseHead(version: .http1_1, status: status, headers: headers)
    }
}
