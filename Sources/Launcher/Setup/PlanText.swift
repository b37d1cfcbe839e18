// PlanText: the words of --plan and --verbose. What is printed is the very plan that would be carried out.

import CagePlan
import Events
import Profile
import Vocabulary

enum PlanText {
    static func render(_ plan: CagePlan, profile: LoadedProfile, host: HostStanding) -> String {
        var lines = ["profile   \(profile.spec.name) (\(profile.digest))"]
        lines += profile.resolved.sources.map { "          from \($0.name)" }
        lines += profile.resolved.loosened.map { "          loosened: \($0.key) (\($0.mark))" }
        lines.append("tier      \(host.tier.rawValue) (profile requires \(profile.spec.require.rawValue))")
        lines.append(
            "identity  uid \(plan.identity.uid) in the cage, \(plan.identity.hostUID) on the host (\(plan.identity.reason.rawValue))"
        )
        lines += hosts(profile.spec)
        lines.append("steps")
        for (number, step) in plan.steps.enumerated() {
            let index = String(number + 1)
            lines.append(String(repeating: " ", count: max(0, 5 - index.count)) + index + "  " + step.words)
        }
        return lines.map { $0.onOneLine + "\n" }.joined()
    }

    private static func hosts(_ spec: Spec) -> [String] {
        var lines = spec.providers.map { "egress    provider \($0.id), keys \($0.keys.rawValue)" }
        lines += spec.network.allow.map {
            "egress    \($0.host) port \($0.ports.map { String($0) }.joined(separator: ",")) "
                + "\($0.methods.joined(separator: ",")) \($0.paths.joined(separator: " "))"
        }
        lines += spec.network.deny.map { "egress    never \($0.host)" }
        return lines.isEmpty ? ["egress    nothing is granted"] : lines
    }

    /// Layers as the record has them, for --verbose.
    static func layers(_ session: String, _ start: SessionStart) -> String {
        var text = "akios-exec: session \(session), tier \(start.tierEnforced.rawValue)\n"
        for control in start.controls { text += "akios-exec: \(control.id): \(control.state.rawValue) (\(control.evidence))\n" }
        return text
    }
}
