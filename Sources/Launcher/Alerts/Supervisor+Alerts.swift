// Alerts of a running session on their way, and on record where they did not arrive.

import LogStore

extension Supervisor {
    mutating func sendAlerts() {
        let time = Self.milliseconds(.now)
        for alert in admissions.takeAlerts() { alerts.tell(alert, at: time) }
        alerts.attend(at: time)
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
