// Evidence: what is written when nothing of a session runs any more: the log's last record and checkpoint, the receipt,
// output.json, the caller's copies and the last line.

import Audit
import Events
import Glibc
import JSONBytes
import LinuxSys
import LogStore
import Metering
import Profile
import Vocabulary
import Wire

struct Evidence {
    var session: SessionID
    var started: Moment
    var start: SessionStart
    var agentDigest: TreeHash?
    var limit: Money?

    private func sessionTotals(_ egress: EgressTotals, _ spent: SpendTotals) -> SessionTotals {
        var totals = SessionTotals()
        totals.requests = egress.requests
        totals.denied = egress.denied
        totals.bytesIn = egress.bytesIn
        totals.bytesOut = egress.bytesOut
        totals.redactions = egress.redactions
        totals.cost = spent.cost
        totals.tokensInput = UInt64(max(0, spent.usage.totalInput))
        totals.tokensOutput = UInt64(max(0, spent.usage.output))
        return totals
    }

    /// Seals the log. Where that fails it stays unsealed, and the exit status says that akios-exec failed.
    func seal(_ log: LogWriter, _ exit: ExitStatus, _ egress: EgressTotals, _ spent: SpendTotals) throws(LogError) -> SealedLog {
        try log.seal(SessionEnd(exit: exit, totals: sessionTotals(egress, spent)), at: .now)
    }

    func output(_ exit: ExitStatus, _ egress: EgressTotals, _ spent: SpendTotals, sealed: SealedLog?) -> OutputDocument {
        var document = OutputDocument(session: session, profile: start.profile, exit: exit)
        document.command = start.command
        document.started = started.wall
        document.ended = Moment.now.wall
        document.tierRequested = start.tierRequested.rawValue
        document.tierEnforced = start.tierEnforced.rawValue
        document.controls = start.controls
        document.egress.requests = egress.requests
        document.egress.denied = egress.denied
        document.egress.bytesIn = egress.bytesIn
        document.egress.bytesOut = egress.bytesOut
        document.egress.hosts = egress.hosts
        document.redactions = egress.redactions
        document.cost.total = spent.cost
        document.cost.limit = limit
        document.cost.overBudget = exit.reason == "budget"
        document.cost.tokensInput = UInt64(max(0, spent.usage.totalInput))
        document.cost.tokensOutput = UInt64(max(0, spent.usage.output))
        for (name, model) in spent.byModel {
            var use = OutputDocument.ModelUse()
            use.cost = model.cost
            use.tokensInput = UInt64(max(0, model.usage.totalInput))
            use.tokensOutput = UInt64(max(0, model.usage.output))
            document.cost.byModel[name] = use
        }
        if let sealed { document.audit = (sealed.records, sealed.root) }
        return document
    }

    /// Nil without a sealed log or a known program: a receipt says nothing it cannot bind.
    func receipt(_ exit: ExitStatus, _ spent: SpendTotals, sealed: SealedLog?, key: SigningKey) -> [UInt8]? {
        guard let sealed, let agentDigest else { return nil }
        let receipt = Receipt(
            agentName: start.command.program, agentDigest: agentDigest, session: session, profile: start.profile,
            profileDigest: start.profileDigest, tierRequested: start.tierRequested, tierEnforced: start.tierEnforced,
            controls: start.controls, caFingerprint: start.caFingerprint, records: sealed.records, root: sealed.root,
            cost: spent.cost,
            exit: exit, versions: start.versions)
        return DSSE.envelope(type: Receipt.payloadType, payload: receipt.statement(), key: key.noteKey) { key.sign($0) }
    }

    /// `akios-exec: session …, exit 0, $0.0021 of $1.00, 3 requests, 1 denied (…), 4 redactions, tier strong`.
    func summary(_ exit: ExitStatus, _ egress: EgressTotals, _ spent: SpendTotals, refusals: RefusalDigest, stop: StopReason?)
        -> String
    {
        let weaker = start.tierEnforced < start.tierRequested
        var parts = [
            "session \(session)", "exit \(exit.status)" + (exit.by == .akios ? exit.reason.map { " (\($0))" } ?? "" : ""),
            limit.map { "\(spent.cost) of \($0)" } ?? "\(spent.cost)", "\(egress.requests) requests",
            "\(egress.denied) denied" + refusals.words(session: session.text),
            "\(egress.redactions.values.reduce(0, +)) redactions",
            "tier \(start.tierEnforced.rawValue)" + (weaker ? " (profile requires \(start.tierRequested.rawValue))" : ""),
        ]
        if let stop, stop.code != "signal", stop.status != 125 { parts.append("stopped: \(RefusalDigest.printable(stop.reason))") }
        return "akios-exec: " + parts.joined(separator: ", ") + "\n"
    }
}
