// CgroupFolder: one cgroup v2 folder by descriptor, and the one door through which its files are written. Whether a
// number was taken is known only by reading it back: the kernel rounds some and ignores a controller that is not on.

import CLinux
import Glibc

public struct CgroupFolder: ~Copyable, Sendable {
    /// For messages, and for `CLONE_INTO_CGROUP` the descriptor.
    public let path: String
    public let file: OwnedFD

    /// Opens an existing folder. A link in the last place is not followed. With an identity it must be that user's, and
    /// of the kernel's making: what is switched on and made in it is so with root's power.
    public init(path: String, as identity: FileIdentity? = nil) throws(SysError) {
        let file = try accessing(as: identity) { () throws(SysError) -> OwnedFD in
            OwnedFD(owning: try syscall("open", on: path) { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) })
        }
        if let identity {
            let number = file.raw
            var facts = stat()
            try syscall("fstat", on: path) { fstat(number, &facts) }
            guard facts.st_uid == identity.uid, akios_is_cgroup2(number) != 0 else { throw SysError("open", EACCES, on: path) }
        }
        self.path = path
        self.file = file
    }

    private init(path: String, file: consuming OwnedFD) {
        self.path = path
        self.file = file
    }

    /// Makes a folder below, EEXIST where there is one.
    public func make(_ name: String) throws(SysError) -> CgroupFolder {
        let number = file.raw
        try syscall("mkdir", on: "\(path)/\(name)") { mkdirat(number, name, 0o755) }
        return try open(name)
    }

    public func openOrMake(_ name: String) throws(SysError) -> CgroupFolder {
        let number = file.raw
        do throws(SysError) {
            try syscall("mkdir", on: "\(path)/\(name)") { mkdirat(number, name, 0o755) }
        } catch {
            if error.number != EEXIST { throw error }
        }
        return try open(name)
    }

    public func open(_ name: String) throws(SysError) -> CgroupFolder {
        let number = file.raw
        let below = try syscall("open", on: "\(path)/\(name)") {
            openat(number, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
        return CgroupFolder(path: "\(path)/\(name)", file: OwnedFD(owning: below))
    }

    /// Removes an empty folder below; none there is no error. EBUSY while a process is in it.
    public func remove(_ name: String) throws(SysError) {
        let number = file.raw
        do throws(SysError) {
            try syscall("rmdir", on: "\(path)/\(name)") { unlinkat(number, name, AT_REMOVEDIR) }
        } catch {
            if error.number != ENOENT { throw error }
        }
    }

    /// A file's text without the final newline; at most 64 KiB.
    public func read(_ name: String) throws(SysError) -> String {
        let number = file.raw
        let subject = "\(path)/\(name)"
        let below = OwnedFD(owning: try syscall("open", on: subject) { openat(number, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) })
        let source = below.raw
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var count = 0
        while count < bytes.count {
            let got = try syscall("read", on: subject) {
                bytes[count...].withUnsafeMutableBytes { pread(source, $0.baseAddress, $0.count, off_t(count)) }
            }
            if got == 0 { break }
            count += got
        }
        var text = String(decoding: bytes[..<count], as: UTF8.self)
        if text.hasSuffix("\n") { text.removeLast() }
        return text
    }

    /// One write of the whole text: cgroup files take a command a write.
    public func write(_ name: String, _ text: String) throws(SysError) {
        let number = file.raw
        let subject = "\(path)/\(name)"
        let below = OwnedFD(owning: try syscall("open", on: subject) { openat(number, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC) })
        let target = below.raw
        let bytes = Array(text.utf8)
        let written = try syscall("write", on: subject) { bytes.withUnsafeBytes { Glibc.write(target, $0.baseAddress, $0.count) } }
        guard written == bytes.count else { throw SysError("write", EIO, on: subject) }
    }

    /// Writes and reads back; EIO where the kernel holds something else.
    public func set(_ name: String, _ text: String, accepts: (String) -> Bool) throws(SysError) {
        try write(name, text)
        guard accepts(try read(name)) else { throw SysError("read back", EIO, on: "\(path)/\(name)") }
    }

    /// The value of `key` in a file of `key value` lines; 0 where it is not there.
    public func count(_ key: String, in name: String) -> UInt64 {
        guard let text = try? read(name) else { return 0 }
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == key { return UInt64(words[1]) ?? 0 }
        }
        return 0
    }

    /// The names in a file of one line, such as `cgroup.controllers`.
    public func words(_ name: String) -> Set<String> {
        Set((try? read(name))?.split { $0 == " " || $0 == "\n" }.map(String.init) ?? [])
    }

    /// The folders below.
    public func children() -> [String] {
        let number = file.raw
        let copy = openat(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0 else { return [] }
        guard let folder = fdopendir(copy) else {
            close(copy)
            return []
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if entry.pointee.d_type == UInt8(DT_DIR), name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
