// Command: which file a command word means, and which folders its own interpreter lives in. Nothing is believed that
// the file system does not prove, and neither `/` nor a home folder is ever the answer.

public import Vocabulary

/// Why nothing ran, with the status that env(1) has for it.
public struct CommandFailure: Error, Sendable, Hashable {
    /// 127 not found, 126 found but not executable.
    public var status: Int32
    public var complaint: Complaint
}

public struct ResolvedCommand: Sendable, Hashable {
    /// The file to execute, absolute; links in its last part stay, because a venv's Python knows itself by them.
    public var path: String
    /// Folders the program needs, read-only: each proven to be an interpreter's prefix, or holding no more than one.
    public var prefixes: [String]
    /// Single files it needs outside of those.
    public var files: [String]
    /// All prefixes, those that are in the cage anyway too.
    public var homes: [String]

    public init(path: String, prefixes: [String] = [], files: [String] = [], homes: [String] = []) {
        self.path = path
        self.prefixes = prefixes
        self.files = files
        self.homes = homes
    }
}

public struct CommandFinder<View: FileView> {
    let view: View
    /// The caller's, for `/path/to` words, `PATH` and pyenv's version.
    let directory: String
    let searchPath: [String]
    let home: String
    /// `PYENV_VERSION`, if the caller set it.
    let pyenvVersion: String?
    /// Folders that are in the cage anyway, canonical.
    let granted: [String]

    /// - Parameter granted: system folders and the workspace; what lies there needs no grant of its own.
    public init(view: View, directory: String, searchPath: String, home: String, pyenvVersion: String?, granted: [String]) {
        self.view = view
        self.directory = directory
        self.searchPath = searchPath.split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
        self.home = view.canonical(home) ?? home
        self.pyenvVersion = pyenvVersion
        self.granted = granted
    }

    public func resolve(_ word: String) throws(CommandFailure) -> ResolvedCommand {
        var found = try find(word)
        if let real = behindShim(found) { found = real }
        var facts = Facts()
        let path = try follow(found, into: &facts, depth: 0)
        var prefixes: [String] = []
        for prefix in facts.prefixes where !prefixes.contains(where: { Paths.isWithin(prefix, $0) }) {
            prefixes.removeAll { Paths.isWithin($0, prefix) }
            prefixes.append(prefix)
        }
        let files = facts.files.filter { file in !prefixes.contains { Paths.isWithin(file, $0) } && !isGranted(file) }
        return ResolvedCommand(
            path: path, prefixes: prefixes.filter { !isGranted($0) }, files: files, homes: facts.prefixes)
    }

    // MARK: Looking up

    private func find(_ word: String) throws(CommandFailure) -> String {
        guard !word.isEmpty else { throw failure(127, "the command is empty", "write the program after `--`") }
        if word.contains("/") {
            let path = Paths.join(directory, word)
            guard let entry = view.resolved(path) else {
                throw failure(127, "\(word): no such file", "check the path; it is looked up as you, not as root")
            }
            guard entry.kind == .file, entry.executable else {
                throw failure(126, "\(word): not an executable file", "give it an x bit, or name its interpreter")
            }
            return path
        }
        var refused: String?
        for folder in searchPath {
            let path = Paths.join(folder, word)
            guard let entry = view.resolved(path) else { continue }
            if entry.kind == .file && entry.executable { return path }
            if entry.kind == .file { refused = refused ?? path }
        }
        if let refused { throw failure(126, "\(refused): not executable", "give it an x bit, or name its interpreter") }
        throw failure(
            127, "\(word): command not found", "it is searched in your PATH; under sudo that is sudo's own, so write the whole path"
        )
    }

    private func failure(_ status: Int32, _ what: String, _ hint: String) -> CommandFailure {
        CommandFailure(status: status, complaint: Complaint(what, hint: hint))
    }

    /// pyenv's shims are scripts that need all of pyenv; the interpreter they would choose does not.
    private func behindShim(_ path: String) -> String? {
        let folder = Paths.parent(path)
        guard Paths.name(folder) == "shims", let text = line(path, count: 512), text.contains("pyenv") else { return nil }
        let root = Paths.parent(folder)
        let name = Paths.name(path)
        for version in versions(root) {
            let candidate = "\(root)/versions/\(version)/bin/\(name)"
            if let entry = view.resolved(candidate), entry.kind == .file, entry.executable { return candidate }
        }
        return nil
    }

    /// As pyenv looks: the variable, `.python-version` from here upward, the global file.
    private func versions(_ root: String) -> [String] {
        if let pyenvVersion, !pyenvVersion.isEmpty { return safe(pyenvVersion.split(separator: ":")) }
        var at = directory
        while true {
            if let text = line(Paths.join(at, ".python-version"), count: 1024) {
                return safe(text.split(whereSeparator: \.isWhitespace))
            }
            if at == "/" { break }
            at = Paths.parent(at)
        }
        return safe((line("\(root)/version", count: 1024) ?? "").split(whereSeparator: \.isWhitespace))
    }

