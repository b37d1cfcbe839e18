// CodedBody: a body in content codings, on its way in from either side. Decoded a little at a time, so that what few
// bytes turn into is counted before more of it comes.

import Coding
import NIOCore
import NIOHTTP1
import Providers
import Vocabulary

final class CodedBody {
    /// Of a bomb, that many bytes make a megabyte or two before a limit or the next piece is looked at.
    private static let piece = 4 << 10
    private let codings: [ContentCoding]
    private let limits: Decoder.Limits
    /// Nil until the first byte: a body without one is empty, whatever its header says.
    private var decoder: Decoder?

    /// - Parameter limit: most bytes that may come out of it.
    /// - Returns: nil for a body in no coding.
    init?(_ headers: HTTPHeaders, limit: Int) throws(CodingFault) {
        codings = try ContentCoding.list(headers["content-encoding"])
        guard !codings.isEmpty else { return nil }
        limits = Decoder.Limits(output: limit)
    }

    /// Takes a piece off the front of `bytes`; nil: there is none.
    func decode(_ bytes: inout ByteBuffer) throws(CodingFault) -> [UInt8]? {
        guard let piece = bytes.readBytes(length: min(bytes.readableBytes, Self.piece)), !piece.isEmpty else { return nil }
        if decoder == nil { decoder = try Decoder(codings, limits: limits) }
        return try decoder?.feed(piece)
    }

    func finish() throws(CodingFault) { try decoder.take()?.finish() }
}

extension CodingFault {
    var code: Refusal.Code {
        switch self {
        case .unknownCoding, .tooManyLayers, .window: .unsupportedEncoding
        case .malformed, .truncated, .trailingBytes: .malformed
        case .tooLarge, .bomb, .memory: .tooLarge
        }
    }

    /// For the agent, of its own request.
    var told: String {
        switch code {
        case .unsupportedEncoding: "request bodies can be read in gzip, deflate, br and zstd (8 MiB window), two at most"
        case .tooLarge: "the request body is too large once decompressed"
        default: "the compressed request body is damaged"
        }
    }

    func refusal(_ words: RefusalWords) -> Refusal { words.refusal(code, reason: "a request body: \(self)", what: told) }

    var answerFailure: AnswerFailure { AnswerFailure(code: code, reason: "the answer: \(self)") }
}
