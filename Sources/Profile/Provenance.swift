// Provenance: whose document a part of the merged tree comes from, and what of it this release does not enforce.

/// Which documents are root's. A part belongs to the document that its mark names.
struct Provenance {
    private var trusted: [String: Bool] = [:]

    init(_ sources: [ProfileSource]) {
        for source in sources { trusted[source.name] = source.trusted && trusted[source.name] ?? true }
    }

    func trusts(_ mark: Mark) -> Bool { trusted[mark.file] ?? false }

    /// Paths that untrusted documents name.
    func callerPaths(_ tree: Node) -> Set<String> {
        var found: Set<String> = []
        collect(tree["spec"], .map(Language.spec), &found)
        return found
    }

    /// Variables of the credentials that untrusted documents name, and the proxy's password if one does: got as the caller.
    func callerCredentials(_ tree: Node) -> Set<String> {
        let governance = tree["spec"]?["governance"]
        let entries = governance?["credentials"]?.elements ?? []
        var names = Set(
            entries.filter { !trusts($0.mark) || !trusts($0["from"]?.mark ?? $0.mark) }.compactMap { $0["env"]?.text })
        if let password = governance?[path: ["network_access", "upstream_proxy", "password"]], !trusts(password.mark) {
            names.insert(UpstreamProxy.passwordKey)
        }
        return names
    }

    private func collect(_ node: Node?, _ shape: Shape, _ found: inout Set<String>) {
        guard let node else { return }
        switch shape {
        case .scalar(.path), .scalar(.grant):
            if !trusts(node.mark), let text = node.text, text.hasPrefix("/") || text.hasPrefix("~") {
                found.insert(PathSpec(text: text).path)
            }
        case .scalar: break
        case .either(_, let other): collect(node, other, &found)
        case .list(let element, _, _):
            for item in node.elements ?? [] { collect(item, element, &found) }
        case .table(_, let value):
            for entry in node.entries ?? [] { collect(entry.value, value, &found) }
        case .map(let rows, _): for row in rows { collect(node[row.key], row.shape, &found) }
        }
    }
}

enum Unenforced {
    /// Keys of a canonical tree that are present with an effect and that this release does not enforce.
    static func list(_ tree: Node) -> [Note] {
        var notes: [Note] = []
        if let spec = tree["spec"] { walk(spec, Language.spec, path: [], &notes) }
        return notes
    }

    private static func walk(_ node: Node, _ rows: [Row], path: [String], _ notes: inout [Note]) {
        for entry in node.entries ?? [] {
            guard let row = rows.first(where: { $0.key == entry.key }) else { continue }
            let inner = path + [row.key]
            if case .no(let except) = row.enforcement {
                if entry.value.isInert(except) { continue }
                let key = inner.joined(separator: ".")
                let value = entry.value.text.map { " '\($0.shown)'" } ?? ""
                notes.append(
                    Note(
                        .unenforced, entry.keyMark, key: key, "'\(key)'\(value) is not enforced by this release"
                    ))
            } else {
                descend(entry.value, row.shape, path: inner, &notes)
            }
        }
    }

    private static func descend(_ node: Node, _ shape: Shape, path: [String], _ notes: inout [Note]) {
        switch shape {
        case .map(let rows, _): walk(node, rows, path: path, &notes)
        case .list(let element, _, _):
            for item in node.elements ?? [] { descend(item, element, path: path, &notes) }
        case .either(_, let other): descend(node, other, path: path, &notes)
        case .scalar, .table: break
        }
    }
}

extension Node {
    fileprivate func isInert(_ except: Set<String>) -> Bool {
        switch content {
        case .scalar(let text, _): except.contains(text)
        case .sequence(let elements): elements.isEmpty
        case .mapping(let entries): entries.isEmpty
        }
    }
}
