// Handshake: the one computation of the opening handshake (RFC 6455 §4), with the hash passed in.

import Vocabulary

public enum WebSocketHandshake {
    private static let salt = Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)

    /// Whether a Sec-WebSocket-Key is sixteen bytes in base64.
    public static func isKey(_ key: String) -> Bool { Base64.decode(key)?.count == 16 }

    /// The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key.
    public static func accept(key: String, sha1: ([UInt8]) -> [UInt8]) -> String {
        Base64.encode(sha1(Array(key.utf8) + salt))
    }
}
