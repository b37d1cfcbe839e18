// Copies: where the caller wants output.json and receipt.json as well. Their folders are opened before the agent runs:
// afterwards a path through the workspace may be a link of the agent's to anywhere.

import Glibc
import LinuxSys
import Vocabulary

struct Copies {
    let output: CallersFile?
    let receipt: CallersFile?

    init(_ options: Options, _ invoker: Invoker) throws(Complaint) {
        output = try Self.open(options.output, "--output", invoker)
        receipt = try Self.open(options.receipt, "--receipt", invoker)
    }

    private static func open(_ path: String?, _ option: String, _ invoker: Invoker) throws(Complaint) -> CallersFile? {
        guard let path else { return nil }
        do throws(SysError) { return try CallersFile(path, as: invoker.eyes) } catch {
            throw Complaint("\(option) \(path): \(error)", hint: "name a file in a folder that is there and yours")
        }
    }
}

/// A file by its folder, which is held open, and its name.
final class CallersFile {
    private let folder: OwnedFD
    private let name: String
    private let path: String
    private let identity: FileIdentity?

    init(_ path: String, as identity: FileIdentity?) throws(SysError) {
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        guard !name.isEmpty, name != ".", name != ".." else { throw SysError("open", EISDIR, on: path) }
        self.path = path
        self.identity = identity
        folder = try accessing(as: identity) { () throws(SysError) -> OwnedFD in
            OwnedFD(owning: try syscall("open", on: parent) { open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) })
        }
    }

    /// Makes or replaces it, 0644 before the umask, with the caller's ids. A link in its place is not followed, and a fifo
    /// there is an error instead of a wait.
    func write(_ bytes: [UInt8]) throws(SysError) {
        let (parent, name) = (folder.raw, name)
        let file = try accessing(as: identity) { () throws(SysError) -> OwnedFD in
            OwnedFD(
                owning: try syscall("open", on: path) {
                    openat(parent, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0o644)
                })
        }
        try writeAll(file, bytes, subject: path)
        try file.closeChecked()
    }
}
