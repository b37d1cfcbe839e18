// HostView: the real file system for CagePlan, seen with the caller's eyes: what a person may not see, their profile
// and command line cannot name.

import CagePlan
import Glibc
import LinuxSys

struct HostView: FileView {
    /// nil: this process' own ids.
    let eyes: FileIdentity?

    func entry(_ path: String) -> FileEntry? {
        seeing {
            var facts = stat()
            guard lstat(path, &facts) == 0 else { return nil }
            let kind: FileEntry.Kind =
                switch facts.st_mode & S_IFMT {
                case S_IFREG: .file
                case S_IFDIR: .directory
                case S_IFLNK: .link
                default: .other
                }
            let mark = FileMark(device: UInt64(facts.st_dev), inode: UInt64(facts.st_ino))
            return FileEntry(
                kind: kind, executable: isExecutable(facts), owner: facts.st_uid, group: facts.st_gid, mark: mark)
        }
    }

    /// By mode bits: access(2) answers for the real id, and root may execute what its user may not.
    private func isExecutable(_ facts: stat) -> Bool {
        let uid = eyes?.uid ?? geteuid()
        let gid = eyes?.gid ?? getegid()
        if uid == 0 { return facts.st_mode & 0o111 != 0 }
        if facts.st_uid == uid { return facts.st_mode & 0o100 != 0 }
        if facts.st_gid == gid || (eyes == nil && isMember(facts.st_gid)) { return facts.st_mode & 0o010 != 0 }
        return facts.st_mode & 0o001 != 0
    }

    private func isMember(_ group: UInt32) -> Bool {
        var groups = [gid_t](repeating: 0, count: 1024)
        let count = getgroups(Int32(groups.count), &groups)
        return count > 0 && groups.prefix(Int(count)).contains(group)
    }

    func linkTarget(_ path: String) -> String? {
        seeing {
            var buffer = [UInt8](repeating: 0, count: 4097)
            let count = buffer.withUnsafeMutableBytes { bytes in
                bytes.withMemoryRebound(to: CChar.self) { text in text.baseAddress.map { readlink(path, $0, text.count) } ?? -1 }
            }
            guard count > 0, count < buffer.count else { return nil }
            return String(decoding: buffer.prefix(count), as: UTF8.self)
        }
    }

    func head(_ path: String, count: Int) -> [UInt8]? {
        seeing {
            // Non-blocking: a fifo with this name must not hold us.
            let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
            guard number >= 0 else { return nil }
            let file = OwnedFD(owning: number)
            var facts = stat()
            guard fstat(file.raw, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
            var buffer = [UInt8](repeating: 0, count: count)
            let got = read(file.raw, &buffer, count)
            return got < 0 ? nil : Array(buffer.prefix(got))
        }
    }

    func names(in directory: String) -> [String]? {
        seeing {
            guard let stream = opendir(directory) else { return nil }
            defer { closedir(stream) }
            var names: [String] = []
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != "." && name != ".." { names.append(name) }
            }
            return names
        }
    }

    private func seeing<Value>(_ body: () -> Value?) -> Value? { accessing(as: eyes) { body() } }
}
