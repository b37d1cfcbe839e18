// Decision: the one answer type of every check. A refusal always carries its reason; the words for the
// operator and the words for the agent are kept apart, because the rule set is no business of the agent.

public enum Decision<Grant: Sendable>: Sendable {
    case allow(Grant)
    case deny(Refusal)
    /// Only if an operator says yes. The refusal is what the agent reads where nobody can be asked, or the answer is no.
    case ask(Grant, Refusal)
    /// Not now: the same may be allowed after so many nanoseconds.
    case throttle(Refusal, after: UInt64)

    /// Why nothing may happen now, nil for a plain yes. Whoever can neither ask nor wait obeys this.
    public var refusal: Refusal? {
        switch self {
        case .allow: nil
        case .deny(let refusal), .ask(_, let refusal), .throttle(let refusal, _): refusal
        }
    }

    /// The grant of a plain yes.
    public var grant: Grant? { if case .allow(let grant) = self { grant } else { nil } }

    /// The same answer, and after a yes that of `next` too.
    public func then<Next>(_ next: (Grant) -> Decision<Next>) -> Decision<Next> {
        switch self {
        case .allow(let grant): next(grant)
        case .deny(let refusal): .deny(refusal)
        // What is not settled here is not settled there: nothing goes on without a yes.
        case .ask(_, let refusal): .deny(refusal)
        case .throttle(let refusal, let wait): .throttle(refusal, after: wait)
        }
    }
}

/// Why something did not happen. Codes are part of the log's schema: they are added to, never renamed.
public struct Refusal: Error, Sendable, Hashable {
    public enum Code: String, Sendable, Hashable, CaseIterable {
        case hostNotAllowed = "host_not_allowed"
        case hostDenied = "host_denied"
        case portNotAllowed = "port_not_allowed"
        case contentTypeNotAllowed = "content_type_not_allowed"
        case approvalNeeded = "approval_needed"
        case approvalDenied = "approval_denied"
        case approvalExpired = "approval_expired"
        case circuitOpen = "circuit_open"
        case timedOut = "timed_out"
        case methodNotAllowed = "method_not_allowed"
        case pathNotAllowed = "path_not_allowed"
        case rawAddress = "raw_address"
        case addressNotAllowed = "address_not_allowed"
        case identityMismatch = "identity_mismatch"
        case plainHTTP = "plain_http"
        case notHTTP = "not_http"
        case malformed = "malformed"
        case tooLarge = "too_large"
        case unsupportedEncoding = "unsupported_encoding"
        case scannerFailed = "scanner_failed"
        case sensitiveData = "sensitive_data"
        case sensitiveURL = "sensitive_url"
        case binaryContent = "binary_content"
        case strictJSON = "strict_json"
        case unknownField = "unknown_field"
        case unknownModel = "unknown_model"
        case modelNotAllowed = "model_not_allowed"
        case unpricedOperation = "unpriced_operation"
        case serverTool = "server_tool"
        case foreignKey = "foreign_key"
        case budgetExceeded = "budget_exceeded"
        case rateLimited = "rate_limited"
        case nameLimit = "name_limit"
        case resolveFailed = "resolve_failed"
        case upstreamUnreachable = "upstream_unreachable"
        case upstreamCertificate = "upstream_certificate"
        case clientCertificate = "client_certificate"
        case upstreamProxy = "upstream_proxy"
        case stopping = "stopping"
        case logFailed = "log_failed"
    }

    public var code: Code
    /// For the operator and the log: may name rules and profile keys. Never a matched value.
    public var reason: String
    /// What the agent may read: host and profile, "ask the operator"; nothing about the rule set.
    public var told: String
    /// The profile's rules or key that decided, for the operator; nil: nothing in it grants this.
    public var rule: String?

    public init(_ code: Code, reason: String, told: String, rule: String? = nil) {
        self.code = code
        self.reason = reason
        self.told = told
        self.rule = rule
    }
}
