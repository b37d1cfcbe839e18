// OutputDocument: output.json, what a script reads about a run. Every member is always there; what is not known is null.

public import Events
import JSONBytes
public import Vocabulary

public struct OutputDocument: Sendable, Hashable {
    public struct Egress: Sendable, Hashable {
        public var requests: UInt64 = 0
        public var denied: UInt64 = 0
        public var bytesOut: UInt64 = 0
        public var bytesIn: UInt64 = 0
        /// Host → requests.
        public var hosts: [String: UInt64] = [:]
        public init() {}
    }

    public struct ModelUse: Sendable, Hashable {
        public var cost = Money.zero
        public var tokensInput: UInt64 = 0
        public var tokensOutput: UInt64 = 0
        public init() {}
    }

    public struct Cost: Sendable, Hashable {
        public var total = Money.zero
        /// Nil: the profile sets no limit in money.
        public var limit: Money?
        /// The budget ended the session. `over_budget` is also true where more was spent than the limit and let through.
        public var overBudget = false
        public var tokensInput: UInt64 = 0
        public var tokensOutput: UInt64 = 0
        public var byModel: [String: ModelUse] = [:]
        public init() {}
    }

    public var session: SessionID
    public var profile: String
    public var command: SessionStart.Command?
    public var started: Timestamp?
    public var ended: Timestamp?
    public var exit: ExitStatus
    public var tierRequested: String?
    public var tierEnforced: String?
    public var controls: [ControlState] = []
    public var egress = Egress()
    public var redactions: [String: UInt64] = [:]
    public var cost = Cost()
    /// Nil when there is no sealed log.
    public var audit: (records: UInt64, root: TreeHash)? {
        get { auditRecords.flatMap { records in auditRoot.map { (records, $0) } } }
        set { (auditRecords, auditRoot) = (newValue?.records, newValue?.root) }
    }
    private var auditRecords: UInt64?
    private var auditRoot: TreeHash?

    public init(session: SessionID, profile: String, exit: ExitStatus) {
        self.session = session
        self.profile = profile
        self.exit = exit
    }

    /// Canonical JSON (RFC 8785) and a newline. Money is decimal text; counts are numbers.
    public func bytes() -> [UInt8] { JSONBuilder.object(capacity: 2048) { write(to: &$0) } + [0x0a] }

    private func write(to out: inout JSONBuilder) {
        out.member(object: "audit") { out in
            out.member("records", auditRecords.map { Self.number($0) } ?? .null)
            out.member("root", auditRoot.map { .string($0.hex) } ?? .null)
        }
        out.key("command")
        if let command {
            out.object { out in
                out.member("arguments", command.arguments)
                out.member("digest", command.digest)
                out.member("program", command.program)
            }
        } else {
            out.null()
        }
        out.member(array: "controls") { out in for control in controls { control.write(to: &out) } }
        out.member(object: "cost") { writeCost(to: &$0) }
        out.member(object: "egress") { out in
            out.member("bytes_in", Self.number(egress.bytesIn))
            out.member("bytes_out", Self.number(egress.bytesOut))
            out.member("denied", Self.number(egress.denied))
            out.member("hosts", Self.numbers(egress.hosts))
            out.member("requests", Self.number(egress.requests))
        }
        out.member("ended", ended.map { .string($0.rfc3339) } ?? .null)
        out.key("exit")
        exit.write(to: &out)
        out.member("profile", profile)
        out.member("redactions", Self.numbers(redactions))
        out.member("session", session.text)
        out.member("started", started.map { .string($0.rfc3339) } ?? .null)
        out.member(object: "tier") { out in
            out.member("enforced", tierEnforced.map { .string($0) } ?? .null)
            out.member("requested", tierRequested.map { .string($0) } ?? .null)
        }
        out.member("version", 1)
    }

    private func writeCost(to out: inout JSONBuilder) {
        out.member("budget_limit_usd", cost.limit.map { .string($0.decimal) } ?? .null)
        out.member(object: "by_model") { out in
            for (model, use) in cost.byModel.sorted(by: { JSONKeyOrder.precedes($0.key, $1.key) }) {
                out.member(object: model) { out in
                    out.member("cost_usd", use.cost.decimal)
                    out.member("tokens_input", Self.number(use.tokensInput))
                    out.member("tokens_output", Self.number(use.tokensOutput))
                }
            }
        }
        out.member("over_budget", cost.overBudget || cost.limit.map { cost.total > $0 } ?? false)
        out.member("remaining_budget_usd", cost.limit.map { .string(max($0 - cost.total, .zero).decimal) } ?? .null)
        out.member("tokens_input", Self.number(cost.tokensInput))
        out.member("tokens_output", Self.number(cost.tokensOutput))
        let (total, overflow) = cost.tokensInput.addingReportingOverflow(cost.tokensOutput)
        out.member("tokens_total", Self.number(overflow ? .max : total))
        out.member("total_cost_usd", cost.total.decimal)
    }

    private static func number(_ value: UInt64) -> JSONValue { .integer(Int64(min(value, RecordLimits.maxInteger))) }

    private static func numbers(_ counts: [String: UInt64]) -> JSONValue {
        .object(counts.map { JSONValue.Member($0.key, number($0.value)) })
    }
}
