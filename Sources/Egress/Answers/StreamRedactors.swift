// StreamRedactors: one redactor for each run of text in a streamed answer, so that a value split over events, chunks
// or deltas is seen whole; and the same for an answer that is one text.

import NIOCore
import Providers
import Redaction
import Vocabulary

/// The redactors of one streamed model answer.
final class StreamRedactors {
    private let engine: Engine
    private var open: [StreamChannel: StreamRedactor] = [:]
    private var closed: [String: UInt64] = [:]

    init(_ engine: Engine) { self.engine = engine }

    var findings: [String: UInt64] {
        var all = closed
        for redactor in open.values { Inspector.add(redactor.findings, to: &all) }
        return all
    }

    /// Text of `channel` that may go on now.
    func feed(_ channel: StreamChannel, _ text: String) throws(ScanError) -> String {
        // Moved out and back, so that the value is changed in place and not copied with every delta.
        var redactor =
            open.removeValue(forKey: channel) ?? StreamRedactor(engine, scope: channel.role == .toolArguments ? .secrets : .all)
        let out = try redactor.feed(text)
        open[channel] = redactor
        return String(decoding: out, as: UTF8.self)
    }

    /// What `channel` still holds; it is over.
    func finish(_ channel: StreamChannel) throws(ScanError) -> String {
        guard var redactor = open.removeValue(forKey: channel) else { return "" }
        let out = try redactor.finish()
        Inspector.add(redactor.findings, to: &closed)
        return String(decoding: out, as: UTF8.self)
    }

    /// A text that is complete in itself.
    func whole(_ text: StreamText) throws(ScanError) -> String {
        let redacted = try engine.redactText(Array(text.text.utf8), scope: text.isToolArguments ? .secrets : .all)
        guard !redacted.findings.isEmpty else { return text.text }
        if !text.isRepeat { Inspector.add(redacted.findings, to: &closed) }
        return String(decoding: redacted.body, as: UTF8.self)
    }
}

/// An answer that is text of any kind, redacted as it passes.
final class TextAnswer: AnswerFilter {
    let isWhole = false
    let usage: ReportedUsage? = nil
    private var redactor: StreamRedactor

    init(_ engine: Engine, scope: Scope) { redactor = StreamRedactor(engine, scope: scope) }

    var findings: [String: UInt64] {
        var all: [String: UInt64] = [:]
        Inspector.add(redactor.findings, to: &all)
        return all
    }

    func feed(_ bytes: ByteBuffer) throws(AnswerFailure) -> ByteBuffer? {
        do throws(ScanError) { return ByteBuffer(bytes: try redactor.feed(Array(bytes.readableBytesView))) } catch {
            throw AnswerFailure(code: .scannerFailed, reason: "\(error)")
        }
    }

    func finish() throws(AnswerFailure) -> ByteBuffer? {
        do throws(ScanError) { return ByteBuffer(bytes: try redactor.finish()) } catch {
            throw AnswerFailure(code: .scannerFailed, reason: "\(error)")
        }
    }

    func closing(note: String) -> ByteBuffer? { nil }
}
