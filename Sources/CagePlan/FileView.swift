// FileView: what planning needs to see of a file system, so that it can be decided without one. Paths are absolute.

public struct FileEntry: Sendable, Hashable {
    public enum Kind: Sendable, Hashable { case file, directory, link, other }
    public var kind: Kind
    /// Whether the caller may execute it (x bits and ids), for files.
    public var executable: Bool
    public var owner: UInt32
    public var group: UInt32
    public var mark: FileMark

    public init(
        kind: Kind, executable: Bool = false, owner: UInt32 = 0, group: UInt32 = 0, mark: FileMark = FileMark(device: 0, inode: 0)
    ) {
        self.kind = kind
        self.executable = executable
        self.owner = owner
        self.group = group
        self.mark = mark
    }
}

/// A file system as the caller sees it. Every answer is nil for what is not there or may not be seen.
public protocol FileView {
    /// As lstat(2): a link is a link.
    func entry(_ path: String) -> FileEntry?
    func linkTarget(_ path: String) -> String?
    /// At most `count` first bytes of a regular file.
    func head(_ path: String, count: Int) -> [UInt8]?
    /// Names in a directory, without `.` and `..`.
    func names(in directory: String) -> [String]?
}

extension FileView {
    /// The path without links, `.` and `..`; nil where a part is missing or links run in a circle.
    public func canonical(_ path: String) -> String? {
        guard Paths.isAbsolute(path) else { return nil }
        var pending = Array(Paths.parts(path).reversed())
        var done: [String] = []
        var links = 0
        while let part = pending.popLast() {
            if part == "." { continue }
            if part == ".." {
                _ = done.popLast()
                continue
            }
            let here = "/" + (done + [part]).joined(separator: "/")
            guard let entry = entry(here) else { return nil }
            guard entry.kind == .link else {
                if entry.kind != .directory && !pending.isEmpty { return nil }
                done.append(part)
                continue
            }
            links += 1
            guard links <= 40, let target = linkTarget(here) else { return nil }
            if Paths.isAbsolute(target) { done = [] }
            pending += Paths.parts(target).reversed()
        }
        return "/" + done.joined(separator: "/")
    }

    /// The entry behind all links.
    public func resolved(_ path: String) -> FileEntry? {
        canonical(path).flatMap { $0 == "/" ? FileEntry(kind: .directory) : entry($0) }
    }

    func isDirectory(_ path: String) -> Bool { resolved(path)?.kind == .directory }
    func isFile(_ path: String) -> Bool { resolved(path)?.kind == .file }
}

/// Path arithmetic on text, byte by byte as the kernel reads it: to a String a slash and a combining accent behind it are one
/// character, and two spellings of an accented name are equal. No file system.
enum Paths {
    private static let slash = UInt8(ascii: "/")

    static func parts(_ path: String) -> [String] { path.utf8.split(separator: slash).map { String(Substring($0)) } }

    static func isAbsolute(_ path: String) -> Bool { path.utf8.first == slash }

    static func parent(_ path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: slash), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    static func name(_ path: String) -> String { parts(path).last ?? "" }

    static func join(_ base: String, _ rest: String) -> String {
        if isAbsolute(rest) { return rest }
        return base == "/" ? "/" + rest : base + "/" + rest
    }

    /// Without `.`, `..` and doubled slashes, links unseen.
    static func normalized(_ path: String) -> String {
        var done: [String] = []
        for part in parts(path) where part != "." {
            if part == ".." { _ = done.popLast() } else { done.append(part) }
        }
        return "/" + done.joined(separator: "/")
    }

    static func same(_ path: String, _ other: String) -> Bool { path.utf8.elementsEqual(other.utf8) }

    /// Whether `path` is `base` or below it.
    static func isWithin(_ path: String, _ base: String) -> Bool {
        base == "/" || (path.utf8.starts(with: base.utf8) && [nil, slash].contains(path.utf8.dropFirst(base.utf8.count).first))
    }
}
