// PEM: certificates in a bundle, as DER. A bundle is some 150 of them and read at every start beside a Java, so it is one
// pass over the bytes.

import LogStore
import Vocabulary

enum PEM {
    private static let begin = Array("-----BEGIN CERTIFICATE-----".utf8)
    private static let end = Array("-----END CERTIFICATE-----".utf8)
    private static let dash = UInt8(ascii: "-")
    private static let newline = UInt8(ascii: "\n")
    /// Value of each base64 character; 64 for any other byte.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 64, count: 256)
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for (value, byte) in alphabet.utf8.enumerated() { values[Int(byte)] = UInt8(value) }
        return values
    }()

    /// RFC 7468; other text and other labels are passed over.
    static func certificates(in pem: [UInt8]) -> [[UInt8]] {
        let values = Self.values
        let text = pem.span
        var found: [[UInt8]] = []
        var der: [UInt8] = []
        var inside = false
        var group: UInt32 = 0
        var bits: UInt32 = 0
        var at = 0
        while at < text.count {
            // Base64 has no dash: one in it is a border, or the certificate is none.
            if text[at] != dash && inside {
                let value = values[Int(text[at])]
                at += 1
                if value == 64 { continue }
                group = group << 6 | UInt32(value)
                bits += 6
                if bits >= 8 {
                    bits -= 8
                    der.append(UInt8(truncatingIfNeeded: group >> bits))
                }
                continue
            }
            var line = at
            while line < text.count, text[line] != newline { line += 1 }
            if pem[at..<line].starts(with: begin) {
                der = []
                der.reserveCapacity(2048)
                (group, bits, inside) = (0, 0, true)
            } else if inside {
                if pem[at..<line].starts(with: end), !der.isEmpty { found.append(der) }
                inside = false
            }
            at = line + 1
        }
        return found
    }

    /// SHA-256 of the first certificate's DER as `sha256:…`; nil when the text holds none.
    static func fingerprint(_ pem: [UInt8]) -> String? { certificates(in: pem).first.map { AuditCrypto.digestText($0) } }
}
