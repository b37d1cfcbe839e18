// CgroupParent: where a session's group goes, and what must be switched on there. A cgroup that another manager owns is
// left alone: systemd takes back what it did not delegate. Nothing that is switched on outlives the last session.

import CLinux
import Glibc

/// What the choice depends on; a test makes one over a folder of its own.
public struct CgroupHost: Sendable {
    /// The mount of the unified hierarchy.
    public var mount = "/sys/fs/cgroup"
    /// Our own group below it: the `0::` line of /proc/self/cgroup. nil: there is none.
    public var own: String?
    public var systemdIsInit: Bool
    public var privileged: Bool

    public init(mount: String = "/sys/fs/cgroup", own: String?, systemdIsInit: Bool, privileged: Bool) {
        self.mount = mount
        self.own = own
        self.systemdIsInit = systemdIsInit
        self.privileged = privileged
    }

    public static func current() -> CgroupHost {
        var own: String?
        if let bytes = try? readFile("/proc/self/cgroup", limit: 1 << 16) {
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("0::") {
                own = String(line.dropFirst(3))
            }
        }
        // sd_booted(3): this folder exists where systemd manages the system.
        return CgroupHost(own: own, systemdIsInit: access("/run/systemd/system", F_OK) == 0, privileged: geteuid() == 0)
    }
}

public struct CgroupParent: ~Copyable, Sendable {
    public enum Origin: String, Sendable, Hashable {
        /// `--cgroup-parent`.
        case named
        /// The group we run in, which somebody handed over to us.
        case own = "own delegated group"
        /// `akios.service`, a unit with `Delegate=yes`.
        case unit = "delegated unit"
        /// `akios` at the top, where systemd does not manage groups.
        case top
    }

    /// What every session needs.
    public static let controllers = ["cpu", "memory", "pids"]

    public let origin: Origin
    public let folder: CgroupFolder
    /// The mount's folder, when `folder` is ours to make and to remove; and the leaf that we sit in meanwhile.
    private let above: String?
    private let leaf: String?

    private init(origin: Origin, folder: consuming CgroupFolder, above: String? = nil, leaf: String? = nil) {
        self.origin = origin
        self.folder = folder
        self.above = above
        self.leaf = leaf
    }

    /// Which place ``choose(_:named:caller:)`` would take. Changes nothing.
    /// - Throws: the reason why no place fits; ENOTSUP where controllers are not on the unified hierarchy.
    public static func foresee(_ host: CgroupHost) throws(SysError) -> Origin {
        let top = try CgroupFolder(path: host.mount)
        try top.requireControllers()
        if let own = host.own, own != "/", let folder = try? CgroupFolder(path: host.mount + own), folder.isDelegated(to: host),
            folder.hasControllers("cgroup.controllers"), folder.holdsOnly(getpid())
        {
            return .own
        }
        if let folder = try? CgroupFolder(path: host.mount + unit), folder.isDelegated(to: host),
            folder.hasControllers("cgroup.controllers")
        {
            return .unit
        }
        guard host.privileged, !host.systemdIsInit else {
            throw SysError("mkdir", EACCES, on: "\(host.mount): nothing is delegated to us")
        }
        return .top
    }

    /// The first that fits. Changes nothing, but for the empty folder `akios` at the top.
    /// - Parameters:
    ///   - named: `--cgroup-parent`, opened with the ids of `caller`; if it does not do, that is the error.
    public static func choose(_ host: CgroupHost, named: String? = nil, caller: FileIdentity? = nil) throws(SysError)
        -> CgroupParent
    {
        if let named {
            let folder = try CgroupFolder(path: named, as: caller)
            try folder.requireControllers()
            return CgroupParent(origin: .named, folder: folder)
        }
        let origin = try foresee(host)
        switch origin {
        case .own:
            return CgroupParent(
                origin: origin, folder: try CgroupFolder(path: host.mount + (host.own ?? "")), leaf: "akios-supervisor")
        case .unit, .named:
            return CgroupParent(origin: origin, folder: try CgroupFolder(path: host.mount + unit))
        case .top:
            let top = try CgroupFolder(path: host.mount)
            return CgroupParent(origin: origin, folder: try top.openOrMake("akios"), above: host.mount)
        }
    }

    private static let unit = "/system.slice/akios.service"

