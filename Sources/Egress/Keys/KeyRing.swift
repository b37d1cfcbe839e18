// KeyRing: which keys a request shows, for the decision; and after it, the real key in the place of the placeholder, on the
// credential's own hosts and in its own place only. The key is put in when the request is sent, not before.

import Crypto
import NIOHTTP1
import Policy
import Profile
import Providers
import Vocabulary
import Wire

final class KeyRing {
    /// One key of the broker's.
    struct Held {
        let secret: EgressConfiguration.Secret
        let kind: CredentialKind
        let placeholder: [UInt8]
        let hosts: Set<HostName>
        /// The only one that it is sent in, in its canonical form.
        let header: String?
    }

    let held: [Held]
    let store: SecretStore
    private let masks: [HostName: KeyMask]
    /// The first key of the agent's own that was used on a provider's host.
    private var pinned: [HostName: KeyIdentity] = [:]
    /// Of this session alone: the digest of a key can be compared with no other session's.
    private let salt = SymmetricKey(size: .bits256)

    init(_ secrets: [EgressConfiguration.Secret], store: SecretStore) throws(HandoverError) {
        self.store = store
        held = secrets.map {
            Held(
                secret: $0, kind: CredentialKind(variable: $0.variable), placeholder: Array($0.placeholder.utf8),
                hosts: Set($0.hosts), header: $0.header.map(KeyPlaces.canonical))
        }
        var masks: [HostName: KeyMask] = [:]
        for host in Set(secrets.flatMap(\.hosts)) {
            masks[host] = try KeyMask(secrets.filter { $0.hosts.contains(host) && !$0.range.isEmpty }.map { store.bytes($0.range) })
        }
        self.masks = masks
    }

    /// What `host` must not show the agent; nil: it holds no key of ours.
    func mask(for host: HostName) -> KeyMask? { masks[host] }

    func find(_ variable: String) -> Held? { held.first { $0.secret.variable == variable } }

    func part(_ kind: CredentialKind, for host: HostName) -> Held? {
        held.first { $0.kind == kind && $0.hosts.contains(host) && !$0.secret.range.isEmpty }
    }

    // MARK: Facts

    func facts(_ head: RequestHead, host: HostName) -> KeyFacts {
        let here = held.filter { $0.hosts.contains(host) && !$0.secret.range.isEmpty }
        var facts = KeyFacts(
            held: (here.first { $0.kind == .word && $0.secret.query == nil } ?? here.first)?.secret.variable, pinned: pinned[host])
        for (name, value) in head.headers {
            let place = KeyPlaces.canonical(name)
            if place == "authorization", value.hasPrefix("AWS4-") {
                facts.presented.append(signature(value, host))
                continue
            }
            let shown = KeyPlaces.basic(value) ?? value
            let found = held.filter { KeyPlaces.has(shown, $0.placeholder) }
            facts.presented += found.map { presented($0, at: place, host) }
            // Beside a placeholder there is room for a key of the agent's.
            let isAlone = found.contains { KeyPlaces.isOnly($0.secret.placeholder, in: value) }
            let carries = KeyPlaces.carries(header: place) || here.contains { $0.header == place }
            if !isAlone, carries || !found.isEmpty, !value.isEmpty {
                // Of a signature of the agent's own it is a part.
                if place == "x-amz-security-token", isSignedByAgent(head) { continue }
                facts.presented.append(
                    .init(place: place, owner: .agent(identity(shown == value ? KeyPlaces.word(value) : shown[...]))))
            }
        }
        target(head.target, host, &facts)
        return facts
    }

    /// From here on the host is held to it.
    func pin(_ use: KeyUse, host: HostName) {
        if case .agent(let identity?) = use, pinned[host] == nil { pinned[host] = identity }
    }

    /// - Parameter why: what is wrong where the place is not the key's own.
    private func owner(
        of key: Held, on host: HostName, isInPlace: Bool, else why: KeyFacts.Stray = .otherPlace
    ) -> KeyFacts.Owner {
        guard key.hosts.contains(host) else { return .stray(.otherHost) }
        guard isInPlace else { return .stray(why) }
        return key.secret.range.isEmpty ? .stray(.absent) : .broker
    }

