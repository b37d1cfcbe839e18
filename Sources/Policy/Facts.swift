// Facts: everything that is known of a connection and of a request when it is decided. Whoever gathers them decides nothing.

public import Vocabulary

/// A connection of the agent's, before its first request.
public struct ConnectionFacts: Sendable, Hashable {
    /// Where the agent dialled.
    public var address: IPAddress
    public var port: UInt16
    /// The name that this address was handed out for; nil: the agent was never handed it.
    public var name: HostName?
    /// The name in the TLS ClientHello; nil: none, or no TLS.
    public var spoken: HostName?
    public var isTLS: Bool

    public init(address: IPAddress, port: UInt16, name: HostName?, spoken: HostName?, isTLS: Bool) {
        self.address = address
        self.port = port
        self.name = name
        self.spoken = spoken
        self.isTLS = isTLS
    }

    /// What to call the place in a sentence.
    public var shown: String { (name ?? spoken)?.text ?? address.description }
}

/// A request, when its head is complete.
public struct RequestFacts: Sendable, Hashable {
    public var connection: ConnectionFacts
    /// `Host` and `:authority` as sent, every one there is.
    public var authorities: [String]
    public var method: String
    /// The method that begins it on the wire, where that is another (a WebSocket begins as a GET): who denies that denies it.
    public var carrier: String?
    /// As written on the wire, without the query.
    public var path: String
    /// `Content-Type` as sent, every one there is.
    public var contentTypes: [String]
    public var hasBody: Bool
    /// Bytes of the body, where the head says so.
    public var size: UInt64?
    /// Connections of the agent's that are open, this one included.
    public var connections: Int
    /// Requests that are under way on them, without this one.
    public var underWay: Int
    /// Those of them on this connection: HTTP/2 carries many.
    public var beside: Int
    public var keys: KeyFacts

    public init(
        connection: ConnectionFacts, authorities: [String], method: String, carrier: String? = nil, path: String,
        contentTypes: [String] = [],
        hasBody: Bool = false, size: UInt64? = nil, connections: Int = 1, underWay: Int = 0, beside: Int = 0,
        keys: KeyFacts = KeyFacts()
    ) {
        self.connection = connection
        self.authorities = authorities
        self.method = method
        self.carrier = carrier
        self.path = path
        self.contentTypes = contentTypes
        self.hasBody = hasBody
        self.size = size
        self.connections = connections
        self.underWay = underWay
        self.beside = beside
        self.keys = keys
    }

    /// Whether each of the authorities, and there is one, is this name and port.
    func names(_ host: HostName, port: UInt16) -> Bool {
        !authorities.isEmpty
            && authorities.allSatisfy { text in
                if text == host.text { return port == 443 }  // how nearly every client writes it
                guard let authority = Authority(text) else { return false }
                return authority.host == .name(host) && (authority.port ?? 443) == port
            }
    }
}

/// `Host` or `:authority`, read strictly: a name or an address, and perhaps a port.
public struct Authority: Sendable, Hashable {
    public enum Host: Sendable, Hashable {
        case name(HostName)
        case address(IPAddress)

        public var text: String {
            switch self {
            case .name(let name): name.text
            case .address(let address): address.description
            }
        }
    }

    public let host: Host
    public let port: UInt16?

    /// nil: user information, non-ASCII, or anything else that is no authority.
    public init?(_ text: String) {
        var name = text[...]
        var port: UInt16?
        if name.hasPrefix("[") {
            guard let close = name.firstIndex(of: "]"), let address = IPAddress(name[name.index(after: name.startIndex)..<close])
            else { return nil }
            let rest = name[name.index(after: close)...]
            if !rest.isEmpty {
                guard rest.hasPrefix(":"), let number = Self.port(rest.dropFirst()) else { return nil }
                port = number
            }
            (host, self.port) = (.address(address), port)
            return
        }
        if let colon = name.firstIndex(of: ":") {
            guard let number = Self.port(name[name.index(after: colon)...]) else { return nil }
            port = number
            name = name[..<colon]
        }
        if let address = IPAddress(name) {
            host = .address(address)
        } else {
            guard let found = HostName(ascii: Array(name.utf8)) else { return nil }
            host = .name(found)
        }
        self.port = port
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt16(text)
    }
}
