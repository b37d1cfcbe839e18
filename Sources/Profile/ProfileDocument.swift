// ProfileDocument: one document of a profile, checked and in canonical form, and the paths by which others name its parts.

import IDNA
import Vocabulary

/// What a document names as its parent.
struct ParentReference: Sendable {
    var name: String
    var except: [[String]]
    var mark: Mark
}

/// One checked document in canonical form.
public struct ProfileDocument: Sendable {
    public let source: ProfileSource
    let kind: Language.Kind
    /// nil: no `extends` line.
    let parents: [ParentReference]?
    /// `metadata` and `spec`.
    let tree: Node
    let notes: [Note]

    /// Checks `root` and rewrites it. `folder` is where relative paths start; nil for a document that may hold none.
    public init(_ root: Node, source: ProfileSource, folder: String?) throws(ProfileError) {
        guard root.entries != nil else {
            throw ProfileError(
                root.mark, "a profile is a map, this is \(root.form)",
                hint: "start with apiVersion: \(Language.apiVersion)")
        }
        let kind = root["kind"]?.text.flatMap(Language.Kind.init(rawValue:)) ?? .agentPolicy
        var work = Canonicalizer(folder: folder)
        let whole = try work.node(
            root, .map(Language.document(kind)), key: "profile", path: [], below: false)
        var spec = whole["spec"] ?? Node(.mapping([]), mark: root.mark)
        try work.moveAliases(into: &spec)
        self.source = source
        self.kind = kind
        notes = work.notes
        var tree = Node(.mapping([]), mark: root.mark)
        if let metadata = whole.entry("metadata") {
            tree.set(["metadata"], metadata.value, keyMark: metadata.keyMark)
        }
        tree.set(["spec"], spec, keyMark: spec.mark)
        self.tree = tree
        guard let extends = whole["extends"]?.elements else {
            parents = nil
            return
        }
        var found: [ParentReference] = []
        for parent in extends {
            var except: [[String]] = []
            for path in parent["except"]?.elements ?? [] { except += try Language.canonicalPaths(path) }
            found.append(
                ParentReference(name: parent["name"]?.text ?? "", except: except, mark: parent.mark))
        }
        parents = found
    }
}

extension Language {
    /// The row at a dotted path below `spec`, and its canonical parts; keys of an operator's table may hold dots.
    static func find(_ path: [String], in rows: [Row] = spec) -> (row: Row, path: [String])? {
        guard let key = path.first, let row = rows.first(where: { $0.key == key }) else { return nil }
        if path.count == 1 { return (row, [key]) }
        let rest = Array(path.dropFirst())
        switch row.shape {
        case .map(let rows, _): return find(rest, in: rows).map { ($0.row, [key] + $0.path) }
        case .table(let name, let value):
            let text = rest.joined(separator: ".")
            let canonical: String =
                if case .hostName = name { (try? IDNA.name(text))?.text ?? text } else { text }
            return (Row(text, value, row.about, looser: row.looser), [key, canonical])
        default: return nil
        }
    }

    /// Where a canonical tree holds what the dotted path in `node` names: there, and where its older spellings are moved to.
    static func canonicalPaths(_ node: Node) throws(ProfileError) -> [[String]] {
        let found = try known(node)
        func aliases(_ row: Row) -> [[String]] {
            if let alias = row.alias { return [alias] }
            guard case .map(let rows, _) = row.shape else { return [] }
            return rows.flatMap(aliases)
        }
        return [found.path] + aliases(found.row)
    }

    /// The row and the parts of the dotted path in `node`; an error where the language has no such key.
    static func known(_ node: Node) throws(ProfileError) -> (row: Row, path: [String]) {
        let text = node.text ?? ""
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if let found = find(parts) { return found }
        let hint =
            nearest(text, in: allPaths()).map { "did you mean '\($0)'?" }
            ?? "dotted paths start below spec: governance.budget"
        throw ProfileError(node.mark, "unknown key '\(text.shown)'", hint: hint)
    }

    /// Every dotted path below `spec` that a document can name, aliases included.
    static func allPaths(_ rows: [Row] = spec, below: String = "") -> [String] {
        rows.flatMap { row -> [String] in
            let path = below + row.key
            switch row.shape {
            case .map(let rows, _), .list(.map(let rows, _), _, _):
                return [path] + allPaths(rows, below: path + ".")
            default: return [path]
            }
        }
    }
}

extension ProfileDocument {
    /// `--set KEY=VALUE` as a document that holds this one key.
    public init(setting key: String, value: Node, mark: Mark, folder: String?) throws(ProfileError) {
        let path = try Language.known(.text(key, mark: mark)).path
        var root = Node(.mapping([]), mark: mark)
        root.set(["apiVersion"], .text(Language.apiVersion, mark: mark), keyMark: mark)
        root.set(["spec"] + path, value, keyMark: mark)
        try self.init(
            root, source: ProfileSource(id: "--set", name: mark.file, trusted: false), folder: folder)
    }
}
