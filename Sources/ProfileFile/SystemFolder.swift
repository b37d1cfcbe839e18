// SystemFolder: /etc/akios. What lies there counts as root's only while nobody else can write it.

import Glibc
import Profile

/// An open file that is closed at the end of its scope.
struct Descriptor: ~Copyable {
    private let number: Int32

    init(_ number: Int32) { self.number = number }
    deinit { close(number) }

    var status: stat? {
        var status = stat()
        return fstat(number, &status) == 0 ? status : nil
    }

    /// Where the kernel says the open file lies; nil where it does not know.
    var path: String? {
        guard let text = linkTarget("/proc/self/fd/\(number)") else { return nil }
        return text.hasPrefix("/") && !text.hasSuffix(" (deleted)") ? text : nil
    }

    /// All bytes of a regular file, up to what a profile may hold and one more.
    func contents(named name: String) throws(ProfileError) -> [UInt8] {
        let mark = Mark(file: name)
        guard let status, status.st_mode & S_IFMT == S_IFREG else {
            throw ProfileError(mark, "not a regular file")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= YAMLReader.sizeLimit {
            let count = read(number, &chunk, chunk.count)
            if count < 0 {
                let code = errno
                if code == EINTR { continue }
                throw ProfileError(mark, "cannot be read: \(OpenFailure(errno: code).words)")
            }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return bytes
    }
}

private func linkTarget(_ link: String) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = readlink(link, &buffer, buffer.count - 1)
    return count > 0 ? String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
}

struct SystemFolder {
    let path: String
    var profiles: String { path + "/profiles" }

    func profile(_ name: String, mark: Mark) throws(ProfileError) -> (path: String, bytes: [UInt8])? {
        guard !name.hasPrefix("."), name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        let file = profiles + "/" + name + ".yaml"
        return try trustedFile(file, mark: mark).map { (file, $0) }
    }

    /// Names of `profiles/*.yaml`, whoever owns them.
    func names() -> [String] {
        guard let folder = opendir(profiles) else { return [] }
        defer { closedir(folder) }
        var found: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".yaml"), !name.hasPrefix(".") { found.append(String(name.dropLast(5))) }
        }
        return found.sorted()
    }

    /// The bytes of a file that only root can have written, nil where there is none, an error where anyone else could.
    func trustedFile(_ file: String, mark: Mark) throws(ProfileError) -> [UInt8]? {
        let slash = file.lastIndex(of: "/") ?? file.startIndex
        let folderPath = slash == file.startIndex ? "/" : String(file[..<slash])
        guard try isTrusted(folderPath, mark) else { return nil }
        let folder = open(folderPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY)
        if folder < 0 {
            let code = errno
            throw unopened(folderPath, code, mark)
        }
        let held = Descriptor(folder)
        // The file is looked up in the folder that was opened, and never through a link.
        let number = openat(
            folder, String(file[slash...].drop(while: { $0 == "/" })),
            O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW)
        if number < 0 {
            let code = errno
            if code == ENOENT { return nil }
            throw unopened(file, code, mark)
        }
        let opened = Descriptor(number)
        try check(held.status, folderPath, mark)
        try check(opened.status, file, mark)
        return try opened.contents(named: file)
    }

    /// Whether the folder is there. Everything on the way to it must be root's alone, links included: while that is so of all
    /// that was looked at, nobody else can change what is looked at next.
    private func isTrusted(_ folder: String, _ mark: Mark) throws(ProfileError) -> Bool {
        var pending = Array(folder.split(separator: "/").reversed())
        var at = ""
        var links = 0
        while let part = pending.popLast() {
            if part == "." { continue }
            if part == ".." {
                at = at.lastIndex(of: "/").map { String(at[..<$0]) } ?? ""
                continue
            }
            let here = at + "/" + part
            var status = stat()
            guard lstat(here, &status) == 0 else {
                let code = errno
                if code == ENOENT { return false }
                throw unopened(here, code, mark)
            }
            switch status.st_mode & S_IFMT {
            case S_IFLNK:
                links += 1
                guard links <= 40, let target = linkTarget(here) else { throw unopened(here, ELOOP, mark) }
                if target.hasPrefix("/") { at = "" }
                pending += target.split(separator: "/").reversed()
            case S_IFDIR:
                // In a sticky folder nobody renames what is root's.
                try check(status, here, mark, mayBeSticky: true)
                at = here
            default: throw unopened(here, ENOTDIR, mark)
            }
        }
        return true
    }

    private func unopened(_ path: String, _ code: Int32, _ mark: Mark) -> ProfileError {
        ProfileError(mark, "'\(path)' cannot be opened: \(OpenFailure(errno: code).words)")
    }

    private func check(_ status: stat?, _ path: String, _ mark: Mark, mayBeSticky: Bool = false) throws(ProfileError) {
        guard let status, status.st_uid == 0,
            status.st_mode & 0o022 == 0 || (mayBeSticky && status.st_mode & S_ISVTX != 0)
        else {
            throw ProfileError(
                mark, "'\(path)' can be written by others than root",
                hint: "chown root:root \(path) && chmod go-w \(path)")
        }
    }
}