    /// A version is one path part: the file it comes from may be the agent's own.
    private func safe(_ words: [Substring]) -> [String] {
        words.map(String.init).filter { !$0.contains("/") && $0 != ".." && $0 != "." }
    }

    private func line(_ path: String, count: Int) -> String? {
        guard let real = view.canonical(path), let bytes = view.head(real, count: count) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: What it needs

    private struct Facts {
        var prefixes: [String] = []
        var files: [String] = []
    }

    /// Follows one program through its links and its `#!` line. The path to execute it by.
    private func follow(_ path: String, into facts: inout Facts, depth: Int) throws(CommandFailure) -> String {
        guard depth < 5, let folder = view.canonical(Paths.parent(path)), let real = view.canonical(path) else {
            throw failure(126, "\(path): its interpreter cannot be followed", "name the interpreter in the command")
        }
        var hop = Paths.join(folder, Paths.name(path))
        let first = hop
        var direct = isGranted(first)
        for _ in 0..<40 {
            if let prefix = prefix(of: hop) {
                add(prefix, to: &facts)
                if hop == first { direct = true }
            }
            guard view.entry(hop)?.kind == .link, let target = view.linkTarget(hop) else { break }
            let next = Paths.join(Paths.parent(hop), target)
            guard let folder = view.canonical(Paths.parent(next)) else { break }
            hop = Paths.join(folder, Paths.name(next))
        }
        facts.files.append(real)
        try followInterpreter(of: real, into: &facts, depth: depth)
        // A link from a folder that is not in the cage is executed by its target's name.
        return direct ? first : real
    }

    private func followInterpreter(of real: String, into facts: inout Facts, depth: Int) throws(CommandFailure) {
        guard let head = view.head(real, count: 256), head.starts(with: Array("#!".utf8)) else { return }
        let text = String(decoding: head.dropFirst(2).prefix { $0 != 0x0A }, as: UTF8.self)
        var words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard let interpreter = words.first else { return }
        if Paths.name(interpreter) == "env" {
            words.removeFirst()
            words.removeAll { $0.hasPrefix("-") || $0.contains("=") }
            guard let name = words.first else { return }
            let found = try find(name)
            _ = try follow(behindShim(found) ?? found, into: &facts, depth: depth + 1)
        } else if view.resolved(interpreter) != nil {
            _ = try follow(interpreter, into: &facts, depth: depth + 1)
        } else {
            throw failure(126, "\(real): its interpreter \(interpreter) is not there", "install it, or correct the first line")
        }
    }

    private func add(_ prefix: String, to facts: inout Facts) {
        guard !facts.prefixes.contains(prefix) else { return }
        facts.prefixes.append(prefix)
        // A venv is nothing without the Python it was made from.
        guard let configuration = line("\(prefix)/pyvenv.cfg", count: 4096) else { return }
        for entry in configuration.split(separator: "\n") {
            let pair = entry.split(separator: "=", maxSplits: 1).map { $0.filter { !$0.isWhitespace } }
            guard pair.count == 2, pair[0] == "home", let bin = view.canonical(pair[1]) else { continue }
            let base = Paths.parent(bin)
            if isProven(base) { add(base, to: &facts) }
        }
    }

    /// The folder above `bin/` or `sbin/`, or above `lib/node_modules/…`, if it is an interpreter's.
    private func prefix(of path: String) -> String? {
        let folder = Paths.parent(path)
        if let range = path.ranges(of: "/lib/node_modules/").first {
            let candidate = String(path[..<range.lowerBound])
            if isProven(candidate) { return candidate }
        }
        guard ["bin", "sbin"].contains(Paths.name(folder)) else { return nil }
        let candidate = Paths.parent(folder)
        return isProven(candidate) ? candidate : nil
    }

    private func isProven(_ candidate: String) -> Bool {
        guard candidate != "/", !Paths.isWithin(home, candidate), Paths.parts(candidate).count >= 2 || isGranted(candidate) else {
            return false
        }
        if view.isFile("\(candidate)/pyvenv.cfg") || view.isDirectory("\(candidate)/lib/node_modules") { return true }
        if TrustStore.javaNames.contains(where: { view.isFile("\(candidate)/\($0)") }) { return true }
        return (view.names(in: "\(candidate)/lib") ?? []).contains {
            $0.hasPrefix("python3") && view.isDirectory("\(candidate)/lib/\($0)")
        }
    }

    private func isGranted(_ path: String) -> Bool { granted.contains { Paths.isWithin(path, $0) } }
}
