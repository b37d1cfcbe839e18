// DNSMessage: the little of DNS (RFC 1035, RFC 6891) that a resolver without any upstream needs. One question in, one
// answer out; whatever is not exactly that is answered with an error code or not at all. Pure.

import IDNA
import Vocabulary

/// One question as a client sent it. The name's bytes are kept as sent (0x20 case tricks must come back unchanged).
struct DNSQuestion: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case a, aaaa, https, svcb, other(UInt16)

        init(code: UInt16) {
            switch code {
            case 1: self = .a
            case 28: self = .aaaa
            case 64: self = .svcb
            case 65: self = .https
            default: self = .other(code)
            }
        }
    }

    var id: UInt16
    var recursionDesired: Bool
    var kind: Kind
    /// nil: well-formed labels that are no host name (a NUL, a space, too long); never given an address.
    var name: HostName?
    /// Name, type and class, to be echoed in the answer.
    var raw: [UInt8]
    var hasEDNS: Bool
}

enum DNSRequest: Sendable, Hashable {
    case question(DNSQuestion)
    /// Header could be read, but this is no question for us: answer with this code.
    case refuse(id: UInt16, recursionDesired: Bool, code: DNSCode)
    /// Not even a query's header: silence, so that a forged packet never makes two answers.
    case ignore
}

enum DNSCode: UInt8, Sendable { case ok = 0, formatError = 1, nameError = 3, notImplemented = 4, refused = 5 }

enum DNSMessage {
    static let headerLength = 12

    static func parse(_ packet: some Collection<UInt8>) -> DNSRequest {
        let bytes = Array(packet)
        guard bytes.count >= headerLength else { return .ignore }
        func word(_ at: Int) -> UInt16 { UInt16(bytes[at]) << 8 | UInt16(bytes[at + 1]) }
        let id = word(0)
        let flags = word(2)
        guard flags & 0x8000 == 0 else { return .ignore }  // an answer
        let wanted = flags & 0x0100 != 0
        func refuse(_ code: DNSCode) -> DNSRequest { .refuse(id: id, recursionDesired: wanted, code: code) }
        guard flags & 0x7800 == 0 else { return refuse(.notImplemented) }  // opcodes other than QUERY
        guard word(4) == 1, word(6) == 0, word(8) == 0, word(10) <= 1 else { return refuse(.formatError) }

        var at = headerLength
        var labels: [ArraySlice<UInt8>] = []
        var length = 1
        while true {
            guard at < bytes.count else { return refuse(.formatError) }
            let size = Int(bytes[at])
            at += 1
            if size == 0 { break }
            // A question's name has nothing before it to point at: compression here is an attack or a bug.
            guard size <= 63, at + size <= bytes.count else { return refuse(.formatError) }
            labels.append(bytes[at..<at + size])
            at += size
            length += size + 1
            guard length <= 255 else { return refuse(.formatError) }
        }
        guard at + 4 <= bytes.count else { return refuse(.formatError) }
        let kind = DNSQuestion.Kind(code: word(at))
        let isInternet = word(at + 2) == 1
        at += 4
        let raw = Array(bytes[headerLength..<at])
        let hasEDNS = word(10) == 1
        if hasEDNS {
            // OPT: root name, type 41, then class, ttl and data of the declared length, and nothing after it.
            guard at + 11 <= bytes.count, bytes[at] == 0, word(at + 1) == 41, at + 11 + Int(word(at + 9)) == bytes.count else {
                return refuse(.formatError)
            }
        } else {
            guard at == bytes.count else { return refuse(.formatError) }
        }
        guard isInternet else { return refuse(.refused) }
        return .question(
            DNSQuestion(id: id, recursionDesired: wanted, kind: kind, name: name(from: labels), raw: raw, hasEDNS: hasEDNS))
    }

    /// A dot inside a label would make two names of one: such a label is no part of a host name.
    private static func name(from labels: [ArraySlice<UInt8>]) -> HostName? {
        guard !labels.isEmpty, labels.allSatisfy({ !$0.contains(UInt8(ascii: ".")) }) else { return nil }
        let name = HostName(ascii: Array(labels.joined(separator: [UInt8(ascii: ".")])))
        return name.flatMap { IDNA.isWellFormed($0) ? $0 : nil }
    }

    /// An answer to `question`; `address` is the one A record it carries.
    static func answer(_ question: DNSQuestion, code: DNSCode, address: UInt32? = nil) -> [UInt8] {
        var out = header(id: question.id, recursionDesired: question.recursionDesired, code: code)
        out[5] = 1
        out[7] = address == nil ? 0 : 1
        out[11] = question.hasEDNS ? 1 : 0
        out += question.raw
        if let address {
            // The name by pointer to offset 12; A, IN; a short life, because the mapping lasts only as long as the session.
            out += [0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]
            out += stride(from: UInt32(24), through: 0, by: -8).map { UInt8(truncatingIfNeeded: address >> $0) }
        }
        if question.hasEDNS { out += [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0] }  // our own OPT: 1,232 bytes
        return out
    }

    static func refusal(id: UInt16, recursionDesired: Bool, code: DNSCode) -> [UInt8] {
        header(id: id, recursionDesired: recursionDesired, code: code)
    }

    private static func header(id: UInt16, recursionDesired: Bool, code: DNSCode) -> [UInt8] {
        [
            UInt8(id >> 8), UInt8(id & 255), 0x80 | (recursionDesired ? 1 : 0), 0x80 | code.rawValue,
            0, 0, 0, 0, 0, 0, 0, 0,
        ]
    }
}
