// CgroupGroup: the group of one session: limits that were read back, a descriptor to be born into, what ran into a
// limit, and its end. Removing it leaves the host as it was.

import Glibc

/// What a session may use. nil: no limit of ours.
public struct CgroupLimits: Sendable, Hashable {
    /// Bytes.
    public var memory: UInt64?
    public var swap: UInt64?
    /// Per cent of one core.
    public var cpu: UInt32?
    public var pids: UInt32?
    public init(memory: UInt64? = nil, swap: UInt64? = nil, cpu: UInt32? = nil, pids: UInt32? = nil) {
        self.memory = memory
        self.swap = swap
        self.cpu = cpu
        self.pids = pids
    }
}

public struct CgroupGroup: ~Copyable, Sendable {
    /// Holds the limits, and no process.
    private let folder: CgroupFolder
    private let cage: CgroupFolder
    private let parent: CgroupParent
    private let name: String

    /// Makes the group and sets its limits; on any failure nothing is left.
    /// - Parameters:
    ///   - session: letters, digits and dashes.
    ///   - pid: the supervisor's, by which a later sweep knows whether the group is still somebody's.
    public static func make(
        in parent: consuming CgroupParent, session: String, pid: Int32, limits: CgroupLimits
    ) throws(SysError) -> CgroupGroup {
        let name = "akios-\(session).\(pid)"
        do throws(SysError) {
            try parent.enable()
            let folder = try parent.folder.make(name)
            try folder.apply(limits)
            let cage = try folder.makeHandedDown()
            return CgroupGroup(folder: folder, cage: cage, parent: parent, name: name)
        } catch {
            try? parent.folder.removeSession(name)
            parent.undo()
            throw error
        }
    }

    private init(
        folder: consuming CgroupFolder, cage: consuming CgroupFolder, parent: consuming CgroupParent, name: String
    ) {
        self.folder = folder
        self.cage = cage
        self.parent = parent
        self.name = name
    }

    /// For `CLONE_INTO_CGROUP`; borrowed.
    public var descriptor: Int32 { cage.file.raw }

    /// Processes that the kernel killed because the group was out of memory.
    public var memoryKills: UInt64 { folder.count("oom_kill", in: "memory.events") }

    /// Every process of the group, at once.
    public func kill() throws(SysError) { try folder.write("cgroup.kill", "1") }

    /// Removes the group and takes back what was switched on for it. EBUSY while a process is left: kill and wait first.
    public func remove() throws(SysError) {
        try parent.folder.removeSession(name)
        parent.undo()
    }
}

extension CgroupFolder {
    private static let cage = "cage"

    /// The folder of a session's processes, below the one that holds its limits. What is handed down once more cannot be taken
    /// back above (EBUSY): else another session that ends while this one begins could take the limits away with the controllers.
    func makeHandedDown() throws(SysError) -> CgroupFolder {
        try set("cgroup.subtree_control", CgroupParent.controllers.map { "+\($0)" }.joined(separator: " ")) { _ in
            hasControllers("cgroup.subtree_control")
        }
        return try make(Self.cage)
    }

    /// A session's group below this folder, which nothing runs in any more.
    func removeSession(_ name: String) throws(SysError) {
        try remove("\(name)/\(Self.cage)")
        try remove(name)
    }

    /// Writes each limit and reads it back.
    func apply(_ limits: CgroupLimits) throws(SysError) {
        if let memory = limits.memory {
            try set("memory.max", "\(memory)") { CgroupFolder.isPageRounded($0, of: memory) }
            // The whole tree dies, not one process of it: an agent that lost a child does not run on half-blind.
            try set("memory.oom.group", "1") { $0 == "1" }
        }
        if let swap = limits.swap {
            do throws(SysError) {
                try set("memory.swap.max", "\(swap)") { CgroupFolder.isPageRounded($0, of: swap) }
            } catch {
                // A kernel that does not count swap has no such file; without any swap there is nothing to count.
                let text = (try? readFile("/proc/swaps", limit: 1 << 16)).map { String(decoding: $0, as: UTF8.self) } ?? ""
                guard error.number == ENOENT, text.split(separator: "\n").count <= 1 else { throw error }
            }
        }
        if let cpu = limits.cpu {
            let period: UInt64 = 100_000
            let quota = "\(UInt64(cpu) * period / 100) \(period)"
            try set("cpu.max", quota) { $0 == quota }
        }
        if let pids = limits.pids { try set("pids.max", "\(pids)") { $0 == "\(pids)" } }
    }

    /// The kernel keeps memory limits in whole pages, rounded down.
    private static func isPageRounded(_ text: String, of wanted: UInt64) -> Bool {
        guard let held = UInt64(text) else { return false }
        let page = UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 1))
        return held == wanted / page * page
    }
}
