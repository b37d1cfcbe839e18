// HostName: a DNS name as policy compares it. Parsed strictly, kept in one spelling, so that the name
// that was checked is the name that is used.

/// A host name in its one canonical spelling: lower case, no trailing dot, letters, digits, hyphen and
/// underscore, labels of 1–63 octets, at most 253 in all (RFC 1035 §2.3.4, RFC 5890 for A-labels).
/// Never an IP address.
public struct HostName: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let text: String
    public var description: String { text }
    public static func < (a: HostName, b: HostName) -> Bool { a.text < b.text }

    /// Folds case and one trailing dot. Anything else that is not canonical is nil; names of other letters are IDNA's to convert.
    public init?(_ raw: some StringProtocol) {
        var labels: [String] = []
        var rest = String(raw)
        if rest.hasSuffix(".") { rest.removeLast() }
        guard !rest.isEmpty else { return nil }
        for label in rest.split(separator: ".", omittingEmptySubsequences: false) {
            guard let canonical = Self.canonicalLabel(label) else { return nil }
            labels.append(canonical)
        }
        let joined = labels.joined(separator: ".")
        guard joined.utf8.count <= 253 else { return nil }
        // A name whose last label is all digits is an address in some parser's eyes (`127.1`, `1.2.3.4`, `0x7f.1`).
        guard let last = labels.last, !last.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), !last.hasPrefix("0x") else { return nil }
        text = joined
    }

    /// From the bytes of a packet or a header: anything outside ASCII is nil.
    public init?(ascii bytes: some Collection<UInt8>) {
        guard bytes.count <= 254, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        self.init(String(decoding: bytes, as: UTF8.self))
    }

    private static func canonicalLabel(_ label: Substring) -> String? {
        var bytes = Array(label.utf8)
        guard (1...63).contains(bytes.count) else { return nil }
        for index in bytes.indices {
            switch bytes[index] {
            case 0x41...0x5a: bytes[index] |= 0x20
            case 0x61...0x7a, 0x30...0x39, 0x5f: break
            case 0x2d where index != 0 && index != bytes.count - 1: break
            default: return nil
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// What a rule names: exactly one host, or every name below one (`.example.com`, also written `*.example.com`;
/// the name itself is not meant).
public enum HostPattern: Sendable, Hashable, CustomStringConvertible {
    case exact(HostName)
    case below(HostName)

    public init?(_ text: String) {
        if text.hasPrefix("*.") || text.hasPrefix(".") {
            guard let name = HostName(text.drop(while: { $0 == "*" }).dropFirst()) else { return nil }
            self = .below(name)
        } else {
            guard let name = HostName(text) else { return nil }
            self = .exact(name)
        }
    }

    public func matches(_ host: HostName) -> Bool {
        switch self {
        case .exact(let name): name == host
        case .below(let name): host.text.hasSuffix("." + name.text)
        }
    }

    public var description: String {
        switch self {
        case .exact(let name): name.text
        case .below(let name): "." + name.text
        }
    }
}
