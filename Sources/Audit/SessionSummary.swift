// SessionSummary: what a log says about its session, folded record by record. A sweep writes output.json from it, because
// the process that should have written it is dead.

public import Events
import JSONBytes
import Vocabulary

public struct SessionSummary: Sendable {
    private var document: OutputDocument?
    private var stop: String?
    private var exit: ExitStatus?
    /// Requests without an outcome yet. What they reserved counts as spent: nobody knows better.
    private var open: [String: (model: String?, reserved: Money)] = [:]

    public init() {}

    /// The next record, already checked. Members that are missing count as nothing.
    public mutating func add(_ head: RecordHead, data: [UInt8], session: SessionID) {
        guard let data = try? JSONValue.parse(data) else { return }
        if head.kind == .sessionStart { document = Self.begin(data, session, head.time) }
        guard document != nil else { return }
        document?.ended = head.time
        switch head.kind {
        case .requestIntent: intent(data)
        case .requestOutcome: outcome(data)
        case .requestRefused, .connectionRefused, .nameRefused: document?.egress.denied.add(1)
        case .budgetExceeded: if data["action"]?.stringValue == "stop" { document?.cost.overBudget = true }
        case .sessionStop: stop = data["code"]?.stringValue
        case .sessionEnd: exit = Self.exit(data["exit"])
        default: break
        }
    }

    /// The document of a session whose own process did not write one; nil without a first record.
    public func document(records: UInt64, root: TreeHash) -> OutputDocument? {
        guard var document else { return nil }
        for request in open.values { Self.spend(&document, request.model, request.reserved, input: 0, output: 0) }
        document.exit =
            exit
            ?? ExitStatus(by: .akios, ran: true, status: 125, reason: stop.map { "crashed after \($0)" } ?? "crashed")
        document.audit = (records, root)
        return document
    }

    private static func begin(_ data: JSONValue, _ session: SessionID, _ time: Timestamp) -> OutputDocument {
        var document = OutputDocument(
            session: session, profile: data["profile"]?.stringValue ?? "", exit: ExitStatus(by: .akios, ran: false, status: 125))
        document.started = time
        if let command = data["command"], let program = command["program"]?.stringValue, let digest = command["digest"]?.stringValue
        {
            document.command = SessionStart.Command(
                program: program, arguments: Int(command["arguments"]?.intValue ?? 0), digest: digest)
        }
        document.tierRequested = data["tier"]?["requested"]?.stringValue
        document.tierEnforced = data["tier"]?["enforced"]?.stringValue
        document.controls = (data["controls"]?.elements ?? []).compactMap { control in
            guard let id = control["id"]?.stringValue,
                let state = control["state"]?.stringValue.flatMap(ControlState.State.init(rawValue:))
            else { return nil }
            return ControlState(
                id: id, required: control["required"]?.boolValue ?? false, state: state,
                evidence: control["evidence"]?.stringValue ?? "")
        }
        return document
    }

    private static func exit(_ value: JSONValue?) -> ExitStatus? {
        guard let value, let by = value["by"]?.stringValue.flatMap(ExitStatus.Speaker.init(rawValue:)),
            let status = value["status"]?.intValue.flatMap({ Int(exactly: $0) })
        else { return nil }
        return ExitStatus(
            by: by, ran: value["ran"]?.boolValue ?? false, status: status,
            signal: value["signal"]?.intValue.flatMap { Int(exactly: $0) },
            reason: value["reason"]?.stringValue)
    }

    private mutating func intent(_ data: JSONValue) {
        document?.egress.requests.add(1)
        document?.egress.bytesOut.add(data["bytes"].count)
        if let host = data["host"]?.stringValue { document?.egress.hosts[host, default: 0].add(1) }
        redactions(data)
        if let id = data["id"]?.stringValue { open[id] = (data["model"]?.stringValue, data["reserved_usd"].money) }
    }

    private mutating func outcome(_ data: JSONValue) {
        document?.egress.bytesIn.add(data["bytes_in"].count)
        redactions(data)
        let asked = data["id"]?.stringValue.flatMap { open.removeValue(forKey: $0) }
        let usage = data["usage"]
        var input: UInt64 = 0
        for part in ["input", "cached_input", "cache_write"] { input.add(usage?[part].textCount ?? 0) }
        guard var document else { return }
        Self.spend(
            &document, data["model"]?.stringValue ?? asked?.model, data["cost_usd"].money, input: input,
            output: usage?["output"].textCount ?? 0)
        self.document = document
    }

    private static func spend(_ document: inout OutputDocument, _ model: String?, _ cost: Money, input: UInt64, output: UInt64) {
        document.cost.total += cost
        document.cost.tokensInput.add(input)
        document.cost.tokensOutput.add(output)
        guard let model else { return }
        document.cost.byModel[model, default: .init()].cost += cost
        document.cost.byModel[model, default: .init()].tokensInput.add(input)
        document.cost.byModel[model, default: .init()].tokensOutput.add(output)
    }

    private mutating func redactions(_ data: JSONValue) {
        for member in data["redactions"]?.members ?? [] {
            document?.redactions[member.key, default: 0].add(Optional(member.value).count)
        }
    }
}

extension UInt64 {
    /// Stops at the end instead of trapping: what is summed up is what egress wrote, and a sweep must outlive any of it.
    fileprivate mutating func add(_ more: UInt64) {
        let (sum, overflow) = addingReportingOverflow(more)
        self = overflow ? .max : sum
    }
}

extension Optional where Wrapped == JSONValue {
    fileprivate var count: UInt64 { self?.intValue.flatMap { UInt64(exactly: $0) } ?? 0 }
    fileprivate var textCount: UInt64 { self?.stringValue.flatMap { UInt64($0) } ?? 0 }
    fileprivate var money: Money { self?.stringValue.flatMap { Money(decimal: $0) } ?? .zero }
}
