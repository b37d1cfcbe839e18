// Controls: what was asked for and what stands, layer by layer, as the record, the receipt and output.json say it.

import CagePlan
import Events
import LinuxSys
import Profile
import Vocabulary

enum Controls {
    static func list(
        _ spec: Spec, _ plan: CagePlan, absent: [(step: String, errno: Int32)], group: borrowing SessionGroup, host: HostStanding
    ) -> [ControlState] {
        var controls = [
            control("namespaces", "user, mount, pid, net, ipc, uts, cgroup by one clone3; id maps read back"),
            control("filesystem", "root built from nothing, \(plan.attachments.count) host trees attached"),
            control(
                "identity",
                "uid \(plan.identity.hostUID) (\(plan.identity.reason.rawValue)), capabilities and groups gone, no_new_privs"),
            control("seccomp", "allow-list '\(spec.sandbox.syscalls.base.rawValue)', set-id bits refused"),
            control("network", "lo only, every TCP connection to egress by TPROXY, the rest refused"),
            control("egress", "own id, no capability, empty root, own filter on every thread"),
            control("redaction", "mode \(spec.pii.mode.rawValue), direction \(spec.pii.direction.rawValue)"),
            control("audit", "sync \(spec.audit.sync.rawValue), checkpoint every \(spec.audit.checkpointEvery)"),
        ]
        if let limit = spec.budget.perSession.maxCost {
            controls.append(control("budget", "\(limit) a session, reserved before each call"))
        }
        let hasGroup = group.descriptor != nil
        controls.append(
            ControlState(
                id: "cgroup", required: spec.require == .full, state: hasGroup ? .enforced : .absent,
                evidence: hasGroup ? "memory, swap, cpu, pids written and read back" : "rlimits stand in"))
        for (step, number) in absent {
            controls.append(
                ControlState(id: "step", required: false, state: .absent, evidence: "\(step): \(SysError.words(number))"))
        }
        return controls
    }

    private static func control(_ id: String, _ evidence: String) -> ControlState {
        ControlState(id: id, required: true, state: .enforced, evidence: evidence)
    }
}
