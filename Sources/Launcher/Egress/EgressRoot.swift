// EgressRoot: what egress' root holds until its hello: the folders that the dynamic loader reads. Nothing of it is
// trusted more than the loader trusts it on the host; all of it is read-only and gone before the first network byte.

import CSpawn
import Glibc
import LinuxSys

struct EgressRoot: Equatable {
    enum Entry: Equatable {
        /// A folder or file of the host, at the same path.
        case bind(String)
        /// A link as the host has it: `/lib` → `usr/lib`.
        case link(path: String, text: String)
    }

    var entries: [Entry]

    init(entries: [Entry]) { self.entries = entries }

    /// For an executable: the loader's default folders, its cache, and the folders that the program itself names.
    init(program: borrowing OwnedFD) throws(SysError) {
        let image = try ElfDynamics(file: program)
        var wanted = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache"]
        for folder in image.searchFolders where folder.hasPrefix("/") && !folder.split(separator: "/").contains("..") {
            wanted.append(folder)
        }
        entries = []
        var bound: [String] = []
        for path in wanted {
            var facts = stat()
            guard lstat(path, &facts) == 0 else { continue }
            if facts.st_mode & S_IFMT == S_IFLNK {
                if let text = EgressRoot.linkText(path) { entries.append(.link(path: path, text: text)) }
            } else if !bound.contains(where: { path == $0 || path.hasPrefix($0 + "/") }) {
                entries.append(.bind(path))
                bound.append(path)
            }
        }
    }

    /// The entries as C reads them, valid during `body`.
    func withEntries<Result>(_ body: (UnsafeBufferPointer<akios_egress_entry>) -> Result) -> Result {
        var texts: [UnsafeMutablePointer<CChar>] = []
        defer { for text in texts { free(text) } }
        var flat: [akios_egress_entry] = []
        for entry in entries {
            let (target, source, isLink) =
                switch entry {
                case .bind(let path): (path, path, Int32(0))
                case .link(let path, let text): (path, text, Int32(1))
                }
            guard let target = strdup(target), let source = strdup(source) else { continue }
            texts += [target, source]
            flat.append(akios_egress_entry(target: target, source: source, is_link: isLink))
        }
        return flat.withUnsafeBufferPointer(body)
    }

    private static func linkText(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0, count < buffer.count else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// The one thing of a 64-bit little-endian ELF file that is needed here: where its loader is told to look.
struct ElfDynamics {
    /// DT_RPATH and DT_RUNPATH, split at colons, as written.
    private(set) var searchFolders: [String] = []

    /// - Throws: ENOEXEC for what is no such file; a static program has no folders.
    init(file: borrowing OwnedFD) throws(SysError) {
        let head = try ElfDynamics.bytes(file, at: 0, count: 64)
        guard head[0..<6] == [0x7F, 0x45, 0x4C, 0x46, 2, 1] else { throw SysError("execveat", ENOEXEC, on: "akios-egress") }
        let count = Int(head.integer(at: 56, size: 2))
        let size = Int(head.integer(at: 54, size: 2))
        guard size == 56, count <= 64 else { throw SysError("execveat", ENOEXEC, on: "akios-egress") }
        let table = try ElfDynamics.bytes(file, at: head.integer(at: 32, size: 8), count: size * count)
        let segments = (0..<count).map { ElfSegment(table, at: $0 * size) }
        guard let dynamic = segments.first(where: { $0.type == 2 }), dynamic.fileSize <= 1 << 16 else { return }
        let tags = try ElfDynamics.bytes(file, at: dynamic.offset, count: Int(dynamic.fileSize))
        var strings: UInt64?
        var paths: [UInt64] = []
        for at in stride(from: 0, to: tags.count - 15, by: 16) {
            let value = tags.integer(at: at + 8, size: 8)
            switch tags.integer(at: at, size: 8) {
            case 5: strings = value
            case 15, 29: paths.append(value)
            default: break
            }
        }
        // The table is named by its address in memory; a load segment says where that is in the file.
        guard let strings, let segment = segments.first(where: { $0.type == 1 && $0.holds(strings) }) else { return }
        for path in paths {
            let (offset, overflow) = (segment.offset + (strings - segment.address)).addingReportingOverflow(path)
            guard !overflow else { throw SysError("execveat", ENOEXEC, on: "akios-egress") }
            let text = try ElfDynamics.bytes(file, at: offset, count: 4096, short: true).prefix { $0 != 0 }
            searchFolders += String(decoding: text, as: UTF8.self).split(separator: ":").map(String.init)
        }
    }

    private static func bytes(_ file: borrowing OwnedFD, at offset: UInt64, count: Int, short: Bool = false) throws(SysError)
        -> [UInt8]
    {
        guard offset < 1 << 40 else { throw SysError("execveat", ENOEXEC, on: "akios-egress") }
        let number = file.raw
        var bytes = [UInt8](repeating: 0, count: count)
        let got = try syscall("pread") { bytes.withUnsafeMutableBytes { pread(number, $0.baseAddress, count, off_t(offset)) } }
        guard got == count || short else { throw SysError("execveat", ENOEXEC, on: "akios-egress") }
        return Array(bytes.prefix(got))
    }
}

private struct ElfSegment {
    let type, offset, address, fileSize: UInt64
    init(_ table: [UInt8], at start: Int) {
        type = table.integer(at: start, size: 4)
        offset = table.integer(at: start + 8, size: 8)
        address = table.integer(at: start + 16, size: 8)
        fileSize = table.integer(at: start + 32, size: 8)
    }
    func holds(_ place: UInt64) -> Bool { place >= address && place - address < fileSize && offset < 1 << 40 }
}

extension [UInt8] {
    fileprivate func integer(at start: Int, size: Int) -> UInt64 {
        (0..<size).reduce(0) { $0 | UInt64(self[start + $1]) << UInt64(8 * $1) }
    }
}
