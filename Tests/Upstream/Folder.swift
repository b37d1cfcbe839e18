// The folder that the test and this server share: small files that appear whole, and the log of requests.

#if canImport(Glibc)
    import Glibc
#endif

struct FileError: Error, CustomStringConvertible {
    let path: String
    let code: Int32
    var description: String { "\(path): \(String(cString: strerror(code)))" }
}

struct Folder {
    let path: String

    init(path: String) throws(FileError) {
        self.path = path
        if mkdir(path, 0o755) != 0, errno != EEXIST { throw FileError(path: path, code: errno) }
    }

    /// Writes beside and renames, so that a reader sees the whole file or none.
    func write(_ text: String, to name: String) throws(FileError) {
        let target = "\(path)/\(name)"
        let draft = target + ".new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError(path: draft, code: errno) }
        defer { close(descriptor) }
        try writeAll(Array(text.utf8), to: descriptor, path: draft)
        if rename(draft, target) != 0 { throw FileError(path: target, code: errno) }
    }

    func openForAppend(_ name: String) throws(FileError) -> Int32 {
        let target = "\(path)/\(name)"
        let descriptor = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError(path: target, code: errno) }
        return descriptor
    }
}

func writeAll(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(FileError) {
    var sent = 0
    while sent < bytes.count {
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent) }
        if count < 0 {
            if errno == EINTR { continue }
            throw FileError(path: path, code: errno)
        }
        sent += count
    }
}
