// WebSocketFault: what a peer did against RFC 6455 or 7692, and CloseCode, the number that tells it so.

public import Coding

/// A status of a close frame (RFC 6455 §7.4).
public struct CloseCode: RawRepresentable, Sendable, Hashable {
    public let rawValue: UInt16

    /// - Parameter rawValue: one that may stand in a frame: registered for that, or in 3000…4999. 1004, 1005, 1006 and 1015 may not.
    public init?(rawValue: UInt16) {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: self.rawValue = rawValue
        default: return nil
        }
    }

    private init(_ rawValue: UInt16) { self.rawValue = rawValue }

    public static let normal = CloseCode(1000)
    public static let goingAway = CloseCode(1001)
    public static let protocolError = CloseCode(1002)
    public static let invalidData = CloseCode(1007)
    public static let policyViolation = CloseCode(1008)
    public static let tooBig = CloseCode(1009)
    public static let internalError = CloseCode(1011)
}

public enum WebSocketFault: Error, Sendable, Hashable {
    case reservedBits
    case unknownOpcode
    /// A length in a longer form than it needs, or with the top bit set.
    case length
    /// A control frame in pieces or longer than 125 bytes.
    case controlFrame
    /// A client's frame without a mask, or a server's with one.
    case masking
    /// A continuation of nothing, or a new message within a message.
    case fragments
    /// A close frame of one byte, or with a status that may not stand there.
    case closeFrame
    case notUTF8
    /// A message longer than the limit.
    case tooLarge
    case compressed(CodingFault)
    /// The server agreed to an extension, or to a parameter of one, that was not offered.
    case extensions

    public var closeCode: CloseCode {
        switch self {
        case .notUTF8: .invalidData
        case .tooLarge, .compressed(.tooLarge), .compressed(.bomb): .tooBig
        case .compressed(.memory): .internalError
        case .compressed: .invalidData
        default: .protocolError
        }
    }
}

extension WebSocketFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .reservedBits: "reserved bits are set"
        case .unknownOpcode: "an opcode that is not known"
        case .length: "a length that is not in its shortest form"
        case .controlFrame: "a control frame in pieces or longer than \(FrameHead.mostControlBytes) bytes"
        case .masking: "a frame that is masked by the wrong side or not by the right one"
        case .fragments: "messages out of order"
        case .closeFrame: "a close frame that is damaged"
        case .notUTF8: "text that is not UTF-8"
        case .tooLarge: "a message that is too large"
        case .compressed(let fault): "a compressed message: \(fault)"
        case .extensions: "an extension that was not offered"
        }
    }
}
