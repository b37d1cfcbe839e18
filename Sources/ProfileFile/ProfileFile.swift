// ProfileFile: names and paths to a resolved profile. The only place that knows where profiles lie on a disk.

import Glibc
public import Profile

/// Opens a path of the caller's for reading, with the caller's ids where they differ from ours.
/// A descriptor, which is read to its end and closed here; or the errno.
public typealias ProfileOpener = (_ path: String) -> Result<Int32, OpenFailure>

/// The errno of an open that failed.
public struct OpenFailure: Error, Sendable, Hashable {
    public var errno: Int32
    public init(errno: Int32) { self.errno = errno }
}

public struct ProfileFile {
    /// Where the host's own profiles and its floor lie: `profiles/NAME.yaml`, `floor.yaml`.
    public static let systemFolder = "/etc/akios"

    /// Opens with the ids of this process.
    public static func plainOpener(_ path: String) -> Result<Int32, OpenFailure> {
        // Not blocking: a FIFO given for a profile must be refused, not waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        return descriptor < 0 ? .failure(OpenFailure(errno: errno)) : .success(descriptor)
    }

    /// Resolves the profiles a command line names.
    /// - Parameters:
    ///   - names: of `--profile`, in order: a name, `builtin/NAME`, or a path (with a slash or ending in .yaml).
    ///   - sets: of `--set`, in order: `KEY=VALUE`, a dotted path below `spec`; `[…]` and `{…}` are read as YAML.
    ///   - opener: opens paths from the command line and from documents that are not root's.
    ///   - callerTrusted: the caller is root or runs us without privilege, so root's keys need no shielding from it.
    ///   - directory: where relative paths start; nil: where this process stands.
    ///   - systemFolder: `/etc/akios`, but for tests.
    public static func load(
        names: [String], sets: [String] = [], opener: ProfileOpener = plainOpener,
        callerTrusted: Bool = true,
        directory: String? = nil, systemFolder: String = systemFolder
    ) throws(ProfileError) -> ResolvedProfile {
        let here: String
        if let directory { here = directory } else { here = try workingDirectory() }
        return try withoutActuallyEscaping(opener) { (opener) throws(ProfileError) -> ResolvedProfile in
            let files = ProfileFile(
                directory: here, system: SystemFolder(path: systemFolder), opener: opener)
            var documents: [ProfileDocument] = []
            for set in sets { documents.append(try files.setting(set)) }
            return try Resolver.resolve(
                names: names, sets: documents, floor: try files.floor(), callerTrusted: callerTrusted
            ) { (name, from, mark) throws(ProfileError) -> ProfileDocument in
                try files.find(name, from: from, mark: mark)
            }
        }
    }

    private let directory: String
    private let system: SystemFolder
    private let opener: ProfileOpener

    private static func workingDirectory() throws(ProfileError) -> String {
        guard let path = getcwd(nil, 0) else {
            throw ProfileError(
                Mark(file: "."), "the folder you stand in cannot be read", hint: "go to another one")
        }
        defer { free(path) }
        return String(cString: path)
    }

    private func find(_ name: String, from: ProfileSource?, mark: Mark) throws(ProfileError)
        -> ProfileDocument
    {
        if name.hasPrefix("builtin/") { return try builtin(String(name.dropFirst(8)), mark: mark) }
        guard !Self.isPath(name) else { return try file(name, from: from, mark: mark) }
        if let found = try system.profile(name, mark: mark) {
            return try document(
                found.bytes, ProfileSource(id: found.path, name: found.path, trusted: true),
                folder: system.profiles)
        }
        return try builtin(name, mark: mark)
    }

    /// A name has no slash and no suffix; everything else is a path, and no name is ever looked up where the agent works.
    static func isPath(_ name: String) -> Bool {
        name.contains("/") || name.hasSuffix(".yaml") || name.hasSuffix(".yml")
    }

    private func builtin(_ name: String, mark: Mark) throws(ProfileError) -> ProfileDocument {
        guard let bytes = Builtin.yaml(name) else {
            let names = Builtin.names + system.names()
            let known =
                "there are \(names.map { "'\($0)'" }.joined(separator: ", ")); a file is named with a slash or .yaml"
            throw ProfileError(
                mark, "no profile '\(name.printable)'",
                hint: nearest(name, in: names).map { "did you mean '\($0)'?" } ?? known)
        }
        return try document(
            bytes, ProfileSource(id: "builtin/\(name)", name: "builtin/\(name)", trusted: true),
            folder: nil)
    }

    private func file(_ name: String, from: ProfileSource?, mark: Mark) throws(ProfileError)
        -> ProfileDocument
    {
        var path = name
        while path.hasPrefix("./") { path = String(path.dropFirst(2)) }
        if !path.hasPrefix("/") { path = folder(of: from) + "/" + path }
        // What root's document names is opened with our own ids, and must be root's too.
        if let from, from.trusted {
            guard let bytes = try system.trustedFile(path, mark: mark) else {
                throw ProfileError(mark, "no file '\(path.printable)'")
            }
            return try document(
                bytes, ProfileSource(id: path, name: path, trusted: true), folder: Self.parent(path))
        }
        let bytes: [UInt8]
        switch opener(path) {
        case .success(let descriptor):
            let file = Descriptor(descriptor)
            bytes = try file.contents(named: name)
            // What a link leads to: a file is the same, and its relative paths too, however it was reached.
            path = file.path ?? path
        case .failure(let failure):
            let hint =
                failure.errno == ENOENT
                ? "a path starts where \(from == nil ? "you stand" : "the document lies")" : nil
            throw ProfileError(
                from == nil ? Mark(file: name) : mark,
                "'\(name.printable)' cannot be opened: \(failure.words)", hint: hint)
        }
        return try document(
            bytes, ProfileSource(id: path, name: from == nil ? name : path, trusted: false),
            folder: Self.parent(path))
    }

    private func folder(of source: ProfileSource?) -> String {
        guard let source else { return directory == "/" ? "" : directory }
        return source.id.hasPrefix("/") ? Self.parent(source.id) : system.profiles
    }

    private static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    private func document(_ bytes: [UInt8], _ source: ProfileSource, folder: String?)
        throws(ProfileError) -> ProfileDocument
    {
        try ProfileDocument(YAMLReader.read(bytes, file: source.name), source: source, folder: folder)
    }

    private func floor() throws(ProfileError) -> ProfileDocument? {
        let path = system.path + "/floor.yaml"
        guard let bytes = try system.trustedFile(path, mark: Mark(file: path)) else { return nil }
        return try document(
            bytes, ProfileSource(id: path, name: path, trusted: true), folder: system.path)
    }

    private func setting(_ text: String) throws(ProfileError) -> ProfileDocument {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            throw ProfileError(
                Mark(file: "--set \(text.printable)"), "no KEY=VALUE",
                hint: "--set governance.budget.per_session.max_cost_usd=2")
        }
        // Only the key is repeated in messages: the value may be of an agent's variable.
        let mark = Mark(file: "--set \(text[..<equals].description.printable)")
        let value = String(text[text.index(after: equals)...])
        var node = Node.text(value, mark: mark)
        if value.hasPrefix("[") || value.hasPrefix("{") {
            node = try YAMLReader.read(Array(value.utf8), file: mark.file)
        }
        return try ProfileDocument(
            setting: String(text[..<equals]), value: node, mark: mark, folder: directory)
    }
}

extension OpenFailure {
    var words: String { String(cString: strerror(errno)) }
}
