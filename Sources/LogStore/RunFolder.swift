// RunFolder: what of a session stands in the file system only while it runs: a folder of its id, with its control socket. Locked
// while its session lives, so that a later one can take away what a crash left.

public import Events
import Glibc
public import LinuxSys

public struct RunFolder: ~Copyable, Sendable {
    public static let socketName = "control.sock"

    private let base: Folder
    private let folder: Folder
    private let name: String

    /// Makes it below `folders.run`, and takes away what dead sessions left there. Root's is open to all, because whoever it runs
    /// sessions for opens it to connect, and the socket has its owner; a user's own folders are closed.
    public static func make(_ folders: StateFolders, session: SessionID) throws(SysError) -> RunFolder {
        let isRoot = geteuid() == 0
        // Root's is passed through by whoever it runs sessions for, whatever root's umask keeps from others.
        let mask = umask(0o022)
        if !isRoot { umask(mask) }
        defer { umask(mask) }
        let base = try Folder.make(folders.run, mode: isRoot ? 0o755 : 0o700)
        sweep(base)
        // A sweep that runs at this very moment may take it for a dead one's before it is locked.
        for _ in 0..<4 {
            let folder = try base.makeSubfolder(session.text, mode: isRoot ? 0o755 : 0o700, orOpen: true)
            if lock(folder), base.exists(session.text) { return RunFolder(base: base, folder: folder, name: session.text) }
        }
        throw SysError("flock", EAGAIN, on: folders.run + "/" + session.text)
    }

    private init(base: consuming Folder, folder: consuming Folder, name: String) {
        self.base = base
        self.folder = folder
        self.name = name
    }

    deinit { Self.remove(name, folder, in: base) }

    /// - Parameter owner: who may connect, besides root.
    public borrowing func listen(owner: UInt32?) throws(SysError) -> OwnedFD {
        try LocalSocket.listen(in: folder.descriptor, Self.socketName, owner: owner)
    }

    /// Connects to a session's socket in `base`.
    public static func connect(_ session: SessionID, in base: String) throws(SysError) -> OwnedFD {
        let folder = try Folder(opening: base).subfolder(session.text)
        return try LocalSocket.connect(in: folder.descriptor, socketName)
    }

    /// Sessions that have a folder in one of `bases`, with it. Some may be dead.
    public static func list(in bases: [String]) -> [(session: SessionID, base: String)] {
        bases.flatMap { base -> [(session: SessionID, base: String)] in
            guard let folder = try? Folder(opening: base), let names = try? folder.names() else { return [] }
            return names.compactMap { SessionID($0) }.map { ($0, base) }
        }
    }

    /// What cannot be taken away now, a later session takes.
    private static func sweep(_ base: borrowing Folder) {
        guard let names = try? base.names() else { return }
        for name in names where SessionID(name) != nil {
            guard let folder = try? base.subfolder(name), lock(folder) else { continue }
            remove(name, folder, in: base)
        }
    }

    private static func lock(_ folder: borrowing Folder) -> Bool { flock(folder.descriptor.raw, LOCK_EX | LOCK_NB) == 0 }

    private static func remove(_ name: String, _ folder: borrowing Folder, in base: borrowing Folder) {
        _ = unlinkat(folder.descriptor.raw, socketName, 0)
        _ = unlinkat(base.descriptor.raw, name, AT_REMOVEDIR)
    }
}
