// Grants: what a yes carries with it.

public import Profile
import Providers
public import Vocabulary

/// A connection that some rule could use. Given before any name is resolved.
public struct ConnectionGrant: Sendable, Hashable {
    public let host: HostName
    public let port: UInt16
    /// Its TLS is passed through, where every rule for this host and port says so; nil: it is read.
    public let unread: RawGrant?
    /// Whose wire format the host speaks.
    public let provider: ProviderID?
    /// The address that the profile itself gives: dial it, look up nothing.
    public let resolved: IPAddress?
    /// The port to dial: the profile's, else the one asked for.
    public let dialPort: UInt16
}

/// What holds for a request that may go out: of all rules that allow it, the strictest of each attribute.
public struct RequestGrant: Sendable, Hashable {
    /// The granting rules for the log, as the profile has them: `allowlist[0]`, `providers.openai`.
    public var rule: String
    /// Whose wire format the host speaks; nil: an ordinary host.
    public var provider: ProviderID?
    /// The model endpoint; nil: none, or an ordinary host.
    public var operation: OperationKind?
    /// Model names, or prefixes that end in `*`; nil: every model that has a price.
    public var models: [String]?
    public var serverTools: Bool
    public var keys: ProviderGrant.Keys
    /// A model call whose cost cannot be bounded may go out all the same.
    public var unmeteredAllowed: Bool
    /// What is taken out of answers. At a provider: of model text (of tool arguments: secrets only).
    public var redactInbound: NetworkAccess.InboundRedaction
    /// What is taken out of requests: at least secrets.
    public var redactOutbound: NetworkAccess.InboundRedaction
    public var binary: PIIHandling.Binary
    /// Most bytes of a request body.
    public var bodyLimit: UInt64
    /// Media ranges that a body's type must be in, of each rule that names some.
    public var contentTypes: [[String]]
    public var risk: NetworkAccess.Risk
    public var needsApproval: Bool
    /// The rules that have rates of their own.
    public var paced: [String]
    /// What the host's circuit breaker wants to hear the outcome of.
    public var ticket: CircuitBreaker.Ticket?
    public var key = KeyUse.none

    public var isMetered: Bool { operation?.isMetered == true }

    public func allows(model: String) -> Bool {
        guard let models else { return true }
        return models.contains { pattern in
            pattern.hasSuffix("*") ? model.hasPrefix(pattern.dropLast()) : model == pattern
        }
    }
}
