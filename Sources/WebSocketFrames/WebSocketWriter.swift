// WebSocketWriter: messages and control frames to bytes, one frame each, compressed where that was agreed on.

public import Coding

public struct WebSocketWriter: ~Copyable {
    private let side: WebSocketSide
    private let nextMask: () -> UInt32
    private var deflater: MessageDeflater?

    /// - Parameters:
    ///   - side: who writes.
    ///   - nextMask: for a client, a number that nobody can foretell, for each frame (RFC 6455 §5.3). A server masks nothing.
    public init(as side: WebSocketSide, deflate: DeflateAgreement?, nextMask: @escaping () -> UInt32) {
        self.side = side
        self.nextMask = nextMask
        // A window of 256 bytes may be agreed on, but zlib cannot write one: such a side sends its messages as they are.
        if let deflate, deflate[side].windowBits > 8 {
            deflater = MessageDeflater(keepsContext: deflate[side].keepsContext, windowBits: deflate[side].windowBits)
        }
    }

    /// - Parameter text: in UTF-8.
    public mutating func text(_ text: [UInt8]) throws(CodingFault) -> [UInt8] { try message(.text, text) }

    public mutating func binary(_ bytes: [UInt8]) throws(CodingFault) -> [UInt8] { try message(.binary, bytes) }

    /// - Parameter payload: 125 bytes at most; more are cut off.
    public func ping(_ payload: [UInt8]) -> [UInt8] { control(.ping, payload) }

    /// - Parameter payload: 125 bytes at most; more are cut off.
    public func pong(_ payload: [UInt8]) -> [UInt8] { control(.pong, payload) }

    /// - Parameter reason: 123 bytes of UTF-8 at most; more are cut off, between two characters.
    public func close(_ code: CloseCode?, reason: String = "") -> [UInt8] {
        guard let code else { return control(.close, []) }
        var text = ""
        for character in reason {
            guard text.utf8.count + String(character).utf8.count <= FrameHead.mostControlBytes - 2 else { break }
            text.append(character)
        }
        return control(.close, [UInt8(code.rawValue >> 8), UInt8(code.rawValue & 0xff)] + Array(text.utf8))
    }

    private mutating func message(_ opcode: Opcode, _ bytes: [UInt8]) throws(CodingFault) -> [UInt8] {
        guard let payload = try deflater?.message(bytes.span.bytes) else { return frame(opcode, bytes, isCompressed: false) }
        return frame(opcode, payload, isCompressed: true)
    }

    private func control(_ opcode: Opcode, _ payload: [UInt8]) -> [UInt8] {
        frame(opcode, Array(payload.prefix(FrameHead.mostControlBytes)), isCompressed: false)
    }

    private func frame(_ opcode: Opcode, _ payload: [UInt8], isCompressed: Bool) -> [UInt8] {
        let mask = side == .client ? nextMask() : nil
        let head = FrameHead(isLast: true, isCompressed: isCompressed, opcode: opcode, length: payload.count, mask: mask)
        var payload = payload
        if let mask { applyMask(mask, to: &payload, offset: 0) }
        return head.bytes + payload
    }
}
