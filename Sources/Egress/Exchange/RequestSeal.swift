// RequestSeal: a digest of a whole outgoing request under a key of this session's egress. Two requests have the same one only if
// every byte that was asked about and the credential that goes in are the same, and nobody who reads it can try what was in them.

import Crypto
import NIOHTTP1

struct RequestSeal {
    private let key = SymmetricKey(size: .bits256)

    /// Of all that would leave: `headers` and `body` as they are after redaction, still with the placeholders.
    /// - Parameter credential: the name of the one that is put in when the request is sent.
    func digest(
        method: String, host: String, port: UInt16, target: String, headers: HTTPHeaders, body: [UInt8], credential: String?
    ) -> [UInt8] {
        var hash = HMAC<SHA256>(key: key)
        Self.add(["request", method, host, String(port), target, credential ?? "", String(headers.count)], to: &hash)
        for (name, value) in headers { Self.add([name.lowercased(), value], to: &hash) }
        hash.update(data: body)
        return Array(hash.finalize())
    }

    /// Of what a word for the rest of the session covers: the exact path without its query, and no other spelling of it.
    func scope(method: String, host: String, port: UInt16, target: String) -> [UInt8] {
        var hash = HMAC<SHA256>(key: key)
        Self.add(
            ["scope", method, host, String(port), String(Substring(target.utf8.prefix { $0 != UInt8(ascii: "?") }))], to: &hash)
        return Array(hash.finalize())
    }

    /// Each part with its length: no two lists of parts are the same bytes.
    private static func add(_ parts: [String], to hash: inout HMAC<SHA256>) {
        for part in parts {
            hash.update(data: Array("\(part.utf8.count):".utf8))
            hash.update(data: Array(part.utf8))
        }
    }
}
