// Records of questions to the operator: that one was asked, what became of it, and who could not be told. Written by the
// supervisor.

public import JSONBytes
public import Vocabulary

/// A request waits for an operator's yes. `id` is the request's: its intent, should it go out, has the same.
public struct ApprovalRequested: EventPayload, Hashable {
    public static let kind = EventKind.approvalRequested
    public var id: UInt64
    public var method: String
    public var host: String
    public var port: UInt16
    /// Without its query, redacted.
    public var path: String
    public var contentType: String
    /// Of the body as it would leave.
    public var bytes: UInt64
    /// `hmac-sha256:` and 64 hexadecimal digits, of the whole request under a key of this session.
    public var digest: String
    public var risk: Risk
    public var reason: String
    public var rule: String

    public init(
        id: UInt64, method: String, host: String, port: UInt16, path: String, contentType: String, bytes: UInt64, digest: String,
        risk: Risk, reason: String, rule: String
    ) {
        self.id = id
        self.method = method
        self.host = host
        self.port = port
        self.path = path
        self.contentType = contentType
        self.bytes = bytes
        self.digest = digest
        self.risk = risk
        self.reason = reason
        self.rule = rule
    }

    public func write(to out: inout JSONBuilder) {
        out.count("bytes", bytes)
        if !contentType.isEmpty { out.member("content_type", contentType) }
        out.member("digest", digest)
        out.member("host", host)
        out.member("id", text: id)
        out.member("method", method)
        out.member("path", path)
        out.member("port", Int(port))
        out.member("reason", reason)
        out.member("risk", risk.rawValue)
        out.member("rule", rule)
    }
}

/// What became of a question, written before anything follows from it. A question without one ended with its session.
public struct ApprovalDecided: EventPayload, Hashable {
    public static let kind = EventKind.approvalDecided

    public enum Decision: String, Sendable, Hashable { case approved, denied, expired, withdrawn }
    /// `operator`: by hand; `session`: an operator's earlier word for the rest of the session; `timeout`; `agent`: it hung up.
    public enum How: String, Sendable, Hashable { case `operator`, session, timeout, agent }

    public var id: UInt64
    public var decision: Decision
    public var how: How
    public var digest: String
    /// For the rest of the session, not only for this request.
    public var forSession: Bool
    /// The user whose word it is.
    public var uid: UInt32?

    public init(id: UInt64, decision: Decision, how: How, digest: String, forSession: Bool = false, uid: UInt32? = nil) {
        self.id = id
        self.decision = decision
        self.how = how
        self.digest = digest
        self.forSession = forSession
        self.uid = uid
    }

    public func write(to out: inout JSONBuilder) {
        out.member("decision", decision.rawValue)
        out.member("digest", digest)
        out.member("how", how.rawValue)
        out.member("id", text: id)
        if forSession { out.member("scope", "session") }
        if let uid { out.member("uid", Int(uid)) }
    }
}

/// Somebody who was to be told of a question or a stop could not be.
public struct AlertFailed: EventPayload, Hashable {
    public static let kind = EventKind.alertFailed
    /// `syslog`, `webhook`, `command`, or `all`.
    public var way: String
    public var reason: String

    public init(way: String, reason: String) {
        self.way = way
        self.reason = reason
    }

    public func write(to out: inout JSONBuilder) {
        out.member("reason", reason)
        out.member("way", way)
    }
}
