// WebSocketRelay: the two directions of one WebSocket (RFC 6455). Each message is read whole, scanned as a body of its
// direction would be, and written anew for the other side, compressed there as that side agreed to. No I/O.

import Coding
import NIOCore
import Policy
import Profile
import Providers
import Redaction
import Vocabulary
import WebSocketFrames

final class WebSocketRelay {
    /// What one read leads to.
    struct Step {
        var toAgent = ByteBuffer()
        var toUpstream = ByteBuffer()
        /// A message that may not go on; the connection ends with it.
        var refusal: Refusal?
    }

    private let inspector: Inspector
    private let grant: RequestGrant
    private let words: RefusalWords
    private let mask: KeyMask?
    private var agentReader: WebSocketReader
    private var agentWriter: WebSocketWriter
    private var upstreamReader: WebSocketReader
    private var upstreamWriter: WebSocketWriter
    /// A side that has said close says nothing more.
    private var agentClosed = false
    private var upstreamClosed = false
    private(set) var sent: [String: UInt64] = [:]
    private(set) var received: [String: UInt64] = [:]

    /// - Parameters:
    ///   - agent: permessage-deflate as agreed with the agent; nil: none.
    ///   - upstream: the same with the host.
    init(
        inspector: Inspector, grant: RequestGrant, words: RefusalWords, mask: KeyMask?, agent: DeflateAgreement?,
        upstream: DeflateAgreement?
    ) {
        self.inspector = inspector
        self.grant = grant
        self.words = words
        self.mask = mask
        let limit = Int(clamping: grant.bodyLimit)
        var random = SystemRandomNumberGenerator()
        agentReader = WebSocketReader(from: .client, deflate: agent, limit: limit)
        agentWriter = WebSocketWriter(as: .server, deflate: agent) { 0 }
        upstreamReader = WebSocketReader(from: .server, deflate: upstream, limit: limit)
        upstreamWriter = WebSocketWriter(as: .client, deflate: upstream) { random.next() }
    }

    /// Both sides have said close, or one broke the protocol.
    var isOver: Bool { agentClosed && upstreamClosed }

    func fromAgent(_ bytes: ByteBuffer) -> Step {
        var step = Step()
        for event in agentReader.feed(Array(bytes.readableBytesView)) where !agentClosed {
            do throws(Refusal) {
                switch event {
                case .text(let text):
                    let text = try outbound(text)
                    step.toUpstream.writeBytes(try coded { () throws(CodingFault) in try upstreamWriter.text(text) })
                case .binary(let bytes):
                    guard grant.binary == .allow else { throw binaryRefusal }
                    step.toUpstream.writeBytes(try coded { () throws(CodingFault) in try upstreamWriter.binary(bytes) })
                // Answered here: what a ping carries is nobody's to scan, and so crosses in neither direction.
                case .ping(let payload): step.toAgent.writeBytes(agentWriter.pong(payload))
                case .pong: break
                case .close(let code, let reason):
                    agentClosed = true
                    let reason = String(decoding: try outbound(Array(reason.utf8)), as: UTF8.self)
                    step.toUpstream.writeBytes(upstreamWriter.close(code, reason: reason))
                case .failed(let fault):
                    throw words.refusal(.malformed, reason: "WebSocket, from the agent: \(fault)", what: "WebSocket: \(fault)")
                }
            } catch {
                end(error, .policyViolation, &step)
            }
        }
        return step
    }

    func fromUpstream(_ bytes: ByteBuffer) -> Step {
        var step = Step()
        for event in upstreamReader.feed(Array(bytes.readableBytesView)) where !upstreamClosed {
            do throws(Refusal) {
                switch event {
                case .text(let text):
                    let text = try inbound(text)
                    step.toAgent.writeBytes(try coded { () throws(CodingFault) in try agentWriter.text(text) })
                case .binary(let bytes):
                    let bytes = masked(bytes)
                    step.toAgent.writeBytes(try coded { () throws(CodingFault) in try agentWriter.binary(bytes) })
                case .ping(let payload): step.toUpstream.writeBytes(upstreamWriter.pong(payload))
                case .pong: break
                case .close(let code, let reason):
                    upstreamClosed = true
                    let reason = String(decoding: try inbound(Array(reason.utf8)), as: UTF8.self)
                    step.toAgent.writeBytes(agentWriter.close(code, reason: reason))
                case .failed(let fault):
                    throw words.refusal(
                        .malformed, reason: "WebSocket, from the host: \(fault)", what: "the host broke the WebSocket protocol")
                }
            } catch {
                end(error, .internalError, &step)
            }
        }
        return step
    }

    /// A close for the agent in mid-stream; nil: one was sent.
    func closing(note: String) -> ByteBuffer? {
        guard !upstreamClosed else { return nil }
        (agentClosed, upstreamClosed) = (true, true)
        return ByteBuffer(bytes: agentWriter.close(.policyViolation, reason: note))
    }

    private func end(_ refusal: Refusal, _ code: CloseCode, _ step: inout Step) {
        step.refusal = refusal
        // The agent reads why, the host only that it is over.
        if !upstreamClosed { step.toAgent.writeBytes(agentWriter.close(code, reason: refusal.told)) }
        step.toUpstream.writeBytes(upstreamWriter.close(.goingAway))
        (agentClosed, upstreamClosed) = (true, true)
    }

    // MARK: Scanning

    private func outbound(_ bytes: [UInt8]) throws(Refusal) -> [UInt8] {
        guard !bytes.isEmpty else { return bytes }
        return try inspector.request(bytes, type: .unknown, grant: grant, words: words, findings: &sent)
    }

    private func inbound(_ bytes: [UInt8]) throws(Refusal) -> [UInt8] {
        do throws(AnswerFailure) {
            return masked(try inspector.message(bytes, grant: grant, findings: &received))
        } catch {
            throw words.refusal(error.code, reason: error.reason, what: "a message of the host could not be checked")
        }
    }

    private func masked(_ bytes: [UInt8]) -> [UInt8] {
        guard var mask else { return bytes }
        var out = mask.feed(ByteBuffer(bytes: bytes))
        out.writeImmutableBuffer(mask.finish())
        return Array(out.readableBytesView)
    }

    private var binaryRefusal: Refusal {
        words.refusal(
            .binaryContent, reason: "a binary WebSocket message; pii_handling.binary is block",
            what: "binary messages are not allowed")
    }

    private func coded(_ write: () throws(CodingFault) -> [UInt8]) throws(Refusal) -> [UInt8] {
        do throws(CodingFault) { return try write() } catch {
            throw words.refusal(.scannerFailed, reason: "WebSocket: \(error)", what: "a message could not be compressed")
        }
    }
}
