// Frame: the head of a WebSocket frame (RFC 6455 §5.2), read strictly and written in its shortest form.

/// Which end of the connection: it decides who masks and which parameters of permessage-deflate are whose.
public enum WebSocketSide: Sendable, Hashable {
    case client, server
}

enum Opcode: UInt8 {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xa

    var isControl: Bool { rawValue & 0x8 != 0 }
}

struct FrameHead: Equatable {
    /// Most bytes of a control frame's payload (RFC 6455 §5.5).
    static let mostControlBytes = 125

    var isLast: Bool
    /// RSV1: the first frame of a compressed message (RFC 7692 §6).
    var isCompressed: Bool
    var opcode: Opcode
    var length: Int
    var mask: UInt32?

    /// - Parameter bytes: from a frame's first byte on.
    /// - Returns: the head and how many bytes it has; nil while there are too few.
    static func read(_ bytes: [UInt8]) throws(WebSocketFault) -> (head: FrameHead, size: Int)? {
        guard bytes.count >= 2 else { return nil }
        guard bytes[0] & 0x30 == 0 else { throw .reservedBits }
        guard let opcode = Opcode(rawValue: bytes[0] & 0x0f) else { throw .unknownOpcode }
        let isMasked = bytes[1] & 0x80 != 0
        let short = bytes[1] & 0x7f
        let extra = short < 126 ? 0 : short == 126 ? 2 : 8
        let size = 2 + extra + (isMasked ? 4 : 0)
        guard bytes.count >= size else { return nil }
        let long = bytes[2..<(2 + extra)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        // The shortest form only, and no top bit (RFC 6455 §5.2).
        guard extra == 0 || long >= (extra == 2 ? 126 : 1 << 16), let length = Int(exactly: extra == 0 ? UInt64(short) : long)
        else { throw .length }
        let mask = isMasked ? bytes[(size - 4)..<size].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } : nil
        let head = FrameHead(
            isLast: bytes[0] & 0x80 != 0, isCompressed: bytes[0] & 0x40 != 0, opcode: opcode, length: length, mask: mask)
        guard !opcode.isControl || head.isLast && length <= mostControlBytes else { throw .controlFrame }
        return (head, size)
    }

    var bytes: [UInt8] {
        var bytes = [(isLast ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode.rawValue]
        let masked: UInt8 = mask == nil ? 0 : 0x80
        switch length {
        case ..<126: bytes.append(masked | UInt8(length))
        case ..<(1 << 16): bytes += [masked | 126, UInt8(length >> 8), UInt8(length & 0xff)]
        default: bytes += [masked | 127] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
        }
        if let mask { bytes += (0..<4).reversed().map { UInt8(truncatingIfNeeded: mask >> (8 * $0)) } }
        return bytes
    }
}

/// Masking (RFC 6455 §5.3), its own inverse.
/// - Parameter offset: how far into the frame's payload `bytes` starts.
func applyMask(_ mask: UInt32, to bytes: inout [UInt8], offset: Int) {
    let keys = (0..<4).map { UInt8(truncatingIfNeeded: mask >> (24 - 8 * UInt32(($0 + offset) % 4))) }
    var span = bytes.mutableSpan
    for at in 0..<span.count { span[at] ^= keys[at & 3] }
}
