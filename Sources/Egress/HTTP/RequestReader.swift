// RequestReader: HTTP/1.1 requests out of an agent's bytes (RFC 9112), strictly. Not NIOHTTP1's decoder, for three
// reasons: the whole head has one limit, what two servers read differently (obs-fold, bare LF, two lengths) is refused
// before anyone acts on it, and the next request is not parsed before the last one is answered.

import NIOCore
import NIOHTTP1

/// What is wrong with a request's bytes. After it the connection is of no use any more.
struct RequestFault: Error, Sendable, Hashable {
    var status: HTTPResponseStatus
    /// For the record: what, never the bytes.
    var reason: String
    init(_ status: HTTPResponseStatus, _ reason: String) {
        self.status = status
        self.reason = reason
    }

    /// For the agent.
    var told: ByteBuffer { ByteBuffer(string: "akios-exec: the request was refused: \(reason)\n") }
}

struct RequestHead: Sendable, Hashable {
    var method: String
    /// Origin form, as sent: path and query.
    var target: String
    /// The target without its query. By bytes: a target is ASCII, and cutting by characters asks Unicode about each.
    var path: String { String(Substring(target.utf8.prefix { $0 != UInt8(ascii: "?") })) }
    var headers: HTTPHeaders
    /// HTTP/1.0: no chunks in the answer, and the connection ends with it.
    var isOld: Bool
    var keepsAlive: Bool
    var hasBody: Bool
    /// nil: chunked, or no body.
    var contentLength: Int?
    var expectsContinue: Bool
    /// The agent asks for a WebSocket in place of an answer.
    var webSocket: WebSocketOffer?
    /// What rules call it: a WebSocket carries more than a GET does.
    var ruleMethod: String { webSocket == nil ? method : "WEBSOCKET" }
    /// `TE: trailers`: the agent reads what comes after a body.
    var takesTrailers: Bool { headers[canonicalForm: "te"].contains { $0.lowercased() == "trailers" } }

    static func == (a: RequestHead, b: RequestHead) -> Bool {
        a.method == b.method && a.target == b.target && a.headers == b.headers
    }
    func hash(into hasher: inout Hasher) { hasher.combine(target) }
}

struct RequestReader {
    /// The most that any session takes; a profile can say less.
    static let headLimit = 65_536
    static let trailerLimit = 8192
    private static let chunkLineLimit = 256

    enum Event { case head(RequestHead), body(ByteBuffer), end }

    private enum State { case head, fixed(Int), chunkSize, chunk(Int), chunkEnd, trailers(Int) }

    private let headLimit: Int
    private var state = State.head
    private var buffer = ByteBuffer()
    /// Bytes of an unfinished head that were searched already.
    private var searched = 0

    /// Bytes that nobody has asked for yet.
    var pending: Int { buffer.readableBytes }
    /// Whether a request has begun and not ended: closing now cuts it short.
    var isInsideRequest: Bool {
        if case .head = state { return buffer.readableBytes > 0 }
        return true
    }

    /// What came after the last request: a WebSocket's first frames.
    mutating func takeRest() -> ByteBuffer {
        defer { buffer = ByteBuffer() }
        return buffer
    }

    init(headLimit: Int = Self.headLimit) { self.headLimit = headLimit }

    mutating func feed(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The next event, nil while more bytes are needed.
    mutating func next() throws(RequestFault) -> Event? {
        while true {
            switch state {
            case .head:
                guard let lines = try headBytes() else { return nil }
                let head = try RequestHeadParser.parse(lines)
                if let length = head.contentLength {
                    state = .fixed(length)
                } else {
                    state = head.hasBody ? .chunkSize : .fixed(0)
                }
                return .head(head)
            case .fixed(0):
                state = .head
                return .end
            case .fixed(let left):
                guard let part = takeBody(left) else { return nil }
                state = .fixed(left - part.readableBytes)
                return .body(part)
            case .chunkSize:
                guard let line = try line(limit: Self.chunkLineLimit) else { return nil }
                let size = try Self.chunkSize(line)
                state = size == 0 ? .trailers(0) : .chunk(size)
            case .chunk(let left):
                guard let part = takeBody(left) else { return nil }
                state = left == part.readableBytes ? .chunkEnd : .chunk(left - part.readableBytes)
                return .body(part)
            case .chunkEnd:
                guard let line = try line(limit: 2) else { return nil }
                guard line.isEmpty else { throw RequestFault(.badRequest, "chunk longer than it declares") }
                state = .chunkSize
            case .trailers(let seen):
                guard let line = try line(limit: Self.trailerLimit - seen) else { return nil }
                if line.isEmpty {
                    state = .head
                    return .end
                }
                // Trailers are checked and dropped: nothing downstream may act on what no scanner has read.
                _ = try RequestHeadParser.field(line[...])
                state = .trailers(seen + line.count + 2)
            }
        }
    }

    private mutating func takeBody(_ left: Int) -> ByteBuffer? {
        let count = min(left, buffer.readableBytes)
        return count == 0 ? nil : buffer.readSlice(length: count)
    }

    /// The head's bytes without the empty line that ends it.
    private mutating func headBytes() throws(RequestFault) -> [UInt8]? {
        // Clients of old send a stray line end after a body (RFC 9112 §2.2).
        while buffer.getInteger(at: buffer.readerIndex, as: UInt16.self) == 0x0d0a {
            buffer.moveReaderIndex(forwardBy: 2)
            searched = 0
        }
        let from = max(0, searched - 3)
        let end = buffer.withUnsafeReadableBytes { bytes -> Int? in
            var at = from
            while at + 3 < bytes.count {
                if bytes[at + 3] > 0x0d {
                    at += 4
                } else if bytes[at] == 0x0d, bytes[at + 1] == 0x0a, bytes[at + 2] == 0x0d, bytes[at + 3] == 0x0a {
                    return at
                } else {
                    at += 1
                }
            }
            return nil
        }
        guard let end else {
            searched = buffer.readableBytes
            guard searched <= headLimit else {
                throw RequestFault(.requestHeaderFieldsTooLarge, "head over \(headLimit) bytes")
            }
            return nil
        }
        searched = 0
        guard end + 4 <= headLimit else {
            throw RequestFault(.requestHeaderFieldsTooLarge, "head over \(headLimit) bytes")
        }
        let lines = buffer.readBytes(length: end)
        buffer.moveReaderIndex(forwardBy: 4)
        return lines
    }

    private mutating func line(limit: Int) throws(RequestFault) -> [UInt8]? {
        let view = buffer.readableBytesView
        guard let end = view.firstIndex(of: 0x0a) else {
            guard view.count < limit else { throw RequestFault(.badRequest, "line over \(limit) bytes in a chunked body") }
            return nil
        }
        let count = end - view.startIndex
        guard count >= 1, count <= limit, view[end - 1] == 0x0d else {
            throw RequestFault(.badRequest, "bad line end in a chunked body")
        }
        let line = buffer.readBytes(length: count - 1) ?? []
        buffer.moveReaderIndex(forwardBy: 2)
        return line
    }

    private static func chunkSize(_ line: [UInt8]) throws(RequestFault) -> Int {
        // No extension (RFC 9112 §7.1.1): none is in use, and servers that read past them differ about where they end.
        let isHex = line.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x46).contains($0 & 0xdf) }
        guard (1...8).contains(line.count), isHex, let size = Int(String(decoding: line, as: UTF8.self), radix: 16) else {
            throw RequestFault(.badRequest, "bad chunk size, or a chunk extension")
        }
        return size
    }
}
