// HeaderRules: which headers cross the proxy, and how they change on the way. Pure.

import NIOHTTP1

enum HeaderRules {
    /// Belong to one connection (RFC 9110 §7.6.1), plus those that would open another way or another protocol.
    private static let perConnection: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "proxy-authorization",
        "proxy-authenticate", "expect", "http2-settings", "sec-websocket-accept", "sec-websocket-extensions",
    ]
    /// Speak of another method, path or client than the request has: a server that believes them does what no rule allowed.
    private static let ofAnotherRequest: Set<String> = [
        "x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url", "x-original-uri",
        "x-original-host", "x-host", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto",
        "x-forwarded-server", "x-forwarded-prefix", "x-forwarded-path", "x-real-ip",
    ]
    /// With those that are written anew.
    private static let notForwarded = perConnection.union(ofAnotherRequest).union(["host", "content-length", "content-encoding"])
    /// A scanned body is no longer the bytes that these speak of, nor in the coding that it came in.
    private static let ofExactBytes: Set<String> = [
        "content-encoding", "etag", "content-md5", "digest", "content-digest", "repr-digest", "accept-ranges",
    ]

    /// The request's headers as the upstream gets them. `isRewritten`: the body leaves as other bytes than it came.
    /// `scansAnswer`: the answer must come uncoded and whole. A condition of a method that changes something is never dropped.
    static func forward(
        _ headers: HTTPHeaders, method: String, host: String, bodyLength: Int?, isRewritten: Bool = false, scansAnswer: Bool
    ) -> HTTPHeaders {
        let named = named(by: headers)
        let reads = method == "GET" || method == "HEAD"
        var out = HTTPHeaders()
        out.reserveCapacity(16)
        out.add(name: "host", value: host)
        for (name, value) in headers {
            var lower = name.lowercased()
            // CGI and its heirs read both as one.
            if lower.utf8.contains(UInt8(ascii: "_")) { lower = lower.replacing("_", with: "-") }
            guard !notForwarded.contains(lower), !named.contains(lower) else { continue }
            if isRewritten, ofExactBytes.contains(lower) { continue }
            if scansAnswer {
                switch lower {
                case "accept-encoding": continue
                case "range", "if-range", "if-none-match", "if-match": if reads { continue }
                default: break
                }
            }
            out.add(name: name, value: value)
        }
        if scansAnswer { out.add(name: "accept-encoding", value: "identity") }
        if let bodyLength { out.add(name: "content-length", value: String(bodyLength)) }
        return out
    }

    /// The answer's headers as the agent gets them, without framing: the caller adds its own.
    static func answer(_ headers: HTTPHeaders, isRewritten: Bool) -> HTTPHeaders {
        let named = named(by: headers)
        var out = HTTPHeaders()
        out.reserveCapacity(16)
        for (name, value) in headers {
            let lower = name.lowercased()
            guard !perConnection.contains(lower), !named.contains(lower) else { continue }
            // Alt-Svc invites the client to another port or protocol, where nobody listens for it.
            guard lower != "alt-svc", lower != "content-length" else { continue }
            if isRewritten, ofExactBytes.contains(lower) { continue }
            out.add(name: name, value: value)
        }
        return out
    }

    /// An answer's trailers as the agent gets them: none that frame, route or modify the message (RFC 9110 §6.5.1).
    static func trailers(_ headers: HTTPHeaders) -> HTTPHeaders {
        HTTPHeaders(
            headers.compactMap { name, value in
                let lower = name.lowercased()
                let isForbidden = perConnection.contains(lower) || notForwarded.contains(lower) || lower.hasPrefix("content-")
                return isForbidden || lower.hasPrefix(":") || lower == "set-cookie" || lower == "alt-svc" ? nil : (name, value)
            })
    }

    /// Whether a header is one that logins travel in: not scanned, and a place for a broker's key.
    static func isLogin(_ name: String) -> Bool {
        // By hand: this is asked of every header of every request.
        let name = name.utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
        return name.indices.contains { at in
            loginWords.contains { word in word[0] == name[at] && name[at...].starts(with: word) }
        }
    }

    private static let loginWords = [
        "auth", "cookie", "token", "key", "secret", "session", "signature", "password", "credential",
    ].map { Array($0.utf8) }

    /// Headers that `Connection` declares to be of this connection only.
    private static func named(by headers: HTTPHeaders) -> Set<String> {
        Set(headers[canonicalForm: "connection"].map { $0.lowercased() }).subtracting(["close", "keep-alive"])
    }
}
