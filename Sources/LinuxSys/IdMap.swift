// IdMap: user-namespace maps of a child, written and read back, and namespaces that exist only for their map.

import CSpawn
import Glibc

public enum IdMap {
    /// Writes both maps of a process that waits for them. `denyingGroups` is the price of a map without privilege.
    public static func write(pid: Int32, users: String, groups: String, denyingGroups: Bool) throws(SysError) {
        // Before gid_map: the kernel takes it only once setgroups is out of reach.
        if denyingGroups { try write("/proc/\(pid)/setgroups", "deny") }
        try writeMap("/proc/\(pid)/uid_map", users)
        try writeMap("/proc/\(pid)/gid_map", groups)
    }

    private static func writeMap(_ path: String, _ map: String) throws(SysError) {
        try write(path, map)
        func numbers(_ text: String) -> [[Substring]] { text.split(separator: "\n").map { $0.split(separator: " ") } }
        let back = String(decoding: try readSmall(path), as: UTF8.self)
        // The kernel pads and may sort; what counts is that it holds the same extents.
        guard Set(numbers(back)) == Set(numbers(map)) else { throw SysError("read", EBADE, on: path) }
    }

    private static func write(_ path: String, _ text: String) throws(SysError) {
        let file = OwnedFD(owning: try syscall("open", on: path) { open(path, O_WRONLY | O_CLOEXEC) })
        let number = file.raw
        let bytes = Array(text.utf8)
        // In one write, or the kernel refuses the rest.
        let count = try syscall("write", on: path) { Glibc.write(number, bytes, bytes.count) }
        guard count == bytes.count else { throw SysError("write", EIO, on: path) }
    }

    private static func readSmall(_ path: String) throws(SysError) -> [UInt8] {
        let file = OwnedFD(owning: try syscall("open", on: path) { open(path, O_RDONLY | O_CLOEXEC) })
        let number = file.raw
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = try syscall("read", on: path) { read(number, &buffer, buffer.count) }
        return Array(buffer.prefix(count))
    }

    /// A user namespace with these maps that no process lives in, for mount_setattr(2). Needs root.
    public static func namespace(users: String, groups: String) throws(SysError) -> OwnedFD {
        var spawned = akios_spawned()
        try syscall("clone3") { akios_spawn_holder(&spawned) }
        let pidfd = OwnedFD(owning: spawned.pidfd)
        let go = OwnedFD(owning: spawned.go)
        let pid = spawned.pid
        let made = Result<Int32, SysError>(catching: { () throws(SysError) -> Int32 in
            try write(pid: pid, users: users, groups: groups, denyingGroups: false)
            let path = "/proc/\(pid)/ns/user"
            return try syscall("open", on: path) { open(path, O_RDONLY | O_CLOEXEC) }
        })
        // The holder ends when this is closed; it is waited for whether the map could be written or not.
        try go.closeChecked()
        _ = try ProcessFD.wait(pidfd)
        return OwnedFD(owning: try made.get())
    }
}
