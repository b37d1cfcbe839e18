// HTTP2RequestHead: one request head out of an HTTP/2 header block (RFC 9113 §8.3), as strictly as HTTP/1.1's. NIOHTTP2
// has checked the pseudo-headers' number and order and the field names; what two servers read differently is refused here.

import NIOHPACK
import NIOHTTP1

enum HTTP2RequestHead {
    static func parse(_ block: HPACKHeaders, endsStream: Bool, limit: Int) throws(RequestFault) -> RequestHead {
        var pseudo: [String: String] = [:]
        var headers = HTTPHeaders()
        var cookies: [String] = []
        headers.reserveCapacity(block.count)
        var size = 0
        for (name, value, _) in block {
            // As HPACK counts (RFC 7541 §4.1).
            size += name.utf8.count + value.utf8.count + 32
            guard RequestHeadParser.isValue(value.utf8) else { throw RequestFault(.badRequest, "bad byte in a header value") }
            if name.utf8.first == UInt8(ascii: ":") {
                pseudo[name] = value
            } else if name == "cookie" {
                cookies.append(value)  // may come in crumbs (§8.2.3)
            } else {
                headers.add(name: name, value: value)
            }
        }
        guard size <= limit else {
            throw RequestFault(.requestHeaderFieldsTooLarge, "head over \(limit) bytes")
        }
        guard var method = pseudo[":method"], let target = pseudo[":path"], pseudo[":scheme"] == "https" else {
            throw RequestFault(.badRequest, "not an https request")
        }
        let tunnel = pseudo[":protocol"]
        if let tunnel {
            guard tunnel == "websocket", method == "CONNECT" else {
                throw RequestFault(.notImplemented, "an upgrade to something other than WebSocket")
            }
            method = "GET"  // what it is over HTTP/1.1, in a rule's eyes and upstream (RFC 8441 §4)
        }
        guard (1...32).contains(method.utf8.count), method.utf8.allSatisfy(RequestHeadParser.isToken) else {
            throw RequestFault(.badRequest, "bad method")
        }
        try RequestHeadParser.check(method: method, target: Array(target.utf8)[...])
        let hosts = headers["host"]
        guard hosts.count <= 1, let authority = pseudo[":authority"] ?? hosts.first, hosts.allSatisfy({ $0 == authority }) else {
            throw RequestFault(.badRequest, "not exactly one :authority, or a Host that differs from it")
        }
        if hosts.isEmpty { headers.add(name: "host", value: authority) }
        if !cookies.isEmpty { headers.add(name: "cookie", value: cookies.joined(separator: "; ")) }
        guard headers["content-type"].count <= 1 else { throw RequestFault(.badRequest, "more than one Content-Type") }
        let length = try RequestHeadParser.contentLength(headers)
        let webSocket =
            tunnel == nil ? nil : try WebSocketOffer.take(from: &headers, method: method, hasBody: !endsStream, isHTTP2: true)
        return RequestHead(
            method: method, target: target, headers: headers, isOld: false, keepsAlive: true,
            hasBody: !endsStream && webSocket == nil, contentLength: length,
            expectsContinue: try RequestHeadParser.expectsContinue(headers), webSocket: webSocket)
    }
}
