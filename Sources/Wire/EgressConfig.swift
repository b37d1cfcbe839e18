// EgressConfig: everything egress will ever need, as one JSON document on a memfd. Both sides use this type, so that
// a field cannot be written under one name and read under another. It holds secrets: it is never described or logged.

public import JSONBytes
public import Vocabulary

public struct EgressConfig: Sendable {
    /// A key that the agent holds only a placeholder for.
    public struct Credential: Sendable {
        /// What stands in the agent's variable, and so in its requests.
        public var placeholder: String
        public var value: String
        /// The hosts that the value may be sent to, and no other.
        public var hosts: [HostName]
        public init(placeholder: String, value: String, hosts: [HostName]) {
            self.placeholder = placeholder
            self.value = value
            self.hosts = hosts
        }
    }

    public var session: String
    public var profileName: String
    /// The canonical profile, as the profile digest covers it.
    public var profile: JSONValue
    /// PEM text: the host's root certificates, and those that the profile adds.
    public var roots: String
    public var trust: String
    /// Addresses of the host's name servers, in the order of resolv.conf.
    public var nameservers: [IPAddress]
    /// The host's /etc/hosts, read by the supervisor: egress has no file system.
    public var hosts: [HostName: [IPAddress]]
    public var credentials: [Credential]

    public init(
        session: String, profileName: String, profile: JSONValue, roots: String, trust: String, nameservers: [IPAddress],
        hosts: [HostName: [IPAddress]], credentials: [Credential]
    ) {
        self.session = session
        self.profileName = profileName
        self.profile = profile
        self.roots = roots
        self.trust = trust
        self.nameservers = nameservers
        self.hosts = hosts
        self.credentials = credentials
    }

    public func json() -> [UInt8] {
        JSONBuilder.object(capacity: roots.utf8.count + trust.utf8.count + 4096) { out in
            out.member(array: "credentials") { list in
                for credential in credentials {
                    list.object { one in
                        one.member(array: "hosts") { names in credential.hosts.forEach { names.string($0.text) } }
                        one.member("placeholder", credential.placeholder)
                        one.member("value", credential.value)
                    }
                }
            }
            out.member(array: "hosts") { list in
                for (name, addresses) in hosts.sorted(by: { $0.key < $1.key }) {
                    list.object { one in
                        one.member(array: "addresses") { texts in addresses.forEach { texts.string($0.description) } }
                        one.member("name", name.text)
                    }
                }
            }
            out.member(array: "nameservers") { list in nameservers.forEach { list.string($0.description) } }
            out.member("profile", profile)
            out.member("profileName", profileName)
            out.member("roots", roots)
            out.member("session", session)
            out.member("trust", trust)
        }
    }

    /// nil where the document is not exactly what `json()` writes.
    public init?(json: [UInt8]) {
        guard let root = try? JSONValue.parse(json), let profile = root["profile"],
            let session = root["session"]?.stringValue, let profileName = root["profileName"]?.stringValue,
            let roots = root["roots"]?.stringValue, let trust = root["trust"]?.stringValue,
            let servers = root["nameservers"]?.elements, let hostList = root["hosts"]?.elements,
            let credentialList = root["credentials"]?.elements
        else { return nil }
        var nameservers: [IPAddress] = []
        for server in servers {
            guard let address = server.stringValue.flatMap({ IPAddress($0) }) else { return nil }
            nameservers.append(address)
        }
        var hosts: [HostName: [IPAddress]] = [:]
        for entry in hostList {
            guard let name = entry["name"]?.stringValue.flatMap({ HostName($0) }), let texts = entry["addresses"]?.elements else {
                return nil
            }
            hosts[name] = texts.compactMap { $0.stringValue.flatMap { IPAddress($0) } }
        }
        var credentials: [Credential] = []
        for entry in credentialList {
            guard let placeholder = entry["placeholder"]?.stringValue, let value = entry["value"]?.stringValue,
                let texts = entry["hosts"]?.elements
            else { return nil }
            let names = texts.compactMap { $0.stringValue.flatMap { HostName($0) } }
            guard names.count == texts.count else { return nil }
            credentials.append(Credential(placeholder: placeholder, value: value, hosts: names))
        }
        self.init(
            session: session, profileName: profileName, profile: profile, roots: roots, trust: trust, nameservers: nameservers,
            hosts: hosts, credentials: credentials)
    }
}
