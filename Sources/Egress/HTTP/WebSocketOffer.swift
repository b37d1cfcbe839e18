// WebSocketOffer: an agent's wish for a WebSocket, over HTTP/1.1 (RFC 6455 §4.2.1) or HTTP/2 (RFC 8441), taken out of its
// request's head; and the head that asks a host for one. Pure but for the key's randomness.

import Crypto
import NIOHTTP1
import Vocabulary
import WebSocketFrames

struct WebSocketOffer: Sendable, Hashable {
    /// What the answer proves to have read; nil over HTTP/2, which needs no proof.
    var key: String?
    /// permessage-deflate as we agree to it; nil: not offered, or in no form that we take.
    var deflate: DeflateAgreement?

    /// Egress speaks for itself on either side, so these do not cross it.
    static let headers = ["sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-accept"]

    /// Takes the offer out of `headers`.
    /// - Returns: nil where no upgrade is asked for. One to anything else is refused: what it leads to nobody could read.
    static func take(from headers: inout HTTPHeaders, method: String, hasBody: Bool, isHTTP2: Bool) throws(RequestFault)
        -> WebSocketOffer?
    {
        if !isHTTP2 {
            let upgrades = headers[canonicalForm: "upgrade"]
            guard !upgrades.isEmpty else { return nil }
            guard upgrades.count == 1, upgrades[0].lowercased() == "websocket",
                headers[canonicalForm: "connection"].contains(where: { $0.lowercased() == "upgrade" }), method == "GET"
            else { throw RequestFault(.notImplemented, "an upgrade to something other than WebSocket") }
        }
        let keys = headers["sec-websocket-key"]
        guard !hasBody || isHTTP2, headers["sec-websocket-version"] == ["13"],
            isHTTP2 || keys.count == 1 && WebSocketHandshake.isKey(keys[0])
        else { throw RequestFault(.badRequest, "a WebSocket handshake that is not RFC 6455's") }
        let deflate = DeflateAgreement.accepting(headers["sec-websocket-extensions"], keepsContext: false)
        for name in Self.headers { headers.remove(name: name) }
        return WebSocketOffer(key: isHTTP2 ? nil : keys[0], deflate: deflate)
    }

    /// What tells the agent that it has its WebSocket.
    var answer: HTTPHeaders {
        var headers = HTTPHeaders()
        if let key {
            headers.add(name: "upgrade", value: "websocket")
            headers.add(name: "connection", value: "Upgrade")
            headers.add(name: "sec-websocket-accept", value: Self.accept(key))
        }
        if let deflate { headers.add(name: "sec-websocket-extensions", value: deflate.answer) }
        return headers
    }

    static func accept(_ key: String) -> String {
        WebSocketHandshake.accept(key: key) { Array(Insecure.SHA1.hash(data: $0)) }
    }
}

/// A WebSocket asked of a host, over a connection of its own.
struct WebSocketQuestion {
    private let key: String
    private let offersDeflate: Bool

    init(offersDeflate: Bool) {
        key = Base64.encode((0..<16).map { _ in UInt8.random(in: 0...255) })
        self.offersDeflate = offersDeflate
    }

    func add(to headers: inout HTTPHeaders) {
        headers.add(name: "connection", value: "Upgrade")
        headers.add(name: "upgrade", value: "websocket")
        headers.add(name: "sec-websocket-version", value: "13")
        headers.add(name: "sec-websocket-key", value: key)
        if offersDeflate { headers.add(name: "sec-websocket-extensions", value: DeflateAgreement.offer) }
    }

    struct Agreed { var deflate: DeflateAgreement? }

    /// What a 101 agreed to; nil: it does not answer this question.
    func read(_ head: HTTPResponseHead) -> Agreed? {
        let headers = head.headers
        guard headers["upgrade"].map({ $0.lowercased() }) == ["websocket"],
            headers[canonicalForm: "connection"].contains(where: { $0.lowercased() == "upgrade" }),
            headers["sec-websocket-accept"] == [WebSocketOffer.accept(key)]
        else { return nil }
        let extensions = headers["sec-websocket-extensions"]
        if extensions.isEmpty { return Agreed(deflate: nil) }
        guard offersDeflate else { return nil }
        do throws(WebSocketFault) { return Agreed(deflate: try DeflateAgreement.reading(answer: extensions)) } catch { return nil }
    }
}
