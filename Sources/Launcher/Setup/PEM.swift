// PEM: the one thing the launcher wants of a certificate, its fingerprint.

import LogStore
import Vocabulary

enum PEM {
    /// SHA-256 of the first certificate's DER as `sha256:…`; nil when the text holds none.
    static func fingerprint(_ pem: [UInt8]) -> String? {
        let text = String(decoding: pem, as: UTF8.self)
        guard let begin = text.firstRange(of: "-----BEGIN CERTIFICATE-----"),
            let end = text.firstRange(of: "-----END CERTIFICATE-----"),
            begin.upperBound < end.lowerBound
        else { return nil }
        let base64 = text[begin.upperBound..<end.lowerBound].filter { !$0.isWhitespace }
        return Base64.decode(base64).map { AuditCrypto.digestText($0) }
    }
}
