// EgressConfiguration: everything egress will ever need, written by the supervisor into a memfd and read by egress
// before it locks itself in. Of credentials it says which there are; the keys themselves lie in pages of their own.

import JSONBytes
public import Vocabulary

public struct EgressConfiguration: Sendable {
    /// A key that the agent holds a placeholder for.
    public struct Secret: Sendable, Hashable {
        /// The agent's variable.
        public var variable: String
        public var placeholder: String
        public var hosts: [HostName]
        /// The one place that it is sent in; nil, both: where logins travel.
        public var header: String?
        public var query: String?
        /// Where the key lies in the secret pages; empty: it is not there.
        public var range: Range<Int>

        public init(
            variable: String, placeholder: String, hosts: [HostName], header: String? = nil, query: String? = nil,
            range: Range<Int>
        ) {
            self.variable = variable
            self.placeholder = placeholder
            self.hosts = hosts
            self.header = header
            self.query = query
            self.range = range
        }
    }

    /// Bytes of the secret pages: what all keys of a session are together, at most. Few, because locked memory is.
    public static let secretCapacity = 32 << 10

    public var session: String
    public var profileName: String
    /// The canonical profile (`Spec(canonicalJSON:)`).
    public var profile: [UInt8]
    /// The host's trusted roots and the profile's further ones, PEM.
    public var hostRoots: [UInt8]
    public var profileRoots: [String]
    /// Addresses of the host's name servers, from resolv.conf.
    public var nameServers: [IPAddress]
    /// The host's hosts file, parsed.
    public var hosts: [HostName: [IPAddress]]
    public var secrets: [Secret]
    /// Where the upstream proxy's password lies in the secret pages; nil: none is held.
    public var proxyPassword: Range<Int>?

    public init(
        session: String, profileName: String, profile: [UInt8], hostRoots: [UInt8], profileRoots: [String],
        nameServers: [IPAddress],
        hosts: [HostName: [IPAddress]], secrets: [Secret], proxyPassword: Range<Int>? = nil
    ) {
        self.session = session
        self.profileName = profileName
        self.profile = profile
        self.hostRoots = hostRoots
        self.profileRoots = profileRoots
        self.nameServers = nameServers
        self.hosts = hosts
        self.secrets = secrets
        self.proxyPassword = proxyPassword
    }

    /// The length of a JSON object as four bytes, low first; the object; the host's roots as they are. As JSON text their
    /// 200 kB cost both sides a millisecond.
    public func encoded() -> [UInt8] {
        let names = hosts.sorted { $0.key < $1.key }.map { entry in
            JSONValue.Member(entry.key.text, .array(entry.value.map { .string($0.description) }))
        }
        let keys = secrets.map { secret in
            JSONValue.object(
                Self.members(secret.range) + [
                    .init("header", secret.header.map { .string($0) } ?? .null),
                    .init("hosts", .array(secret.hosts.map { .string($0.text) })),
                    .init("placeholder", .string(secret.placeholder)),
                    .init("query", secret.query.map { .string($0) } ?? .null),
                    .init("variable", .string(secret.variable)),
                ])
        }
        let json = JSONValue.object([
            .init("hosts", .object(names)),
            .init("name_servers", .array(nameServers.map { .string($0.description) })),
            .init("profile", .string(String(decoding: profile, as: UTF8.self))),
            .init("profile_name", .string(profileName)),
            .init("profile_roots", .array(profileRoots.map { .string($0) })),
            .init("proxy_password", proxyPassword.map { .object(Self.members($0)) } ?? .null),
            .init("secrets", .array(keys)),
            .init("session", .string(session)),
        ]).canonical()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.lengthSize + json.count + hostRoots.count)
        bytes += (0..<Self.lengthSize).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) }
        bytes += json
        bytes += hostRoots
        return bytes
    }

    private static let lengthSize = 4

    /// Nil when it is not what `encoded()` writes. Which part was wrong is not said: nobody could do anything about it.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.lengthSize else { return nil }
        let length = bytes[..<Self.lengthSize].reversed().reduce(0) { $0 << 8 | Int($1) }
        let rest = bytes[Self.lengthSize...]
        guard length <= rest.count, let json = try? JSONValue.parse(Array(rest.prefix(length))),
            let session = json["session"]?.stringValue,
            let profileName = json["profile_name"]?.stringValue,
            let profile = json["profile"]?.stringValue,
            let profileRoots = json["profile_roots"]?.elements,
            let nameServers = json["name_servers"]?.elements,
            let hosts = json["hosts"]?.members,
            let secrets = json["secrets"]?.elements
        else { return nil }
        self.session = session
        self.profileName = profileName
        self.profile = Array(profile.utf8)
        hostRoots = Array(rest.dropFirst(length))
        self.profileRoots = profileRoots.compactMap(\.stringValue)
        self.nameServers = nameServers.compactMap { $0.stringValue.flatMap { IPAddress($0) } }
        self.hosts = [:]
        for member in hosts {
            guard let name = HostName(member.key), let addresses = member.value.elements else { return nil }
            self.hosts[name] = addresses.compactMap { $0.stringValue.flatMap { IPAddress($0) } }
        }
        if let password = json["proxy_password"], password != .null {
            guard let range = Self.range(password) else { return nil }
            proxyPassword = range
        }
        self.secrets = []
        for secret in secrets {
            guard let variable = secret["variable"]?.stringValue, let placeholder = secret["placeholder"]?.stringValue,
                let names = secret["hosts"]?.elements, let range = Self.range(secret)
            else { return nil }
            self.secrets.append(
                Secret(
                    variable: variable, placeholder: placeholder,
                    hosts: names.compactMap { $0.stringValue.flatMap { HostName($0) } },
                    header: secret["header"]?.stringValue, query: secret["query"]?.stringValue,
                    range: range))
        }
    }

    private static func members(_ range: Range<Int>) -> [JSONValue.Member] {
        [.init("count", .number(String(range.count))), .init("offset", .number(String(range.lowerBound)))]
    }

    /// Within the secret pages.
    private static func range(_ value: JSONValue) -> Range<Int>? {
        guard let offset = value["offset"]?.intValue, let count = value["count"]?.intValue,
            (0...Int64(secretCapacity)).contains(offset), (0...Int64(secretCapacity) - offset).contains(count)
        else { return nil }
        return Int(offset)..<Int(offset + count)
    }
}
