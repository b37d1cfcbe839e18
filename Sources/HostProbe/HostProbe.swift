// HostProbe: facts about this host, by trying where trying costs nothing that stays, by reading otherwise. The launcher
// takes the quick part: what it leaves out shows when the cage is built, and then nothing runs either.

import CLinux
public import CagePlan
import Glibc
public import LinuxSys

public enum HostProbe {
    /// What decides between tiers and cannot fail later: cgroups, filters, Landlock. A few reads, no child.
    /// - Parameter cgroupParent: `--cgroup-parent`; then that folder is judged.
    public static func quick(cgroupParent: String? = nil, caller: FileIdentity? = nil) -> HostFacts {
        var facts = HostFacts(kernel: release(), privileged: geteuid() == 0)
        facts.layers[.systemCallFilter] = filter()
        facts.layers[.landlock] = landlock()
        facts.layers[.cgroup] = cgroup(named: cgroupParent, caller: caller)
        return facts
    }

    /// Everything, for `akios doctor`: builds the namespaces of a cage in a child that ends at once.
    public static func thorough() -> HostFacts {
        var facts = quick()
        facts.container = container()
        facts.layers[.terminalInjection] = terminal()
        var probe = akios_probe()
        guard let batch = try? CageRuleset.batch() else { return facts }
        let result = batch.withUnsafeBufferPointer { bytes in
            bytes.baseAddress.map { akios_probe_run($0, bytes.count, &probe) } ?? -1
        }
        let code = errno
        guard result == 0 else {
            facts.layers[.namespaces] = LayerFinding(.missing, "the trial could not be started: \(SysError.words(code))")
            return facts
        }
        facts.layers[.namespaces] = namespaces(probe)
        facts.layers[.procfs] = tried(
            probe.procfs, "a new procfs was mounted in a user namespace", "mounting procfs in a user namespace",
            remedy: "run it outside the container, or with an unmasked /proc (podman --security-opt unmask=/proc)")
        facts.layers[.packetRules] = tried(
            probe.ruleset, "the cage's rules, TPROXY among them, were loaded", "loading the cage's packet rules",
            remedy: "modprobe -a nf_tables nft_tproxy nft_reject_inet nft_limit nft_log nft_objref nfnetlink_log")
        facts.layers[.overlay] =
            probe.overlay == 0
            ? LayerFinding(.available, "an overlay was mounted in a user namespace")
            : LayerFinding(
                .replaced, "mounting an overlay in a user namespace: \(SysError.words(probe.overlay)); only rw and ro workspaces",
                remedy: "modprobe overlay, kernel 5.11 or later")
        facts.layers[.memoryExecution] =
            probe.noexec == 0
            ? LayerFinding(.available, "vm.memfd_noexec=2 was set in a pid namespace")
            : LayerFinding(.replaced, "vm.memfd_noexec: \(SysError.words(probe.noexec)); memfd_create is refused instead")
        return facts
    }

    private static func namespaces(_ probe: akios_probe) -> LayerFinding {
        let steps: [(Int32, String)] = [
            (probe.namespaces, "clone3 with seven namespaces"), (probe.ids, "writing id maps"),
            (probe.mounts, "mounting in the new namespace"),
        ]
        for (code, step) in steps where code != 0 {
            return LayerFinding(.missing, "\(step): \(SysError.words(code))", remedy: namespaceRemedy())
        }
        return LayerFinding(.available, "user, mount, pid, network, ipc, uts and cgroup were made by one clone3")
    }

    /// The switch of this host that stands in the way, if it is one of the known ones.
    private static func namespaceRemedy() -> String {
        if number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1 {
            return "install the AppArmor profile of the package, or sysctl kernel.apparmor_restrict_unprivileged_userns=0"
        }
        if number("/proc/sys/kernel/unprivileged_userns_clone") == 0 { return "sysctl kernel.unprivileged_userns_clone=1" }
        if number("/proc/sys/user/max_user_namespaces") == 0 { return "sysctl user.max_user_namespaces=15000" }
        return "run it outside the container, or with sudo"
    }

