// FakeView: a file system as a dictionary, for planning without one.

import CagePlan

struct FakeView: FileView {
    enum Node {
        case folder
        case file(String, executable: Bool)
        case link(String)
        case socket
    }

    private var nodes: [String: Node] = ["/": .folder]
    var owner: UInt32 = 0
    /// Names that a folder lists and that lead nowhere.
    var listed: [String: [String]] = [:]

    mutating func add(_ path: String, _ node: Node) {
        var at = ""
        for part in path.split(separator: "/").dropLast() {
            at += "/" + part
            if nodes[at] == nil { nodes[at] = .folder }
        }
        nodes[path] = node
    }

    mutating func program(_ path: String, _ text: String = "\u{7F}ELF") { add(path, .file(text, executable: true)) }
    mutating func link(_ path: String, _ target: String) { add(path, .link(target)) }
    mutating func folder(_ path: String) { add(path, .folder) }
    mutating func file(_ path: String, _ text: String = "") { add(path, .file(text, executable: false)) }

    func entry(_ path: String) -> FileEntry? {
        guard let node = nodes[path] else { return nil }
        let mark = FileMark(device: 1, inode: UInt64(path.utf8.reduce(7) { ($0 &* 31 &+ UInt32($1)) & 0xFFFF }))
        switch node {
        case .folder: return FileEntry(kind: .directory, owner: owner, mark: mark)
        case .file(_, let executable): return FileEntry(kind: .file, executable: executable, owner: owner, mark: mark)
        case .link: return FileEntry(kind: .link, owner: owner, mark: mark)
        case .socket: return FileEntry(kind: .other, owner: owner, mark: mark)
        }
    }

    func linkTarget(_ path: String) -> String? {
        if case .link(let target) = nodes[path] { return target }
        return nil
    }

    func head(_ path: String, count: Int) -> [UInt8]? {
        if case .file(let text, _) = nodes[path] { return Array(text.utf8.prefix(count)) }
        return nil
    }

    func names(in directory: String) -> [String]? {
        guard case .folder = nodes[directory] else { return nil }
        let prefix = directory == "/" ? "/" : directory + "/"
        return nodes.keys.filter { $0 != "/" && $0.hasPrefix(prefix) && !$0.dropFirst(prefix.count).contains("/") }
            .map { String($0.dropFirst(prefix.count)) } + (listed[directory] ?? [])
    }

    /// Debian: merged /usr, a Python behind two links.
    static func debian() -> FakeView {
        var view = FakeView()
        for name in ["bin", "sbin", "lib", "lib64"] {
            view.folder("/usr/" + name)
            view.link("/" + name, "usr/" + name)
        }
        for name in ["sh", "bash", "env", "python3.11"] { view.program("/usr/bin/" + name) }
        view.link("/usr/bin/python3", "python3.11")
        view.folder("/usr/lib/python3.11")
        view.file("/etc/ld.so.cache")
        view.file("/etc/shadow")
        view.link("/etc/localtime", "/usr/share/zoneinfo/UTC")
        view.file("/usr/share/zoneinfo/UTC")
        view.folder("/home/alice/project")
        return view
    }
}
