// Records of what wanted to leave the cage: intents before they are sent, outcomes, refusals.

public import JSONBytes
public import Vocabulary

/// Written before the first byte of a request leaves. It carries the reservation, so the log is the ledger's journal.
public struct RequestIntent: EventPayload, Hashable {
    public static let kind = EventKind.requestIntent

    /// The session's number of this request; its outcome has the same.
    public var id: UInt64
    public var host: String
    public var port: UInt16
    public var method: String
    /// Without its query, redacted.
    public var path: String
    public var operation: OperationKind?
    public var model: String?
    /// The variables of the broker's credentials that it leaves with, by commas; nil: the agent's own, or none.
    public var credential: String?
    public var reservedCost: Money
    public var reservedTokens: Int64
    /// Detector type → number of replacements in this request.
    public var redactions: [String: UInt64]
    /// Of the body as it leaves.
    public var bytes: UInt64
    /// The profile key that granted it: `governance.network_access.allowlist[2]`.
    public var rule: String
    /// Marks such as `unredacted`, `unbrokered`, `unmetered`.
    public var marks: [String]

    public init(
        id: UInt64, host: String, port: UInt16, method: String, path: String, operation: OperationKind? = nil, model: String? = nil,
        credential: String? = nil, reservedCost: Money = .zero, reservedTokens: Int64 = 0, redactions: [String: UInt64] = [:],
        bytes: UInt64, rule: String,
        marks: [String] = []
    ) {
        self.id = id
        self.host = host
        self.port = port
        self.method = method
        self.path = path
        self.operation = operation
        self.model = model
        self.credential = credential
        self.reservedCost = reservedCost
        self.reservedTokens = reservedTokens
        self.redactions = redactions
        self.bytes = bytes
        self.rule = rule
        self.marks = marks
    }

    public func write(to out: inout JSONBuilder) {
        out.count("bytes", bytes)
        out.optional("credential", credential)
        out.member("host", host)
        out.member("id", text: id)
        if !marks.isEmpty { out.texts("marks", marks) }
        out.member("method", method)
        out.optional("model", model)
        out.optional("operation", operation?.rawValue)
        out.member("path", path)
        out.member("port", Int(port))
        out.counts("redactions", redactions)
        out.member("reserved_tokens", text: reservedTokens)
        out.member("reserved_usd", reservedCost.decimal)
        out.member("rule", rule)
    }
}

/// How an admitted request ended. `status` 0: no answer came.
public struct RequestOutcome: EventPayload, Hashable {
    public static let kind = EventKind.requestOutcome
    public var id: UInt64
    public var status: Int
    public var bytesIn: UInt64
    /// Of a connection whose bytes nobody read; nil: the intent says it.
    public var bytesOut: UInt64?
    public var model: String?
    /// Nil when the provider reported none; then the reservation stands as spent.
    public var usage: TokenUsage?
    public var cost: Money
    /// Replacements in the answer.
    public var redactions: [String: UInt64]
    /// Why it ended early: `client_gone`, `upstream_reset`, `stopped`.
    public var cut: String?
    /// What came in the answer's place, and why. The reason is in our words or the TLS library's, never the host's.
    public var code: Refusal.Code?
    public var reason: String?
    /// `proxy`: through the operator's proxy; `proxy_names`: which alone knew the name's addresses. Nil: dialled.
    public var via: String?
    /// From the first byte of the request to the last of the answer.
    public var milliseconds: UInt64

    public init(
        id: UInt64, status: Int, bytesIn: UInt64, bytesOut: UInt64? = nil, model: String? = nil, usage: TokenUsage? = nil,
        cost: Money = .zero, redactions: [String: UInt64] = [:], cut: String? = nil, code: Refusal.Code? = nil,
        reason: String? = nil,
        via: String? = nil, milliseconds: UInt64
    ) {
        self.id = id
        self.status = status
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.model = model
        self.usage = usage
        self.cost = cost
        self.redactions = redactions
        self.cut = cut
        self.code = code
        self.reason = reason
        self.via = via
        self.milliseconds = milliseconds
    }

    public func write(to out: inout JSONBuilder) {
        out.count("bytes_in", bytesIn)
        if let bytesOut { out.count("bytes_out", bytesOut) }
        out.optional("code", code?.rawValue)
        out.member("cost_usd", cost.decimal)
        out.optional("cut", cut)
        out.member("id", text: id)
        out.count("milliseconds", milliseconds)
        out.optional("model", model)
        out.optional("reason", reason)
        out.counts("redactions", redactions)
        out.member("status", status)
        if let usage {
            out.member(object: "usage") { out in
                out.member("cache_write", text: usage.cacheWrite)
                out.member("cached_input", text: usage.cachedInput)
                out.member("input", text: usage.input)
                out.member("output", text: usage.output)
            }
        }
        out.optional("via", via)
    }
}

