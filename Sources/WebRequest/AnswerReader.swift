// AnswerReader: the answer as it comes: its body to standard output, its head to standard error.

import Glibc
import NIOCore
import NIOHTTP1
import NIOSSL
import Vocabulary

final class AnswerReader: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    /// Why there is no whole answer, in words.
    struct Fault: Error {
        var words: String
        init(_ words: String) { self.words = words }
    }

    private let showsHead: Bool
    private let quiet: Bool
    private let answered: EventLoopPromise<Int>
    private var status: Int?

    /// - Parameter answered: gets the status once the answer is whole.
    init(showsHead: Bool, quiet: Bool, answered: EventLoopPromise<Int>) {
        self.showsHead = showsHead
        self.quiet = quiet
        self.answered = answered
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            status = Int(head.status.code)
            show(head)
        case .body(let bytes):
            guard Output.write(Array(bytes.readableBytesView)) else {
                return end(context, .failure(Fault("standard output cannot be written")))
            }
        case .end: end(context, status.map { .success($0) } ?? .failure(Fault("an answer without a head")))
        }
    }

    private func show(_ head: HTTPResponseHead) {
        guard !quiet || showsHead else { return }
        var lines = ["HTTP/\(head.version.major).\(head.version.minor) \(head.status.code) \(head.status.reasonPhrase)"]
        if showsHead { lines += head.headers.map { "\($0.name): \($0.value)" } }
        Output.note(lines)
    }

    func channelInactive(context: ChannelHandlerContext) {
        answered.fail(Fault(status == nil ? "the connection was closed" : "the answer broke off"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Whether the answer was whole, HTTP's framing tells, not how TLS was closed.
        if case .uncleanShutdown = error as? NIOSSLError { return }
        end(context, .failure(error))
    }

    private func end(_ context: ChannelHandlerContext, _ result: Result<Int, any Error>) {
        answered.completeWith(result)
        context.close(promise: nil)
    }

    static func words(_ error: any Error) -> String {
        switch error {
        case let fault as Fault: fault.words
        case let error as NIOSSLExtraError: "TLS: \(error.description)"
        case is NIOSSLError, is BoringSSLError: "TLS: \(error)"
        case let error as IOError: "\(error)"
        case let error as ChannelError: "\(error)"
        default: "\(type(of: error)): \(String(describing: error).prefix(300))"
        }
    }
}
