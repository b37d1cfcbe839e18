// Journal: the way of records and totals to the supervisor. Records of refusals are made by the agent's doing, so
// their rate is bounded: what is over it is counted in the totals and left out of the log.

import Events
import NIOCore
import Wire

final class Journal {
    /// Refusal records in a burst, and per second after it.
    private static let burst = 500.0
    private static let perSecond = 50.0
    private static let mostHosts = 200
    private static let totalsEvery = TimeAmount.milliseconds(100)

    private let link: SupervisorLink
    private let loop: any EventLoop
    private var allowance = burst
    private var last = NIODeadline.now()
    private(set) var totals = EgressTotals()
    private var isScheduled = false

    init(link: SupervisorLink, loop: any EventLoop) {
        self.link = link
        self.loop = loop
    }

    /// A record of something that did not happen.
    func refused(_ payload: some EventPayload) {
        count { $0.denied += 1 }
        note(payload)
    }

    func note(_ payload: some EventPayload) {
        let now = NIODeadline.now()
        allowance = min(Self.burst, allowance + Double((now - last).nanoseconds) / 1e9 * Self.perSecond)
        last = now
        guard allowance >= 1 else { return }
        allowance -= 1
        link.note(RecordDraft(kind: payload.kind, data: payload.data()))
    }

    func count(_ change: (inout EgressTotals) -> Void) {
        change(&totals)
        guard !isScheduled else { return }
        isScheduled = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: Self.totalsEvery) {
            bound.value.isScheduled = false
            bound.value.sendTotals()
        }
    }

    func sendTotals() { link.send(.totals(totals), now: false) }

    /// Counts a request. Hosts below a wildcard are of the agent's making, and totals must fit one frame: past the most, they
    /// are counted as one.
    static func count(_ host: String, in totals: inout EgressTotals) {
        let isListed = totals.hosts[host] != nil || totals.hosts.count < mostHosts
        totals.hosts[isListed ? host : "(other)", default: 0] += 1
    }

    static func add(_ findings: [String: UInt64], to sums: inout [String: UInt64]) {
        sums.merge(findings) { $0.addingReportingOverflow($1).partialValue }
    }
}
