// RequestHeadParser: one request head, from bytes to values. Everything that a proxy and the server behind it could
// read in two ways is refused (request smuggling lives there). Pure.

import NIOHTTP1

enum RequestHeadParser {
    static func parse(_ bytes: [UInt8]) throws(RequestFault) -> RequestHead {
        var lines = bytes[...]
        let first = try nextLine(&lines)
        let (method, target, isOld) = try requestLine(first)
        var headers = HTTPHeaders()
        headers.reserveCapacity(16)
        while !lines.isEmpty {
            let line = try nextLine(&lines)
            let (name, value) = try field(line)
            headers.add(name: name, value: value)
        }
        return try head(method: method, target: target, isOld: isOld, headers: headers)
    }

    /// Cuts one line off; only CR LF ends a line.
    private static func nextLine(_ rest: inout ArraySlice<UInt8>) throws(RequestFault) -> ArraySlice<UInt8> {
        guard let end = rest.firstIndex(where: { $0 == 0x0a || $0 == 0x0d || $0 == 0 }) else {
            defer { rest = [] }
            return rest
        }
        guard rest[end] == 0x0d, end + 1 < rest.endIndex, rest[end + 1] == 0x0a else {
            throw RequestFault(.badRequest, rest[end] == 0 ? "NUL in the head" : "bare line end in the head")
        }
        defer { rest = rest[(end + 2)...] }
        return rest[..<end]
    }

    private static func requestLine(_ line: ArraySlice<UInt8>) throws(RequestFault) -> (String, String, Bool) {
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 3, (1...32).contains(parts[0].count), parts[0].allSatisfy(isToken) else {
            throw RequestFault(.badRequest, "no HTTP request line")
        }
        let isOld: Bool
        switch String(decoding: parts[2], as: UTF8.self) {
        case "HTTP/1.1": isOld = false
        case "HTTP/1.0": isOld = true
        default: throw RequestFault(.httpVersionNotSupported, "HTTP version")
        }
        let method = String(decoding: parts[0], as: UTF8.self)
        try check(method: method, target: parts[1])
        return (method, String(decoding: parts[1], as: UTF8.self), isOld)
    }

    /// Method and target, however they were framed.
    static func check(method: String, target: ArraySlice<UInt8>) throws(RequestFault) {
        guard target.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") }) else {
            throw RequestFault(.badRequest, "bad byte in the request target")
        }
        guard target.first == UInt8(ascii: "/") || (method == "OPTIONS" && target.elementsEqual("*".utf8)) else {
            // CONNECT and absolute form are spoken to a proxy; here no client knows that there is one.
            throw RequestFault(.badRequest, "request target is not a path (this is not a forward proxy)")
        }
        guard method != "CONNECT", method != "TRACE" else { throw RequestFault(.methodNotAllowed, "method \(method)") }
    }

    static func field(_ line: ArraySlice<UInt8>) throws(RequestFault) -> (String, String) {
        guard let first = line.first, first != 0x20, first != 0x09 else { throw RequestFault(.badRequest, "folded header line") }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex, line[..<colon].allSatisfy(isToken) else {
            throw RequestFault(.badRequest, "bad header name")
        }
        var value = line[(colon + 1)...]
        while let byte = value.first, byte == 0x20 || byte == 0x09 { value = value.dropFirst() }
        while let byte = value.last, byte == 0x20 || byte == 0x09 { value = value.dropLast() }
        guard isValue(value), let text = String(validating: value, as: UTF8.self) else {
            throw RequestFault(.badRequest, "bad byte in a header value")
        }
        return (String(decoding: line[..<colon], as: UTF8.self), text)
    }

    static func isValue(_ bytes: some Sequence<UInt8>) -> Bool {
        bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
    }

    private static func head(method: String, target: String, isOld: Bool, headers: HTTPHeaders) throws(RequestFault) -> RequestHead
    {
        var headers = headers
        let codings = headers["transfer-encoding"]
        let length = try contentLength(headers)
        guard length == nil || codings.isEmpty else {
            throw RequestFault(.badRequest, "both Content-Length and Transfer-Encoding")
        }
        if let coding = codings.first {
            guard codings.count == 1, coding.lowercased() == "chunked", !isOld else {
                throw RequestFault(.notImplemented, "Transfer-Encoding other than chunked")
            }
        }
        guard headers["content-type"].count <= 1 else { throw RequestFault(.badRequest, "more than one Content-Type") }
        guard headers["host"].count == 1 else { throw RequestFault(.badRequest, "not exactly one Host") }
        let expectsContinue = try expectsContinue(headers) && !isOld
        let options = headers[canonicalForm: "connection"].map { $0.lowercased() }
        let hasBody = !codings.isEmpty || (length ?? 0) > 0
        // HTTP/1.0 knows no upgrade (RFC 9110 §7.8).
        let webSocket = isOld ? nil : try WebSocketOffer.take(from: &headers, method: method, hasBody: hasBody, isHTTP2: false)
        return RequestHead(
            method: method, target: target, headers: headers, isOld: isOld, keepsAlive: !isOld && !options.contains("close"),
            hasBody: hasBody, contentLength: length, expectsContinue: expectsContinue, webSocket: webSocket)
    }

    static func contentLength(_ headers: HTTPHeaders) throws(RequestFault) -> Int? {
        let lengths = headers["content-length"]
        guard let text = lengths.first else { return nil }
        guard lengths.count == 1, (1...15).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let value = Int(text)
        else { throw RequestFault(.badRequest, "bad Content-Length") }
        return value
    }

    static func expectsContinue(_ headers: HTTPHeaders) throws(RequestFault) -> Bool {
        guard let expectation = headers.first(name: "expect") else { return false }
        guard expectation.lowercased() == "100-continue" else { throw RequestFault(.expectationFailed, "unknown Expect") }
        return true
    }

    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "'"),
            UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"),
            UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
