// AnswerFilter: an answer's body on its way to the agent. Fed with pieces, it gives the pieces that may go on now;
// what it reads of usage and findings is asked for at the end. Values of one exchange, no I/O.

import NIOCore
import Providers
import Vocabulary

/// The answer cannot be passed on; the words are for the operator.
struct AnswerFailure: Error, Sendable, Hashable {
    var code: Refusal.Code
    var reason: String
}

protocol AnswerFilter: AnyObject {
    /// What may go to the agent now; nil: nothing yet.
    func feed(_ bytes: ByteBuffer) throws(AnswerFailure) -> ByteBuffer?
    /// The rest, at the answer's proper end.
    func finish() throws(AnswerFailure) -> ByteBuffer?
    /// What ends the answer properly in mid-stream with a note for the reader; nil: it can only be cut.
    func closing(note: String) -> ByteBuffer?
    /// Whether the body is given whole by `finish`, so that its length is known before its head is sent.
    var isWhole: Bool { get }
    var usage: ReportedUsage? { get }
    var findings: [String: UInt64] { get }
}

/// Bytes as they come.
final class PassingAnswer: AnswerFilter {
    let isWhole = false
    let usage: ReportedUsage? = nil
    let findings: [String: UInt64] = [:]
    func feed(_ bytes: ByteBuffer) throws(AnswerFailure) -> ByteBuffer? { bytes }
    func finish() throws(AnswerFailure) -> ByteBuffer? { nil }
    func closing(note: String) -> ByteBuffer? { nil }
}

/// A body that is collected and then changed as a whole.
final class WholeAnswer: AnswerFilter {
    struct Result {
        var body: [UInt8]
        var usage: ReportedUsage?
        var findings: [String: UInt64] = [:]
    }

    let isWhole = true
    private(set) var usage: ReportedUsage?
    private(set) var findings: [String: UInt64] = [:]
    private let limit: Int
    private let change: ([UInt8]) throws(AnswerFailure) -> Result
    private var body: [UInt8] = []

    init(limit: Int, change: @escaping ([UInt8]) throws(AnswerFailure) -> Result) {
        self.limit = limit
        self.change = change
    }

    func feed(_ bytes: ByteBuffer) throws(AnswerFailure) -> ByteBuffer? {
        guard body.count + bytes.readableBytes <= limit else {
            throw AnswerFailure(code: .tooLarge, reason: "an answer over \(limit) bytes cannot be scanned")
        }
        body.append(contentsOf: bytes.readableBytesView)
        return nil
    }

    func finish() throws(AnswerFailure) -> ByteBuffer? {
        let result = try change(body)
        usage = result.usage
        findings = result.findings
        return ByteBuffer(bytes: result.body)
    }

    func closing(note: String) -> ByteBuffer? { nil }
}
