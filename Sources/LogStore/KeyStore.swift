// KeyStore: the host's signing key in <state>/keys, its public half in <state>/pub. The key is made on first use.

public import Audit
import Glibc
import LinuxSys

public enum KeyStore {
    private static let keyName = "log.ed25519"

    /// The key of this state folder. The first call makes it; two first calls at once agree on one.
    public static func signingKey(state: borrowing Folder) throws(LogError) -> SigningKey {
        do {
            let keys = try state.makeSubfolder("keys", mode: 0o700, orOpen: true)
            try requirePrivate(keys)
            if let key = try load(keys) {
                // Whoever made it may have died before this.
                if !state.exists("pub/" + fileName(key.noteKey)) { try publish(key.noteKey, state: state) }
                return key
            }
            try make(in: keys)
            // Whoever was first: what is on disk counts.
            guard let key = try load(keys) else { throw LogError.keyMalformed(path: keys.join(keyName)) }
            try publish(key.noteKey, state: state)
            return key
        } catch let error as LogError {
            throw error
        } catch let error as SysError {
            throw .system(error)
        } catch {
            throw .system(SysError("keys", EIO, on: state.path))
        }
    }

    private static func requirePrivate(_ keys: borrowing Folder) throws {
        let status = try keys.status()
        guard status.owner == geteuid(), status.mode & 0o077 == 0 else { throw LogError.keyExposed(path: keys.path) }
    }

    private static func load(_ keys: borrowing Folder) throws -> SigningKey? {
        let path = keys.join(keyName)
        let file: OwnedFD
        do {
            file = try keys.open(keyName, O_RDONLY | O_NONBLOCK)
        } catch {
            guard error.number == ENOENT else { throw error }
            return nil
        }
        var status = stat()
        let number = file.raw
        try syscall("fstat", on: path) { fstat(number, &status) }
        guard status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else { throw LogError.keyExposed(path: path) }
        guard let key = SigningKey(seed: try readAll(file, limit: 32, subject: path)) else {
            throw LogError.keyMalformed(path: path)
        }
        return key
    }

    /// Written whole under another name, then linked: link(2) refuses an existing name, so no half key is ever seen and
    /// no key is ever replaced.
    private static func make(in keys: borrowing Folder) throws {
        guard let (_, seed) = SigningKey.generate() else { throw LogError.keyMalformed(path: keys.path) }
        let temporary = ".\(keyName).\(getpid())"
        let parent = keys.descriptor.raw
        _ = unlinkat(parent, temporary, 0)
        let file = try keys.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        defer { _ = unlinkat(parent, temporary, 0) }
        try writeAll(file, seed, subject: keys.join(temporary))
        let number = file.raw
        try syscall("fsync", on: keys.path) { fsync(number) }
        if linkat(parent, temporary, parent, keyName, 0) != 0 {
            let code = errno
            guard code == EEXIST else { throw SysError("linkat", code, on: keys.join(keyName)) }
        }
        try keys.sync()
    }

    private static func publish(_ key: NoteKey, state: borrowing Folder) throws {
        // Others verify with it, also where the umask of whoever came first keeps all else from them.
        let mask = umask(0o022)
        defer { umask(mask) }
        let pub = try state.makeSubfolder("pub", mode: 0o755, orOpen: true)
        try pub.replace(fileName(key), with: Array((key.vkey + "\n").utf8), mode: 0o644)
    }

    /// `akios-0123456789abcdef.vkey`.
    static func fileName(_ key: NoteKey) -> String { key.name.replacing("/", with: "-") + ".vkey" }

    /// The public keys of a `pub` folder. A folder or file that others could have written is no reason to trust anything.
    public static func trusted(in pub: borrowing Folder) throws(LogError) -> [NoteKey] {
        do {
            let status = try pub.status()
            guard status.owner == 0 || status.owner == geteuid(), status.mode & 0o022 == 0 else {
                throw LogError.keyExposed(path: pub.path)
            }
            var keys: [NoteKey] = []
            for name in try pub.names() where name.hasSuffix(".vkey") && !name.hasPrefix(".") {
                guard let bytes = try pub.read(name, limit: 4096), let key = parse(bytes) else { continue }
                keys.append(key)
            }
            return keys
        } catch let error as LogError {
            throw error
        } catch let error as SysError {
            throw .system(error)
        } catch {
            throw .system(SysError("read", EIO, on: pub.path))
        }
    }

    /// One vkey, with or without a newline.
    public static func parse(_ bytes: [UInt8]) -> NoteKey? {
        var text = String(decoding: bytes, as: UTF8.self)
        if text.hasSuffix("\n") { text.removeLast() }
        return NoteKey(vkey: text, sha256: AuditCrypto.sha256)
    }
}
