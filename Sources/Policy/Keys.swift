// Keys: whose credentials a request carries, as facts, and what follows from them. A foreign key would make a sanctioned
// host a way out: what is sent with it lands in somebody else's account.

import Profile
import Providers
import Vocabulary

/// Tells one credential from another and says nothing about it: a digest under a key of the session's own.
public struct KeyIdentity: Sendable, Hashable, CustomStringConvertible {
    private let digest: [UInt8]
    public init(digest: some Sequence<UInt8>) { self.digest = Array(digest) }
    public var description: String { "a key" }
}

/// The credentials of a request, when its head is complete.
public struct KeyFacts: Sendable, Hashable {
    /// What is wrong with a placeholder where it stands.
    public enum Stray: Sendable, Hashable {
        /// It is for other hosts.
        case otherHost
        /// Not in a place that this credential is sent in.
        case otherPlace
        /// The key behind it is not there (`optional`).
        case absent
        /// In the query of a presigned URL, which nobody can sign anew.
        case presigned
        /// Of a signature that cannot be read, or of another algorithm.
        case signature
    }

    public enum Owner: Sendable, Hashable {
        case broker
        case stray(Stray)
        case agent(KeyIdentity)
    }

    /// One credential at one place.
    public struct Presented: Sendable, Hashable {
        /// A header's name in lower case, or `?` and a parameter's name.
        public var place: String
        public var owner: Owner
        /// The agent's variable, for what is the broker's.
        public var variable: String

        public init(place: String, owner: Owner, variable: String = "") {
            self.place = place
            self.owner = owner
            self.variable = variable
        }
    }

    public var presented: [Presented]
    /// The variable of the credential that is put in for this host where the agent shows none.
    public var held: String?
    /// The first of the agent's own that was used on this host.
    public var pinned: KeyIdentity?

    public init(presented: [Presented] = [], held: String? = nil, pinned: KeyIdentity? = nil) {
        self.presented = presented
        self.held = held
        self.pinned = pinned
    }
}

/// Whose key a granted request leaves with.
public enum KeyUse: Sendable, Hashable {
    case none
    /// The broker's, of these variables; `shown`: the agent's request says where. Several only where no provider's are.
    case broker(variables: [String], shown: Bool)
    /// The agent's own. nil: more than one, which only `keys: any` lets be.
    case agent(KeyIdentity?)
}

extension PolicyEngine {
    /// The credential's part of the decision.
    func keys(_ grant: RequestGrant, _ facts: KeyFacts, _ words: RefusalWords) -> Decision<RequestGrant> {
        for key in facts.presented {
            if case .stray(let why) = key.owner { return .deny(stray(why, key, words)) }
        }
        var grant = grant
        let own = Set(facts.presented.filter { $0.owner == .broker }.map(\.variable)).sorted()
        let foreign = Set(
            facts.presented.compactMap { key -> KeyIdentity? in
                if case .agent(let identity) = key.owner { identity } else { nil }
            })
        let provider = grant.provider.map { id in "providers.\(id).keys" }
        guard let provider, grant.keys != .any else {
            grant.key = own.isEmpty ? (foreign.isEmpty ? .none : .agent(nil)) : .broker(variables: own, shown: true)
            return .allow(grant)
        }
        func refuse(_ reason: String, _ what: String) -> Decision<RequestGrant> {
            .deny(words.refusal(.foreignKey, reason: reason, what: what, rule: provider))
        }
        guard own.count + foreign.count <= 1 else {
            return refuse("two keys in one request", "a request with two API keys is not allowed")
        }
        if let variable = own.first ?? (foreign.isEmpty ? facts.held : nil) {
            grant.key = .broker(variables: [variable], shown: !own.isEmpty)
            return .allow(grant)
        }
        if grant.keys == .broker {
            return foreign.isEmpty
                ? refuse("keys: broker, and no credential is held for \(words.host)", "no credential is configured for this host")
                : refuse("a key of the agent's own; keys: broker", "API keys of your own are not allowed on this host")
        }
        guard let key = foreign.first else { return .allow(grant) }
        if facts.held != nil {
            return refuse(
                "a key of the agent's own, where the broker holds one; keys: pinned",
                "another API key is configured for this host; use the one in your environment")
        }
        guard facts.pinned == nil || facts.pinned == key else {
            return refuse(
                "a second key on \(words.host); keys: pinned holds the first", "a different API key was used before on this host")
        }
        grant.key = .agent(key)
        return .allow(grant)
    }

    private func stray(_ why: KeyFacts.Stray, _ key: KeyFacts.Presented, _ words: RefusalWords) -> Refusal {
        let (reason, what) =
            switch why {
            case .otherHost: ("is not for \(words.host)", "this credential is not for this host")
            case .otherPlace: ("in \(key.place), which is not its place", "a credential stands where none belongs")
            case .absent: ("has no key behind it", "this credential is not configured")
            case .presigned: ("in a presigned URL", "presigned URLs cannot be signed with the configured key; sign a header")
            case .signature:
                (
                    "in a signature that is not \(AWSSignature.algorithm)",
                    "this kind of signature cannot be made with the configured key"
                )
            }
        return words.refusal(
            .foreignKey, reason: "the placeholder of \(key.variable) \(reason)", what: what, rule: "credentials.\(key.variable)")
    }
}
