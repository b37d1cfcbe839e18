// WebSocketReader: bytes from one side of a connection, in any pieces, to whole messages and control frames. Strict
// (RFC 6455, RFC 7692): what a lenient peer might read otherwise ends the connection. Holds one message at most.

import Coding

public enum WebSocketEvent: Sendable, Hashable {
    case text([UInt8])
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    /// Nothing comes after it. No code: the frame had none.
    case close(CloseCode?, reason: String)
    /// The peer broke the protocol; nothing comes after it. `closeCode` is what to tell it.
    case failed(WebSocketFault)
}

public struct WebSocketReader: ~Copyable {
    private let peer: WebSocketSide
    private let limit: Int
    /// Nil where permessage-deflate was not agreed on.
    private var inflater: MessageInflater?

    /// The head of the frame that is being read, as far as it came.
    private var start: [UInt8] = []
    private var frame: FrameHead?
    /// Bytes of the frame's payload that came.
    private var taken = 0
    private var control: [UInt8] = []
    private var message: [UInt8] = []
    /// Text or binary, while a message is being read.
    private var kind: Opcode?
    private var isCompressed = false
    private var isOver = false

    /// - Parameters:
    ///   - peer: who wrote the bytes.
    ///   - limit: most bytes of a message, decompressed.
    public init(from peer: WebSocketSide, deflate: DeflateAgreement?, limit: Int) {
        self.peer = peer
        self.limit = limit
        if let deflate { inflater = MessageInflater(keepsContext: deflate[peer].keepsContext, limit: limit) }
    }

    /// Everything that these bytes complete.
    public mutating func feed(_ bytes: RawSpan) -> [WebSocketEvent] {
        var events: [WebSocketEvent] = []
        do throws(WebSocketFault) {
            try read(bytes, into: &events)
        } catch {
            isOver = true
            message = []
            events.append(.failed(error))
        }
        return events
    }

    public mutating func feed(_ bytes: [UInt8]) -> [WebSocketEvent] { feed(bytes.span.bytes) }

    private mutating func read(_ bytes: RawSpan, into events: inout [WebSocketEvent]) throws(WebSocketFault) {
        var at = 0
        while at < bytes.byteCount, !isOver {
            guard let frame else {
                start.append(bytes.unsafeLoad(fromByteOffset: at, as: UInt8.self))
                at += 1
                guard let head = try FrameHead.read(start)?.head else { continue }
                start.removeAll(keepingCapacity: true)
                try begin(head)
                if head.length == 0 { try end(head, into: &events) }
                continue
            }
            let count = min(frame.length - taken, bytes.byteCount - at)
            try take(bytes.extracting(at..<(at + count)), of: frame)
            at += count
            if taken == frame.length { try end(frame, into: &events) }
        }
    }

    private mutating func begin(_ head: FrameHead) throws(WebSocketFault) {
        guard (head.mask != nil) == (peer == .client) else { throw .masking }
        let opens = head.opcode == .text || head.opcode == .binary
        guard !head.isCompressed || opens && inflater != nil else { throw .reservedBits }
        if opens {
            guard kind == nil else { throw .fragments }
            (kind, isCompressed) = (head.opcode, head.isCompressed)
        } else if head.opcode == .continuation {
            guard kind != nil else { throw .fragments }
        }
        // Before the bytes come. Of a compressed frame only what comes out counts.
        if !head.opcode.isControl, !isCompressed, head.length > limit - message.count { throw .tooLarge }
        (frame, taken) = (head, 0)
    }

    private mutating func take(_ bytes: RawSpan, of frame: FrameHead) throws(WebSocketFault) {
        var piece = bytes.withUnsafeBytes { [UInt8]($0) }
        if let mask = frame.mask { applyMask(mask, to: &piece, offset: taken) }
        taken += piece.count
        if frame.opcode.isControl {
            control += piece
        } else if isCompressed {
            do throws(CodingFault) { try inflater?.feed(piece.span.bytes, into: &message) } catch { throw .compressed(error) }
        } else {
            message += piece
        }
    }

    private mutating func end(_ head: FrameHead, into events: inout [WebSocketEvent]) throws(WebSocketFault) {
        frame = nil
        guard !head.opcode.isControl else {
            let payload = control
            control = []
            switch head.opcode {
            case .ping: events.append(.ping(payload))
            case .pong: events.append(.pong(payload))
            default:
                events.append(try Self.closing(payload))
                isOver = true
            }
            return
        }
        guard head.isLast, let kind else { return }
        if isCompressed {
            do throws(CodingFault) { try inflater?.endMessage(into: &message) } catch { throw .compressed(error) }
        }
        let whole = message
        message = []
        self.kind = nil
        guard kind == .text else { return events.append(.binary(whole)) }
        guard Self.isUTF8(whole) else { throw .notUTF8 }
        events.append(.text(whole))
    }

    private static func closing(_ payload: [UInt8]) throws(WebSocketFault) -> WebSocketEvent {
        guard !payload.isEmpty else { return .close(nil, reason: "") }
        guard payload.count >= 2, let code = CloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1])) else {
            throw .closeFrame
        }
        guard let reason = String(validating: payload[2...], as: UTF8.self) else { throw .notUTF8 }
        return .close(code, reason: reason)
    }

    private static func isUTF8(_ bytes: [UInt8]) -> Bool { (try? UTF8Span(validating: bytes.span)) != nil }
}
