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
    /// The first key that was seen on a host.
    private var pinned: [HostName: [String]] = [:]

    init(secrets: [EgressConfiguration.Secret]) { self.secrets = secrets }

    /// Changes `headers` into what may leave for `host`.
    func apply(
        _ headers: inout HTTPHeaders, host: HostName, provider: ProviderID?, keys: ProviderGrant.Keys, words: RefusalWords
    ) throws(Refusal) -> Outcome {
        let held = secrets.first { $0.hosts.contains(host) }
        for (_, value) in headers {
            guard let stray = secrets.first(where: { value.contains($0.placeholder) }), !stray.hosts.contains(host) else {
                continue
            }
            throw words.refusal(
                .foreignKey, reason: "the placeholder of a credential that is not for \(host)",
                what: "this credential is not for this host")
        }
        guard let provider else { return Outcome(credential: replacePlaceholder(&headers, held), marks: []) }
        let seen = Self.names.flatMap { name in headers[name].map { "\(name):\($0)" } }
        switch (keys, held) {
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
        case (.any, let held):
            let credential = replacePlaceholder(&headers, held)
            return Outcome(credential: credential, marks: credential == nil && !seen.isEmpty ? ["unbrokered"] : [])
        }
    }

    private func put(_ value: String, for provider: ProviderID, into headers: inout HTTPHeaders) {
        for name in Self.names { headers.remove(name: name) }
        if provider == .anthropic {
            headers.add(name: "x-api-key", value: value)
        } else {
            headers.add(name: "authorization", value: "Bearer \(value)")
        }
    }

    private func replacePlaceholder(_ headers: inout HTTPHeaders, _ held: EgressConfiguration.Secret?) -> String? {
        guard let held, !held.placeholder.isEmpty else { return nil }
        var found = false
        var changed = HTTPHeaders()
        for (name, value) in headers {
            guard value.contains(held.placeholder) else {
                changed.add(name: name, value: value)
                continue
            }
            found = true
            changed.add(name: name, value: value.replacing(held.placeholder, with: held.value))
        }
        if found { headers = changed }
        return found ? held.placeholder : nil
    }
}
