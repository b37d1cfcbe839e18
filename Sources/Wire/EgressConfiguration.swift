// EgressConfiguration: everything egress will ever need, written by the supervisor into a memfd and read by egress
// before it locks itself in. It carries credentials: it is never printed, logged or kept.

import JSONBytes
public import Vocabulary

public struct EgressConfiguration: Sendable {
    /// A key that the agent holds a placeholder for. No description, on purpose.
    public struct Secret: Sendable {
        public var placeholder: String
        public var value: String
        public var hosts: [HostName]

        public init(placeholder: String, value: String, hosts: [HostName]) {
            self.placeholder = placeholder
            self.value = value
            self.hosts = hosts
        }
    }

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
    /// For the upstream proxy; nil: none is held.
    public var proxyPassword: String?

    public init(
        session: String, profileName: String, profile: [UInt8], hostRoots: [UInt8], profileRoots: [String],
        nameServers: [IPAddress],
        hosts: [HostName: [IPAddress]], secrets: [Secret], proxyPassword: String? = nil
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
            JSONValue.object([
                .init("hosts", .array(secret.hosts.map { .string($0.text) })),
                .init("placeholder", .string(secret.placeholder)),
                .init("value", .string(secret.value)),
            ])
        }
        let json = JSONValue.object([
            .init("hosts", .object(names)),
            .init("name_servers", .array(nameServers.map { .string($0.description) })),
            .init("profile", .string(String(decoding: profile, as: UTF8.self))),
            .init("profile_name", .string(profileName)),
            .init("profile_roots", .array(profileRoots.map { .string($0) })),
            .init("proxy_password", proxyPassword.map { .string($0) } ?? .null),
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

    /// Nil when it is not what `encoded()` writes. Which part was wrong is not said: the text holds secrets.
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
        proxyPassword = json["proxy_password"]?.stringValue
        self.secrets = []
        for secret in secrets {
            guard let placeholder = secret["placeholder"]?.stringValue, let value = secret["value"]?.stringValue,
                let names = secret["hosts"]?.elements
            else { return nil }
            self.secrets.append(
                Secret(placeholder: placeholder, value: value, hosts: names.compactMap { $0.stringValue.flatMap { HostName($0) } }))
        }
    }
}
