// Files: whole small files, opened with the ids of whoever asked for them. A path that a caller names is opened as
// that caller: root's eyes would read what the caller may not.

import CLinux
import Glibc

/// The ids a path is opened with.
public struct FileIdentity: Sendable, Hashable {
    public var uid: UInt32
    public var gid: UInt32
    public init(uid: UInt32, gid: UInt32) {
        self.uid = uid
        self.gid = gid
    }
}

/// Runs `body` with the file-system ids of `identity` (setfsuid(2)), which also drops root's power over files;
/// nil runs it as this process. Supplementary groups of root add nothing a caller lacks: they are emptied at start.
public func accessing<Result: ~Copyable, Failure: Error>(
    as identity: FileIdentity?, _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
    guard let identity, geteuid() == 0 else { return try body() }
    // The group first: after the user id is gone the group could not be changed.
    let group = akios_setfsgid(identity.gid)
    let user = akios_setfsuid(identity.uid)
    defer {
        _ = akios_setfsuid(UInt32(bitPattern: user))
        _ = akios_setfsgid(UInt32(bitPattern: group))
    }
    return try body()
}

/// Whether ``accessing(as:_:)`` does what it says: setfsuid(2) fails without a word.
public func canAccess(as identity: FileIdentity) -> Bool {
    accessing(as: identity) {
        // An id that does not exist changes nothing, and the answer is the one in force.
        akios_setfsuid(.max) == Int32(bitPattern: identity.uid) && akios_setfsgid(.max) == Int32(bitPattern: identity.gid)
    }
}

/// Opens for reading, close-on-exec. Does not wait on a fifo.
public func openForReading(_ path: String, as identity: FileIdentity? = nil) throws(SysError) -> OwnedFD {
    try accessing(as: identity) { () throws(SysError) -> OwnedFD in
        OwnedFD(owning: try syscall("open", on: path) { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) })
    }
}

/// The whole regular file, at most `limit` bytes (EFBIG above it, EINVAL for what is no regular file).
public func readFile(_ path: String, limit: Int, as identity: FileIdentity? = nil) throws(SysError) -> [UInt8] {
    let file = try openForReading(path, as: identity)
    return try readAll(file, limit: limit, subject: path)
}

/// All of an open regular file from its start, at most `limit` bytes.
public func readAll(_ file: borrowing OwnedFD, limit: Int, subject: String) throws(SysError) -> [UInt8] {
    let number = file.raw
    var status = stat()
    try syscall("fstat", on: subject) { fstat(number, &status) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw SysError("read", EINVAL, on: subject) }
    guard status.st_size <= limit else { throw SysError("read", EFBIG, on: subject) }
    var bytes: [UInt8] = []
    // One byte more than the size: a file that grew meanwhile is seen.
    var chunk = [UInt8](repeating: 0, count: min(limit, max(Int(status.st_size), 4095)) + 1)
    while true {
        let count = try syscall("read", on: subject) {
            chunk.withUnsafeMutableBytes { pread(number, $0.baseAddress, $0.count, off_t(bytes.count)) }
        }
        if count == 0 { return bytes }
        bytes += chunk[..<count]
        guard bytes.count <= limit else { throw SysError("read", EFBIG, on: subject) }
    }
}

/// Writes all of it; a short write is continued.
public func writeAll(_ file: borrowing OwnedFD, _ bytes: [UInt8], subject: String) throws(SysError) {
    let number = file.raw
    var done = 0
    while done < bytes.count {
        done += try syscall("write", on: subject) {
            bytes[done...].withUnsafeBytes { write(number, $0.baseAddress, $0.count) }
        }
    }
}
