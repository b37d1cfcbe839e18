// EventAnswer: a provider's streamed answer, event by event. Each event is read, its words redacted, and sent on in the
// same turn; only text that may be the beginning of something sensitive waits.

import NIOCore
import Providers
import Redaction
import Vocabulary

final class EventAnswer: AnswerFilter {
    let isWhole = false
    private var splitter: any FrameSplitter
    private var reader: StreamReader
    /// nil: words pass as they are.
    private let redactors: StreamRedactors?

    init(_ call: ModelCall, redactors: StreamRedactors?) {
        splitter = call.operation.framing(call.provider).splitter()
        reader = StreamReader(
            call.operation, provider: call.provider, stripUsage: call.injectedUsage, dropLogprobs: redactors != nil)
        self.redactors = redactors
    }

    var usage: ReportedUsage? { reader.usage }
    var findings: [String: UInt64] { redactors?.findings ?? [:] }
    /// The protocol's own end was seen: the usage is final.
    var isComplete: Bool { reader.isFinished }

    func feed(_ bytes: ByteBuffer) throws(AnswerFailure) -> ByteBuffer? {
        let events: [any StreamFrame]
        do throws(FrameError) { events = try splitter.split(bytes.readableBytesView) } catch {
            switch error {
            case .tooLarge: throw AnswerFailure(code: .tooLarge, reason: "an event of the answer is too large to scan")
            case .damaged: throw AnswerFailure(code: .malformed, reason: "an event of the answer is damaged")
            }
        }
        var out = ByteBuffer()
        for event in events { out.writeBytes(try render(event)) }
        return out.readableBytes > 0 ? out : nil
    }

    private func render(_ event: any StreamFrame) throws(AnswerFailure) -> [UInt8] {
        var failure: ScanError?
        func attempt(_ scan: (StreamRedactors) throws(ScanError) -> String, _ plain: String) -> String {
            guard let redactors else { return plain }
            do throws(ScanError) { return try scan(redactors) } catch {
                failure = error
                return ""
            }
        }
        let rendered = reader.render(
            event,
            feed: { channel, text in attempt({ redactors throws(ScanError) in try redactors.feed(channel, text) }, text) },
            finish: { channel in attempt({ redactors throws(ScanError) in try redactors.finish(channel) }, "") },
            whole: { text in attempt({ redactors throws(ScanError) in try redactors.whole(text) }, text.text) })
        if let failure { throw AnswerFailure(code: .scannerFailed, reason: "\(failure)") }
        guard let rendered else { throw AnswerFailure(code: .malformed, reason: "an event of the answer is not the provider's") }
        return rendered
    }

    /// What channels still hold at the end: a stream that ends without the provider's closing events.
    func finish() throws(AnswerFailure) -> ByteBuffer? {
        guard let redactors else { return nil }
        var out = ByteBuffer()
        for channel in reader.openChannels {
            do throws(ScanError) {
                let held = try redactors.finish(channel)
                if !held.isEmpty { out.writeBytes(reader.flushEvent(channel, text: held)) }
            } catch {
                throw AnswerFailure(code: .scannerFailed, reason: "\(error)")
            }
        }
        // An event without its blank line was never whole: no client acts on it (WHATWG HTML §9.2.6).
        return out.readableBytes > 0 ? out : nil
    }

    func closing(note: String) -> ByteBuffer? { ByteBuffer(bytes: reader.closing(note: note)) }
}
