// Alerts of a running session on their way, and on record where they did not arrive.

import LogStore

extension Supervisor {
    mutating func attendAlerts() {
        alerts.attend(at: Self.milliseconds(.now))
        recordFailedAlerts()
    }

    mutating func recordFailedAlerts() {
        let failures = alerts.failures()
        guard !failures.isEmpty else { return }
        logged(.now) { (me: inout Supervisor) throws(LogError) in
            for failure in failures { try me.log.append(failure, at: .now) }
            try me.log.commit()
        }
    }
}
