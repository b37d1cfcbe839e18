// HostStanding: which tier this run stands at. Below what the profile requires nothing runs, unless the operator said
// for this run that weaker is accepted.

import Glibc
import LinuxSys
import LogStore
import Profile
import Vocabulary

struct HostStanding {
    var tier: Tier
    var kernel: String
    /// Of the facts the decision was made from.
    var digest: String

    static func decide(_ options: Options, _ spec: Spec, invoker: Invoker) throws(Complaint) -> HostStanding {
        let kernel = release()
        let controllers = unifiedControllers()
        let missing = ["memory", "pids", "cpu"].filter { !controllers.contains($0) }
        let given: Tier = missing.isEmpty && invoker.privileged ? .full : .strong
        let digest = AuditCrypto.digestText(Array("\(kernel)\n\(controllers.sorted())\n\(invoker.privileged)".utf8))
        let standing = HostStanding(tier: given, kernel: kernel, digest: digest)
        guard given < spec.require else { return standing }
        if let accepted = options.acceptTier, given >= accepted { return standing }
        throw Complaint(
            "profile '\(spec.name)' requires tier '\(spec.require.rawValue)', this host gives '\(given.rawValue)'; nothing was run",
            details: missing.isEmpty
                ? ["missing cgroup v2: not delegated to this user"]
                : ["missing cgroup v2: \(missing.joined(separator: ", ")) are bound to v1 hierarchies"],
            hints: [
                missing.isEmpty ? "run it with sudo" : "boot with cgroup_no_v1=all, or use a host with unified cgroups",
                "once, weaker (memory and cpu by rlimits only; recorded): --accept-tier strong", "akios doctor",
            ])
    }

    private static func release() -> String {
        var name = utsname()
        guard uname(&name) == 0 else { return "unknown" }
        return withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func unifiedControllers() -> Set<String> {
        guard let bytes = try? readFile("/sys/fs/cgroup/cgroup.controllers", limit: 4096) else { return [] }
        return Set(String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init))
    }

    func makeGroup(session: String, _ resources: Sandbox.Resources) throws(Complaint) -> SessionGroup { SessionGroup() }
}

/// The session's cgroup, where there is one.
struct SessionGroup: ~Copyable {
    var descriptor: Int32? { nil }
    borrowing func killReason() -> String? { nil }
}
