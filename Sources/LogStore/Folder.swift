// Folder: an open directory and the few things done in it, all by descriptor and name: no path is walked twice, and a
// symbolic link in the last place is never followed. Every system call of this target but the log's own is here.

import Glibc
public import LinuxSys

public struct Folder: ~Copyable, Sendable {
    let descriptor: OwnedFD
    /// For words only; work goes through the descriptor.
    public let path: String

    /// Takes over an open directory.
    public init(owning descriptor: consuming OwnedFD, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    public init(opening path: String) throws(SysError) {
        descriptor = OwnedFD(
            owning: try syscall("open", on: path) { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) })
        self.path = path
    }

    /// Makes what is missing of `path`, new parts with `mode`, and opens it.
    public static func make(_ path: String, mode: UInt32) throws(SysError) -> Folder {
        var prefix = path.hasPrefix("/") ? "" : "."
        var refused: SysError?
        for part in path.split(separator: "/") {
            prefix += "/" + part
            guard mkdir(prefix, mode) != 0 else { continue }
            let code = errno
            if code == EEXIST { continue }
            let failure = SysError("mkdir", code, on: prefix)
            // EROFS and EACCES come before EEXIST on some file systems: whether it is there shows when it is opened.
            guard [EROFS, EACCES, EPERM].contains(code) else { throw refused ?? failure }
            refused = failure
        }
        do { return try Folder(opening: path) } catch { throw error.number == ENOENT ? refused ?? error : error }
    }

    public func subfolder(_ name: String) throws(SysError) -> Folder {
        let (parent, full) = (descriptor.raw, join(name))
        return Folder(
            owning: OwnedFD(
                owning: try syscall("openat", on: full) { openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) }),
            path: full)
    }

    /// Makes `name`, which must not exist unless `orOpen`.
    public func makeSubfolder(_ name: String, mode: UInt32, orOpen: Bool = false) throws(SysError) -> Folder {
        let parent = descriptor.raw
        if mkdirat(parent, name, mode) != 0 {
            let code = errno
            guard orOpen, code == EEXIST else { throw SysError("mkdirat", code, on: join(name)) }
        }
        return try subfolder(name)
    }

    public func open(_ name: String, _ flags: Int32, mode: UInt32 = 0) throws(SysError) -> OwnedFD {
        let parent = descriptor.raw
        return OwnedFD(
            owning: try syscall("openat", on: join(name)) { openat(parent, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, mode) })
    }

    /// A whole small file; nil when there is none.
    public func read(_ name: String, limit: Int) throws(SysError) -> [UInt8]? {
        do {
            return try readAll(try open(name, O_RDONLY | O_NONBLOCK), limit: limit, subject: join(name))
        } catch {
            guard error.number == ENOENT else { throw error }
            return nil
        }
    }

    public func exists(_ name: String) -> Bool {
        var status = stat()
        return fstatat(descriptor.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0
    }

    /// Names in byte order, without `.` and `..`.
    public func names() throws(SysError) -> [String] {
        // fdopendir takes the descriptor over and moves its position, so it gets its own open file.
        let own = try open(".", O_RDONLY | O_DIRECTORY).take()
        guard let stream = fdopendir(own) else {
            let code = errno
            _ = close(own)
            throw SysError("fdopendir", code, on: path)
        }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        // An end and an error look alike; a list cut short would pass for the whole.
        let code = errno
        guard code == 0 else { throw SysError("readdir", code, on: path) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// A file that is there whole or not at all, also after a power cut: written beside, synced, renamed, folder synced.
    public func replace(_ name: String, with bytes: [UInt8], mode: UInt32) throws(SysError) {
        let temporary = ".\(name).new"
        // What a crash left of an earlier try is worth nothing.
        _ = unlinkat(descriptor.raw, temporary, 0)
        let file = try open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        try publish(file, temporary: temporary, as: name, bytes)
    }

    /// The second half of `replace`, for a file whose space was set aside before.
    func publish(_ file: borrowing OwnedFD, temporary: String, as name: String, _ bytes: [UInt8]) throws(SysError) {
        let (parent, number, full) = (descriptor.raw, file.raw, join(name))
        try writeAll(file, bytes, subject: full)
        try syscall("fsync", on: full) { fsync(number) }
        try syscall("renameat", on: full) { renameat(parent, temporary, parent, name) }
        try sync()
    }

    /// Makes names durable.
    public func sync() throws(SysError) {
        let number = descriptor.raw
        try syscall("fsync", on: path) { fsync(number) }
    }

    func join(_ name: String) -> String { path.hasSuffix("/") ? path + name : path + "/" + name }

    public func isOwned(by uid: UInt32) throws(SysError) -> Bool { try status().owner == uid }

    /// Owner and permission bits of the folder itself.
    func status() throws(SysError) -> (owner: UInt32, mode: UInt32) {
        var status = stat()
        let number = descriptor.raw
        try syscall("fstat", on: path) { fstat(number, &status) }
        return (status.st_uid, status.st_mode & 0o7777)
    }
}