    private func presented(_ key: Held, at place: String, _ host: HostName) -> KeyFacts.Presented {
        let owner = owner(of: key, on: host, isInPlace: takes(key, header: place))
        // A session's token is a part of the signature with its key.
        let name = key.kind == .awsSession ? part(.awsKeyID, for: host)?.secret.variable : nil
        return .init(place: place, owner: owner, variable: name ?? key.secret.variable)
    }

    /// A server keeps and shows much of a request; a key belongs where a login stands.
    func takes(_ key: Held, header place: String) -> Bool {
        switch key.kind {
        case .awsKeyID, .awsSecret: return false
        case .awsSession: return place == "x-amz-security-token"
        case .word: break
        }
        if let header = key.header { return place == header }
        return key.secret.query == nil && KeyPlaces.isPlace(place)
    }

    private func signature(_ value: String, _ host: HostName) -> KeyFacts.Presented {
        let ours = held.first { KeyPlaces.has(value, $0.placeholder) }
        var found: AWSSignature?
        do throws(AWSSignature.Fault) { found = try AWSSignature.read(value) } catch { found = nil }
        if let ours {
            let isRead = found?.keyID == ours.secret.placeholder && ours.kind == .awsKeyID
            let owner = owner(of: ours, on: host, isInPlace: isRead, else: .signature)
            return .init(place: "authorization", owner: owner, variable: ours.secret.variable)
        }
        return .init(place: "authorization", owner: .agent(identity(found.map { $0.keyID[...] } ?? value[...])))
    }

    private func isSignedByAgent(_ head: RequestHead) -> Bool {
        head.headers["authorization"].contains { value in
            value.hasPrefix("AWS4-") && !held.contains { KeyPlaces.has(value, $0.placeholder) }
        }
    }

    private func target(_ target: String, _ host: HostName, _ facts: inout KeyFacts) {
        var rest = target
        for parameter in KeyPlaces.parameters(of: target) {
            let place = "?" + parameter.name.lowercased()
            let found = held.filter { KeyPlaces.has(parameter.value, $0.placeholder) }
            for key in found {
                let owner = owner(
                    of: key, on: host, isInPlace: takes(key, parameter: parameter.name, host),
                    else: place.hasPrefix("?x-amz-") ? .presigned : .otherPlace)
                facts.presented.append(.init(place: place, owner: owner, variable: key.secret.variable))
            }
            if !found.isEmpty {
                rest = rest.replacing(target[parameter.valueRange], with: "")
            }
            let isAlone = found.contains { parameter.value == $0.secret.placeholder }
            if !isAlone, KeyPlaces.carries(parameter: parameter.name) || !found.isEmpty, !parameter.value.isEmpty {
                let shown = place == "?x-amz-credential" ? parameter.value.prefix { $0 != "/" } : parameter.value[...]
                facts.presented.append(.init(place: place, owner: .agent(identity(shown))))
            }
        }
        // In the path, in a parameter's name.
        let left = KeyPlaces.unescaped(rest[...])
        for key in held where KeyPlaces.has(left, key.placeholder) {
            facts.presented.append(
                .init(place: "the URL", owner: owner(of: key, on: host, isInPlace: false), variable: key.secret.variable))
        }
    }

    func takes(_ key: Held, parameter name: String, _ host: HostName) -> Bool {
        guard key.kind == .word else { return false }
        if let query = key.secret.query { return name == query }
        return key.secret.header == nil && Providers.preset(host: host)?.keyParameter == name
    }

    private func identity(_ text: Substring) -> KeyIdentity {
        KeyIdentity(digest: HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: salt).prefix(16))
    }

    // MARK: What a scanner need not see

    /// The target without the values that are keys: what was decided to be one is not looked at as text.
    func scanned(_ target: String, provider: ProviderID?) -> String {
        var out = target
        for parameter in KeyPlaces.parameters(of: target).reversed()
        where provider != nil && KeyPlaces.carries(parameter: parameter.name)
            || held.contains(where: { KeyPlaces.has(parameter.value, $0.placeholder) })
        {
            out.removeSubrange(parameter.valueRange)
        }
        return out
    }

    /// The headers without those that a credential of the profile's is put into.
    func scanned(_ headers: HTTPHeaders) -> HTTPHeaders {
        let named = Set(held.compactMap(\.secret.header))
        return named.isEmpty ? headers : HTTPHeaders(headers.filter { !named.contains($0.name.lowercased()) })
    }
}
