// ClientHello: the server name out of a TLS client's first flight (RFC 8446 §4.1.2, RFC 6066 §3). NIOTLS' SNIHandler
// falls back silently on garbage; here garbage, a half and a missing name are three different answers, because each has
// its own record. Slices by declared length only; pure.

import Vocabulary

enum ClientHello: Sendable, Hashable {
    /// More bytes are needed.
    case incomplete
    /// No ClientHello: the words say what was wrong.
    case invalid(String)
    /// A whole ClientHello; nil: it carries no server name.
    case hello(serverName: HostName?)

    /// No client's first flight is longer, post-quantum key shares included.
    static let longest = 16_384

    static func parse(_ bytes: some Collection<UInt8>) -> ClientHello {
        var records = Slice(Array(bytes)[...])
        var handshake: [UInt8] = []
        // The handshake message may be cut over several records.
        while true {
            guard let type = records.byte() else { break }
            guard type == 22 else { return .invalid("record type \(type) inside a ClientHello") }
            guard let major = records.byte() else { break }
            guard major == 3 else { return .invalid("record version \(major)") }
            guard records.byte() != nil, let length = records.word() else { break }
            guard length > 0, length <= longest else { return .invalid("record of \(length) bytes") }
            let fragment = records.take(upTo: Int(length))
            handshake += fragment
            if let first = handshake.first, first != 1 { return .invalid("handshake message \(first)") }
            if handshake.count >= 4 {
                let declared = Int(handshake[1]) << 16 | Int(handshake[2]) << 8 | Int(handshake[3])
                guard declared <= longest else { return .invalid("ClientHello of \(declared) bytes") }
                if handshake.count >= 4 + declared { return parseBody(handshake[4..<4 + declared]) }
            }
            if fragment.count < Int(length) { break }
        }
        return records.consumed > longest ? .invalid("ClientHello over \(longest) bytes") : .incomplete
    }

    private static func parseBody(_ body: ArraySlice<UInt8>) -> ClientHello {
        var body = Slice(body)
        guard body.take(34) != nil,  // version, random
            let session = body.byte(), session <= 32, body.take(Int(session)) != nil,
            let ciphers = body.word(), ciphers >= 2, ciphers % 2 == 0, body.take(Int(ciphers)) != nil,
            let methods = body.byte(), methods >= 1, body.take(Int(methods)) != nil
        else { return .invalid("ClientHello cut short") }
        if body.isEmpty { return .hello(serverName: nil) }
        guard let all = body.word(), let list = body.take(Int(all)), body.isEmpty else { return .invalid("extensions do not fit") }
        var extensions = Slice(list)
        var found: HostName?
        var seen = false
        while !extensions.isEmpty {
            guard let type = extensions.word(), let length = extensions.word(), let content = extensions.take(Int(length)) else {
                return .invalid("extension does not fit")
            }
            guard type == 0 else { continue }
            guard !seen, let name = serverName(content) else { return .invalid("server name is no host name") }
            seen = true
            found = name
        }
        return .hello(serverName: found)
    }

    /// Exactly one entry, of type host_name.
    private static func serverName(_ content: ArraySlice<UInt8>) -> HostName? {
        var content = Slice(content)
        guard let length = content.word(), let list = content.take(Int(length)), content.isEmpty else { return nil }
        var entries = Slice(list)
        guard entries.byte() == 0, let size = entries.word(), let name = entries.take(Int(size)), entries.isEmpty else {
            return nil
        }
        return HostName(ascii: name)
    }

    /// A view that only moves forward and never past its end.
    private struct Slice {
        private var rest: ArraySlice<UInt8>
        private let start: Int
        init(_ bytes: ArraySlice<UInt8>) {
            rest = bytes
            start = bytes.startIndex
        }
        var isEmpty: Bool { rest.isEmpty }
        var consumed: Int { rest.startIndex - start }
        mutating func byte() -> UInt8? { rest.popFirst() }
        mutating func word() -> UInt16? {
            guard rest.count >= 2, let high = rest.popFirst(), let low = rest.popFirst() else { return nil }
            return UInt16(high) << 8 | UInt16(low)
        }
        mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard rest.count >= count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        mutating func take(upTo count: Int) -> ArraySlice<UInt8> {
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
    }
}
