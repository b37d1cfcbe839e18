// HostStanding: which tier this run stands at. Below what the profile requires nothing runs, unless the operator said
// for this run that weaker is accepted.

import CagePlan
import Glibc
import HostProbe
import LinuxSys
import LogStore
import Profile
import Vocabulary

struct HostStanding {
    var tier: Tier
    var kernel: String
    /// Of the facts the decision was made from.
    var digest: String
    /// `--cgroup-parent`, and with whose ids it is opened.
    var parent: String?
    var eyes: FileIdentity?

    static func decide(_ options: Options, _ spec: Spec, invoker: Invoker) throws(Complaint) -> HostStanding {
        let facts = HostProbe.quick(cgroupParent: options.cgroupParent, caller: invoker.eyes)
        let tier = try TierDecision.decide(profile: spec.name, requires: spec.require, accepted: options.acceptTier, facts)
        guard tier > .contained else {
            throw Complaint(
                "this host gives tier 'contained', which this release cannot run at; nothing was run",
                hints: ["run it where user namespaces are allowed, or as root", "akios doctor"])
        }
        let found = facts.layers.map { "\($0.key.rawValue) \($0.value.state.rawValue) \($0.value.evidence)" }.sorted()
        let digest = AuditCrypto.digestText(Array(([facts.kernel, "\(facts.privileged)"] + found).joined(separator: "\n").utf8))
        return HostStanding(tier: tier, kernel: facts.kernel, digest: digest, parent: options.cgroupParent, eyes: invoker.eyes)
    }

    /// The group with the profile's limits, made where it is possible; in tier `full` without it nothing runs.
    func makeGroup(session: String, _ resources: Sandbox.Resources) throws(Complaint) -> SessionGroup {
        guard tier == .full else { return SessionGroup(held: nil) }
        let limits = CgroupLimits(
            memory: resources.memory?.bytes, swap: resources.swap?.bytes, cpu: resources.cpu?.percent, pids: resources.pids)
        do throws(SysError) {
            let place = try CgroupParent.choose(.current(), named: parent, caller: eyes)
            place.sweep { access("/proc/\($0)", F_OK) == 0 }
            return SessionGroup(held: HeldGroup(try CgroupGroup.make(in: place, session: session, pid: getpid(), limits: limits)))
        } catch {
            throw Complaint(
                "the session's cgroup cannot be made: \(error); nothing was run",
                hints: ["once, weaker (memory and cpu by rlimits only; recorded): --accept-tier strong", "akios doctor"])
        }
    }
}

/// The session's cgroup, where there is one. With the last reference its processes are ended and it is removed.
struct SessionGroup: ~Copyable {
    fileprivate let held: HeldGroup?

    var descriptor: Int32? { held?.group.descriptor }

    /// Why the kernel ended the agent, if it did. A refused fork is an error inside the cage and ends nothing.
    borrowing func killReason() -> String? { (held?.group.memoryKills ?? 0) > 0 ? "memory" : nil }
}

private final class HeldGroup {
    let group: CgroupGroup

    init(_ group: consuming CgroupGroup) { self.group = group }

    deinit {
        try? group.kill()
        // Dying takes the kernel up to some 80 ms for 1 GiB; what is left after two seconds stays for the next run's sweep.
        for _ in 0..<200 {
            if (try? group.remove()) != nil { return }
            usleep(10_000)
        }
    }
}