/// A request that never left. The reason is for the operator; it names rules and keys, never a matched value.
public struct RequestRefused: EventPayload, Hashable {
    public static let kind = EventKind.requestRefused
    public var code: Refusal.Code
    public var reason: String
    public var host: String
    public var port: UInt16
    public var method: String
    public var path: String?
    public var model: String?
    /// Findings by detector type, when they are why.
    public var findings: [String: UInt64]
    /// The profile's rules or key that decided; nil: nothing in it grants the request.
    public var rule: String?

    public init(
        code: Refusal.Code, reason: String, host: String, port: UInt16, method: String, path: String? = nil, model: String? = nil,
        findings: [String: UInt64] = [:], rule: String? = nil
    ) {
        self.code = code
        self.reason = reason
        self.host = host
        self.port = port
        self.method = method
        self.path = path
        self.model = model
        self.findings = findings
        self.rule = rule
    }

    public func write(to out: inout JSONBuilder) {
        out.member("code", code.rawValue)
        if !findings.isEmpty { out.counts("findings", findings) }
        out.member("host", host)
        out.member("method", method)
        out.optional("model", model)
        out.optional("path", path)
        out.member("port", Int(port))
        out.member("reason", reason)
        if let rule { out.member("rule", rule) }
    }
}

/// A connection refused before any request could be read. `host` is absent for a raw address.
public struct ConnectionRefused: EventPayload, Hashable {
    public static let kind = EventKind.connectionRefused
    public var code: Refusal.Code
    public var reason: String
    public var host: String?
    public var address: String
    public var port: UInt16

    public init(code: Refusal.Code, reason: String, host: String?, address: String, port: UInt16) {
        self.code = code
        self.reason = reason
        self.host = host
        self.address = address
        self.port = port
    }

    public func write(to out: inout JSONBuilder) {
        out.member("address", address)
        out.member("code", code.rawValue)
        out.optional("host", host)
        out.member("port", Int(port))
        out.member("reason", reason)
    }
}

/// A name that the resolver would not answer. `name` is cut and cleaned by the resolver: it is the agent's text.
public struct NameRefused: EventPayload, Hashable {
    public static let kind = EventKind.nameRefused
    public var code: Refusal.Code
    public var name: String

    public init(code: Refusal.Code, name: String) {
        self.code = code
        self.name = name
    }

    public func write(to out: inout JSONBuilder) {
        out.member("code", code.rawValue)
        out.member("name", name)
    }
}

/// Packets that the cage's own rules rejected, folded: one record for many alike. Beyond the kinds that are told apart,
/// protocol and destination are `other`.
public struct PacketFenced: EventPayload, Hashable {
    public static let kind = EventKind.packetFenced
    /// `udp`, `icmp`, `sctp`, or the protocol's number.
    public var proto: String
    public var destination: String
    public var port: UInt16
    public var count: UInt64

    public init(proto: String, destination: String, port: UInt16, count: UInt64) {
        self.proto = proto
        self.destination = destination
        self.port = port
        self.count = count
    }

    public func write(to out: inout JSONBuilder) {
        out.count("count", count)
        out.member("dst", destination)
        out.member("port", Int(port))
        out.member("proto", proto)
    }
}

/// Sockets that the agent asked for and the filter refused, folded. Written by the supervisor. The numbers of the call as words
/// (`inet`, `raw`, `icmp`), or as they are where there is none; `other` for all beyond the kinds that are told apart.
public struct SocketRefused: EventPayload, Hashable {
    public static let kind = EventKind.socketRefused
    /// `socket` or `socketpair`.
    public var call: String
    public var family: String
    public var type: String
    public var proto: String
    public var count: UInt64

    public init(call: String, family: String, type: String, proto: String, count: UInt64) {
        self.call = call
        self.family = family
        self.type = type
        self.proto = proto
        self.count = count
    }

    public func write(to out: inout JSONBuilder) {
        out.member("call", call)
        out.count("count", count)
        out.member("family", family)
        out.member("protocol", proto)
        out.member("type", type)
    }
}

/// A limit that a request would have passed, or passes. Written by the supervisor before the answer.
public struct BudgetExceeded: EventPayload, Hashable {
    public static let kind = EventKind.budgetExceeded
    /// `per_session.max_cost_usd` and its kind.
    public var limit: String
    /// This and the next two in the limit's own unit.
    public var allowed: String
    /// Settled and reserved before this request.
    public var used: String
    public var asked: String
    /// What happens now: `stop`, `refuse`, or `alert`: the call is let through.
    public var action: String

    public init(limit: String, allowed: String, used: String, asked: String, action: String) {
        self.limit = limit
        self.allowed = allowed
        self.used = used
        self.asked = asked
        self.action = action
    }

    public func write(to out: inout JSONBuilder) {
        out.member("action", action)
        out.member("allowed", allowed)
        out.member("asked", asked)
        out.member("limit", limit)
        out.member("used", used)
    }
}