    private static func tried(_ code: Int32, _ success: String, _ attempt: String, remedy: String) -> LayerFinding {
        code == 0
            ? LayerFinding(.available, success) : LayerFinding(.missing, "\(attempt): \(SysError.words(code))", remedy: remedy)
    }

    private static func filter() -> LayerFinding {
        let result = akios_probe_seccomp()
        let code = errno
        return tried(
            result == 0 ? 0 : code, "kill-process, errno and user notification", "asking for the filter's actions",
            remedy: "a kernel 5.0 or later with CONFIG_SECCOMP_FILTER")
    }

    private static func landlock() -> LayerFinding {
        let version = akios_probe_landlock()
        let code = errno
        guard version < 1 else { return LayerFinding(.available, "ABI \(version)") }
        return LayerFinding(
            .missing, "landlock_create_ruleset: \(SysError.words(code))",
            remedy: "a kernel 5.13 or later, booted with landlock among its lsm=")
    }

    private static func cgroup(named: String?, caller: FileIdentity?) -> LayerFinding {
        do throws(SysError) {
            if let named {
                let folder = try CgroupFolder(path: named, as: caller)
                let there = folder.words("cgroup.controllers")
                let absent = CgroupParent.controllers.filter { !there.contains($0) }
                if absent.isEmpty { return LayerFinding(.available, "named: \(named)") }
                return LayerFinding(
                    .missing, "\(named) has no \(absent.joined(separator: ", "))", remedy: "name another --cgroup-parent")
            }
            return LayerFinding(.available, try CgroupParent.foresee(.current()).rawValue)
        } catch {
            return LayerFinding(.missing, cgroupWords(error), remedy: cgroupRemedy(error))
        }
    }

    private static func cgroupWords(_ error: SysError) -> String {
        guard error.number == ENOTSUP || error.number == ENOENT else { return "nothing is delegated to us" }
        let bound = controllersOnVersion1()
        if bound.isEmpty { return "memory, pids, cpu are not in /sys/fs/cgroup/cgroup.controllers" }
        return "\(bound.joined(separator: ", ")) are bound to v1 hierarchies"
    }

    private static func cgroupRemedy(_ error: SysError) -> String {
        guard error.number == ENOTSUP || error.number == ENOENT else {
            return geteuid() == 0
                ? "start it as: systemd-run --scope -p Delegate=yes akios-exec …"
                : "run it with sudo, or: systemd-run --user --scope -p Delegate=yes akios-exec …"
        }
        return "boot with cgroup_no_v1=all, or use a host with unified cgroups"
    }

    /// /proc/cgroups: `name hierarchy count enabled`; hierarchy 0 is the unified one.
    private static func controllersOnVersion1() -> [String] {
        guard let bytes = try? readFile("/proc/cgroups", limit: 1 << 16) else { return [] }
        var bound: Set<String> = []
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split { $0 == " " || $0 == "\t" }
            if words.count == 4, words[1] != "0" { bound.insert(String(words[0])) }
        }
        return ["memory", "pids", "cpu"].filter { bound.contains($0) }
    }

    private static func terminal() -> LayerFinding {
        if number("/proc/sys/dev/tty/legacy_tiocsti") == 0 { return LayerFinding(.available, "dev.tty.legacy_tiocsti=0") }
        return LayerFinding(
            .replaced, "TIOCSTI is on; the filter refuses it in the cage", remedy: "sysctl dev.tty.legacy_tiocsti=0")
    }

    private static func container() -> String? {
        for path in ["/.dockerenv", "/run/.containerenv"] where access(path, F_OK) == 0 { return path }
        guard let bytes = try? readFile("/proc/1/environ", limit: 1 << 16) else { return nil }
        return bytes.split(separator: 0).contains { $0.starts(with: Array("container=".utf8)) } ? "container= of pid 1" : nil
    }

    private static func number(_ path: String) -> Int? {
        guard let bytes = try? readFile(path, limit: 64) else { return nil }
        return Int(String(decoding: bytes.prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self))
    }

    private static func release() -> String {
        var name = utsname()
        guard uname(&name) == 0 else { return "unknown" }
        return withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
