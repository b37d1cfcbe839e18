// LogFile: audit.jsonl as a file: one lock, one write(2) a line, room set aside for the ending, and nothing left behind
// by a write that did not fit.

import Audit
import Glibc
import LinuxSys

struct LogFile: ~Copyable {
    static let name = "audit.jsonl"
    /// Room that ordinary records may not use: a stop record and the sealing record at their longest, and what the
    /// checkpoint and output.json take once it is given back.
    static let margin: Int64 = 131_072
    /// How much is set aside at a time.
    private static let step: Int64 = 1_048_576

    private let descriptor: OwnedFD
    private let path: String
    /// Bytes of whole records.
    private(set) var size: Int64
    private var allocated: Int64
    /// False on file systems that cannot set space aside; then a full disk is only met when writing.
    private var reserves = true

    private init(owning descriptor: consuming OwnedFD, path: String, size: Int64) {
        self.descriptor = descriptor
        self.path = path
        self.size = size
        allocated = size
    }

    /// Makes the file, which must not exist, and takes its lock for as long as the value lives. It gets its name only
    /// after the lock: a log that can be found and is not locked has lost its writer.
    static func create(in folder: borrowing Folder) throws(LogError) -> LogFile {
        let path = folder.join(name)
        let temporary = ".\(name).\(getpid())"
        let parent = folder.descriptor.raw
        let file: OwnedFD
        do {
            file = try folder.open(temporary, O_RDWR | O_CREAT | O_EXCL | O_APPEND, mode: 0o640)
        } catch { throw .system(error) }
        defer { _ = unlinkat(parent, temporary, 0) }
        guard try lock(file, path) else { throw .busy(path: path) }
        do {
            // link(2) replaces nothing.
            try syscall("linkat", on: path) { linkat(parent, temporary, parent, name, 0) }
        } catch {
            throw error.number == EEXIST ? .exists(path: folder.path) : .system(error)
        }
        return LogFile(owning: file, path: path, size: 0)
    }

    /// Takes over a log whose writer is gone. Nil while the writer lives.
    static func recover(in folder: borrowing Folder) throws(LogError) -> LogFile? {
        let path = folder.join(name)
        let file: OwnedFD
        do {
            file = try folder.open(name, O_RDWR | O_APPEND)
        } catch { throw .system(error) }
        guard try lock(file, path) else { return nil }
        // After the lock: before it the size was still another's to change.
        var status = stat()
        let number = file.raw
        do {
            try syscall("fstat", on: path) { fstat(number, &status) }
        } catch { throw .system(error) }
        return LogFile(owning: file, path: path, size: Int64(status.st_size))
    }

    private static func lock(_ file: borrowing OwnedFD, _ path: String) throws(LogError) -> Bool {
        let number = file.raw
        do {
            try syscall("flock", on: path) { flock(number, LOCK_EX | LOCK_NB) }
            return true
        } catch {
            guard error.number == EWOULDBLOCK else { throw .system(error) }
            return false
        }
    }

    /// Makes sure that `length` more bytes fit and the margin stays. Frame records (`spending`) may use the margin.
    mutating func reserve(_ length: Int, spendingMargin spending: Bool) throws(LogError) {
        guard reserves, !spending else { return }
        let needed = size + Int64(length) + Self.margin
        guard needed > allocated else { return }
        do throws(SysError) {
            do throws(SysError) {
                try setAside(max(Self.step, needed - allocated))
            } catch {
                // A nearly full disk may still have what is needed now.
                guard error.number == ENOSPC || error.number == EDQUOT else { throw error }
                try setAside(needed - allocated)
            }
        } catch {
            switch error.number {
            case EOPNOTSUPP, ENOSYS, EINVAL: reserves = false
            case ENOSPC, EDQUOT, EFBIG: throw .full(error)
            default: throw .broken(error)
            }
        }
    }

    private mutating func setAside(_ amount: Int64) throws(SysError) {
        // The size stays: a reader never sees the room, and a crash leaves no zeros behind the last record.
        try descriptor.setSpaceAside(from: allocated, length: amount, subject: path)
        allocated += amount
    }

    /// One line in one write(2). A line that did not fit whole is taken back, so the log ends with a whole record.
    mutating func append(_ line: [UInt8]) throws(LogError) {
        let number = descriptor.raw
        let path = path
        let failure: SysError
        do {
            let written = try syscall("write", on: path) { line.withUnsafeBytes { write(number, $0.baseAddress, $0.count) } }
            if written == line.count {
                size += Int64(written)
                return
            }
            failure = SysError("write", ENOSPC, on: path)
        } catch { failure = error }
        try takeBack(after: failure)
        switch failure.number {
        case ENOSPC, EDQUOT, EFBIG: throw .full(failure)
        default: throw .broken(failure)
        }
    }

    private func takeBack(after failure: SysError) throws(LogError) {
        let (number, whole) = (descriptor.raw, off_t(size))
        guard ftruncate(number, whole) == 0 else { throw .broken(failure) }
    }

    func sync() throws(LogError) {
        let number = descriptor.raw
        do {
            try syscall("fdatasync", on: path) { fdatasync(number) }
        } catch {
            // Pages of a failed sync may be gone although a second one would succeed.
            throw .broken(error)
        }
    }

    /// Gives the room behind the last record back, for the checkpoint and the session's other files.
    mutating func release() {
        // Truncating to the present size frees what fallocate(2) put behind it. Failing costs space, nothing else.
        _ = ftruncate(descriptor.raw, off_t(size))
        allocated = size
    }

    /// Reads from the start in pieces of up to 1 MiB. The file must not change meanwhile: the lock is held.
    func read<Failure: Error>(_ take: (Span<UInt8>) throws(Failure) -> Void) throws(Failure) -> SysError? {
        try Self.read(descriptor, path, take)
    }

    static func read<Failure: Error>(
        _ file: borrowing OwnedFD, _ path: String, _ take: (Span<UInt8>) throws(Failure) -> Void
    ) throws(Failure) -> SysError? {
        let number = file.raw
        var chunk = [UInt8](repeating: 0, count: 1_048_576)
        var position: off_t = 0
        while true {
            let count: Int
            do {
                count = try syscall("pread", on: path) {
                    chunk.withUnsafeMutableBytes { pread(number, $0.baseAddress, $0.count, position) }
                }
            } catch { return error }
            if count == 0 { return nil }
            position += off_t(count)
            try take(chunk.span.extracting(0..<count))
        }
    }

    /// Cuts the file to `length` bytes, which the caller has kept elsewhere.
    mutating func cut(to length: Int64) throws(LogError) {
        let (number, path) = (descriptor.raw, path)
        do {
            try syscall("ftruncate", on: path) { ftruncate(number, off_t(length)) }
        } catch { throw .system(error) }
        size = length
        allocated = length
    }
}
