// PEM: certificates in a bundle, as DER. A bundle is some 150 of them and read at every start beside a Java, so it is one
// pass over the bytes.

import LogStore
import Vocabulary

enum PEM {
    private static let begin = Array("-----BEGIN CERTIFICATE-----".utf8)
    private static let end = Array("-----END CERTIFICATE-----".utf8)
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
        var found: [[UInt8]] = []
        var der: [UInt8]?
        var group: UInt32 = 0
        var filled = 0
        var at = 0
        while at < pem.count {
            let line = at..<(pem[at...].firstIndex(of: UInt8(ascii: "\n")) ?? pem.count)
            at = line.upperBound + 1
            if pem[line].starts(with: begin) {
                der = []
                der?.reserveCapacity(2048)
                (group, filled) = (0, 0)
            } else if pem[line].starts(with: end) {
                if let whole = der, !whole.isEmpty { found.append(whole) }
                der = nil
            } else if der != nil {
                for index in line {
                    let value = values[Int(pem[index])]
                    if value == 64 { continue }
                    group = group << 6 | UInt32(value)
                    filled += 6
                    if filled >= 8 {
                        filled -= 8
                        der?.append(UInt8(truncatingIfNeeded: group >> UInt32(filled)))
                    }
                }
            }
        }
        return found
    }

    /// SHA-256 of the first certificate's DER as `sha256:…`; nil when the text holds none.
    static func fingerprint(_ pem: [UInt8]) -> String? { certificates(in: pem).first.map { AuditCrypto.digestText($0) } }
}
