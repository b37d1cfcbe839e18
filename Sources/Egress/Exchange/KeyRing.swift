// KeyRing: which key a request carries when it leaves. The agent holds placeholders; the real key is put in for the
// credential's own hosts and for no other. A foreign key would make a sanctioned host a way out, so it is held to one.

import NIOHTTP1
import Profile
import Providers
import Vocabulary
import Wire

final class KeyRing {
    /// Headers in which keys travel.
    private static let names = ["authorization", "x-api-key", "api-key", "x-goog-api-key"]

    struct Outcome {
        /// Placeholder of the credential that was put in: names the pool, never shown.
        var credential: String?
        /// Marks for the record.
        var marks: [String] = []
    }

    private let secrets: [EgressConfiguration.Secret]
    private let masks: [HostName: KeyMask]
    /// The first key that was seen on a host.
    private var pinned: [HostName: [String]] = [:]

    init(secrets: [EgressConfiguration.Secret]) {
        self.secrets = secrets
        var masks: [HostName: KeyMask] = [:]
        for host in Set(secrets.flatMap(\.hosts)) {
            masks[host] = KeyMask(secrets.filter { $0.hosts.contains(host) }.map(\.value))
        }
        self.masks = masks
    }

    /// What `host` must not show the agent; nil: it holds no key of ours.
    func mask(for host: HostName) -> KeyMask? { masks[host] }

    /// Changes `headers` into what may leave for `host`.
    func apply(
        _ headers: inout HTTPHeaders, host: HostName, provider: ProviderID?, keys: ProviderGrant.Keys, words: RefusalWords
    ) throws(Refusal) -> Outcome {
        let held = secrets.filter { $0.hosts.contains(host) }
        try refuseStrays(headers, host: host, words: words)
        guard let provider else { return Outcome(credential: replacePlaceholders(&headers, held), marks: []) }
        let seen = Self.names.flatMap { name in headers[name].map { "\(name):\(Self.login($0))" } }
        let own = held.first { secret in seen.contains { $0.contains(secret.placeholder) } } ?? held.first
        switch (keys, own) {
        case (.broker, nil):
            throw words.refusal(
                .foreignKey, reason: "keys: broker, and no credential is held for \(host)",
                what: "no credential is configured for this host")
        case (.broker, let held?), (.pinned, let held?):
            put(held.value, for: provider, into: &headers)
            return Outcome(credential: held.placeholder)
        case (.pinned, nil):
            guard !seen.isEmpty else { return Outcome() }
            if let first = pinned[host] {
                guard first == seen else {
                    throw words.refusal(
                        .foreignKey, reason: "a second key on \(host); keys: pinned holds the first",
                        what: "a different API key was used before on this host")
                }
            } else {
                pinned[host] = seen
            }
            return Outcome(marks: ["unbrokered"])
        case (.any, _):
            let credential = replacePlaceholders(&headers, held)
            return Outcome(credential: credential, marks: credential == nil && !seen.isEmpty ? ["unbrokered"] : [])
        }
    }

    private func put(_ value: String, for provider: ProviderID, into headers: inout HTTPHeaders) {
        for name in Self.names { headers.remove(name: name) }
        let key = Providers.preset(provider)?.key ?? .bearer
        headers.add(name: key.name, value: key.prefix + value)
    }

    /// A placeholder for another host, or where no login stands: what a server keeps or shows of a request is no place for
    /// a key.
    private func refuseStrays(_ headers: HTTPHeaders, host: HostName, words: RefusalWords) throws(Refusal) {
        guard !secrets.isEmpty else { return }
        for (name, value) in headers {
            for secret in secrets where !secret.placeholder.isEmpty && value.contains(secret.placeholder) {
                guard secret.hosts.contains(host) else {
                    throw words.refusal(
                        .foreignKey, reason: "the placeholder of a credential that is not for \(host)",
                        what: "this credential is not for this host")
                }
                guard HeaderRules.isLogin(name) else {
                    throw words.refusal(
                        .foreignKey, reason: "the placeholder of a credential in a header that is no login's",
                        what: "a credential stands in a header that is not for logins")
                }
            }
        }
    }

    /// Puts the keys in; the placeholder of the last one names the pool.
    private func replacePlaceholders(_ headers: inout HTTPHeaders, _ held: [EgressConfiguration.Secret]) -> String? {
        var found: String?
        for secret in held where !secret.placeholder.isEmpty {
            guard headers.contains(where: { $0.value.contains(secret.placeholder) }) else { continue }
            found = secret.placeholder
            headers = HTTPHeaders(headers.map { ($0.name, $0.value.replacing(secret.placeholder, with: secret.value)) })
        }
        return found
    }

    /// What tells one login from another: of an AWS signature, which is new with every request, the id of its key.
    private static func login(_ value: String) -> Substring {
        guard value.hasPrefix("AWS4-"), let id = value.firstRange(of: "Credential=") else { return value[...] }
        return value[id.upperBound...].prefix { $0 != "/" && $0 != "," }
    }

    /// Whether `name` carries a key to a provider.
    static func carries(_ name: String) -> Bool { names.contains(name.lowercased()) }
}
