// UpstreamProxy: the host's own way out, where there is no other: a proxy that is asked to connect (RFC 9110 §9.3.6).

public import Vocabulary

public struct UpstreamProxy: Sendable, Hashable {
    /// What the password is called in messages.
    public static let passwordKey = "upstream_proxy.password"

    public enum Place: Sendable, Hashable {
        case name(HostName)
        case address(IPAddress)
    }

    public var place: Place
    public var port: UInt16
    /// TLS to the proxy itself, before it is asked.
    public var usesTLS: Bool
    /// For Basic authentication (RFC 7617).
    public var user: String?
    /// Where the user's password comes from. The value itself never enters a `Spec`.
    public var password: Credential.Source?
    /// Hosts that are reached without it.
    public var except: [HostPattern] = []

    /// Why a text is no proxy's URL. The text may hold a password, so no message repeats it.
    public enum Fault: String, Error {
        case form = "http://[USER@]HOST:PORT, or https://"
        case password = "a password does not belong here: password: {file: PATH}"
        case place = "its host is a name or an address, an IPv6 address in brackets"
    }

    /// `http://proxy:3128`, `https://user@[fd00::1]:8443/`. An `@` or a `:` in the user's name is percent-encoded.
    public init(url: String) throws(Fault) {
        let isTLS = url.hasPrefix("https://")
        guard isTLS || url.hasPrefix("http://"), url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), url.utf8.count <= 1024 else {
            throw .form
        }
        var rest = url.dropFirst(isTLS ? 8 : 7)
        if rest.hasSuffix("/") { rest.removeLast() }
        usesTLS = isTLS
        if let at = rest.lastIndex(of: "@") {
            let login = rest[..<at]
            guard !login.contains(":") else { throw .password }
            guard let name = Self.percentDecoded(login), !name.isEmpty, !name.contains(":") else { throw .form }
            user = name
            rest = rest[rest.index(after: at)...]
        }
        guard let colon = rest.lastIndex(of: ":"), let port = decimal(String(rest[rest.index(after: colon)...])),
            (1...65_535).contains(port)
        else { throw .form }
        self.port = UInt16(port)
        let host = rest[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]"), let address = IPAddress(host.dropFirst().dropLast()), case .v6 = address {
            place = .address(address)
        } else if let address = IPAddress(host), case .v4 = address {
            place = .address(address)
        } else if let name = HostName(host) {
            place = .name(name)
        } else {
            throw .place
        }
    }

    private static func percentDecoded(_ text: Substring) -> String? {
        var out: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                out.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), value >= 0x20
            else {
                return nil
            }
            out.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: out, as: UTF8.self)
    }

    /// Whether requests to `host` go through it.
    public func covers(_ host: HostName) -> Bool { !except.contains { $0.matches(host) } }
}