    /// Switches the controllers on for the groups below, from the top down. What was off before is noted on the folder
    /// itself, so that whichever session is last takes it back.
    func enable() throws(SysError) {
        if let above {
            let top = try CgroupFolder(path: above)
            try top.switchOn(CgroupParent.controllers, notedOn: folder, as: "above")
        }
        // A group that hands controllers down may hold no process itself: we step into a leaf of it.
        if let leaf {
            let place = try folder.openOrMake(leaf)
            try place.write("cgroup.procs", "0")
        }
        try folder.switchOn(CgroupParent.controllers, notedOn: folder, as: "here")
    }

    /// Takes back what ``enable()`` did, unless another session still needs it. Can be called again.
    func undo() {
        let others = folder.children().filter { $0 != leaf }
        guard others.isEmpty else { return }
        folder.switchOff(notedOn: folder, as: "here")
        if let leaf {
            try? folder.write("cgroup.procs", "0")
            try? folder.remove(leaf)
        }
        if let above, let top = try? CgroupFolder(path: above) {
            top.switchOff(notedOn: folder, as: "above")
            try? top.remove("akios")
        }
    }

    /// Ends and removes groups whose supervisor is gone: what a crash left. Can be called at any time.
    /// - Parameter isAlive: whether a process has this id.
    /// - Returns: the names of the removed groups.
    @discardableResult
    public func sweep(isAlive: (Int32) -> Bool) -> [String] {
        var removed: [String] = []
        for name in folder.children() where name.hasPrefix("akios-") {
            guard let pid = name.split(separator: ".").last.flatMap({ Int32($0) }), !isAlive(pid),
                let group = try? folder.open(name)
            else {
                continue
            }
            if group.count("populated", in: "cgroup.events") != 0 { try? group.write("cgroup.kill", "1") }
            // A group whose last process is still dying stays for the next sweep.
            if (try? folder.removeSession(name)) != nil { removed.append(name) }
        }
        return removed
    }
}

extension CgroupFolder {
    func hasControllers(_ name: String) -> Bool { words(name).isSuperset(of: CgroupParent.controllers) }

    fileprivate func requireControllers() throws(SysError) {
        let there = words("cgroup.controllers")
        let missing = CgroupParent.controllers.filter { !there.contains($0) }
        guard missing.isEmpty else { throw SysError("cgroup", ENOTSUP, on: "\(path): \(missing.joined(separator: ", ")) missing") }
    }

    /// systemd marks what it delegates; without it, a folder that a user owns was given to them.
    fileprivate func isDelegated(to host: CgroupHost) -> Bool {
        let number = file.raw
        for name in ["trusted.delegate", "user.delegate"] {
            var value = [UInt8](repeating: 0, count: 8)
            if fgetxattr(number, name, &value, value.count) == 1, value[0] == UInt8(ascii: "1") { return true }
        }
        var facts = stat()
        return !host.privileged && fstat(number, &facts) == 0 && facts.st_uid == geteuid()
            && access("\(path)/cgroup.procs", W_OK) == 0
    }

    fileprivate func holdsOnly(_ pid: Int32) -> Bool { (try? read("cgroup.procs")) == "\(pid)" }

    fileprivate func switchOn(_ controllers: [String], notedOn note: borrowing CgroupFolder, as key: String) throws(SysError) {
        let missing = controllers.filter { !words("cgroup.subtree_control").contains($0) }
        guard !missing.isEmpty else { return }
        try write("cgroup.subtree_control", missing.map { "+\($0)" }.joined(separator: " "))
        let text = Array(missing.joined(separator: " ").utf8)
        let number = note.file.raw
        // Without the note (a file system without such attributes) the switch would outlive us: then not at all.
        let noted = fsetxattr(number, "user.akios.\(key)", text, text.count, 0)
        let code = errno
        if noted != 0 {
            try? write("cgroup.subtree_control", missing.map { "-\($0)" }.joined(separator: " "))
            throw SysError("fsetxattr", code, on: note.path)
        }
        guard hasControllers("cgroup.subtree_control") else {
            throw SysError("read back", EIO, on: "\(path)/cgroup.subtree_control")
        }
    }

    fileprivate func switchOff(notedOn note: borrowing CgroupFolder, as key: String) {
        let number = note.file.raw
        var value = [UInt8](repeating: 0, count: 256)
        let count = fgetxattr(number, "user.akios.\(key)", &value, value.count)
        guard count > 0 else { return }
        let names = String(decoding: value[..<count], as: UTF8.self).split(separator: " ")
        // EBUSY: somebody below uses it now; the note stays for whoever is last.
        guard (try? write("cgroup.subtree_control", names.map { "-\($0)" }.joined(separator: " "))) != nil else { return }
        fremovexattr(number, "user.akios.\(key)")
    }
}
