// Canonicalizer: a document checked against the table and rewritten to its canonical form: aliases moved, short forms
// spelt out, paths made absolute. What comes out holds canonical keys only, so merging knows no other.

import IDNA
import Vocabulary

struct Canonicalizer {
    let folder: String?
    var notes: [Note] = []
    private var moves: [(from: [String], to: [String], value: Node, keyMark: Mark)] = []

    init(folder: String?) { self.folder = folder }

    /// `below`: whether `path` is a path below `spec`.
    mutating func node(_ node: Node, _ shape: Shape, key: String, path: [String], below: Bool)
        throws(ProfileError) -> Node
    {
        switch shape {
        case .scalar(let scalar): return try self.scalar(node, scalar, key: key)
        case .either(let scalar, let other):
            if case .scalar(let inner) = other {
                guard let text = node.text else { throw wrongForm(node, "a text", key: key) }
                return try self.scalar(node, scalar.complaint(text) == nil ? scalar : inner, key: key)
            }
            // A text may also be the other shape's short form.
            if let text = node.text, scalar.complaint(text) != nil, case .map(_, .some) = other {
                return try self.node(node, other, key: key, path: path, below: below)
            }
            return node.text == nil
                ? try self.node(node, other, key: key, path: path, below: below)
                : try self.scalar(node, scalar, key: key)
        case .list(let element, let identity, let whole):
            return try list(node, element, identity, whole: whole, key: key, path: path, below: below)
        case .table(let name, let value):
            return try table(node, name, value, key: key, path: path, below: below)
        case .map(let rows, let shorthand):
            return try map(node, rows, shorthand, key: key, path: path, below: below)
        }
    }

    private mutating func map(
        _ node: Node, _ rows: [Row], _ shorthand: String?, key: String, path: [String], below: Bool
    )
        throws(ProfileError) -> Node
    {
        var entries: [Node.Entry]
        if let given = node.entries {
            entries = given
        } else if let shorthand, let text = node.text, !text.isEmpty {
            entries = [Node.Entry(key: shorthand, keyMark: node.mark, value: node)]
        } else {
            throw wrongForm(node, "a map", key: key)
        }
        var result: [Node.Entry] = []
        for entry in entries {
            guard let row = rows.first(where: { $0.key == entry.key }) else {
                throw unknown(entry, rows, below: below ? path : nil)
            }
            if result.contains(where: { $0.key == entry.key }) {
                throw ProfileError(entry.keyMark, "key '\(entry.key)' stands twice")
            }
            let isSpec = !below && path.isEmpty && row.key == "spec"
            let inner = below ? path + [row.key] : []
            let value = try self.node(
                entry.value, row.shape, key: row.key, path: inner, below: below || isSpec)
            if let target = row.alias {
                moves.append((inner, target, value, entry.keyMark))
            } else if case .ignored(let reason) = row.enforcement {
                let dotted = inner.joined(separator: ".")
                notes.append(
                    Note(.ignored, entry.keyMark, key: dotted, "'\(dotted)' has no effect: \(reason)"))
            } else if case .mapping(let left) = value.content, left.isEmpty,
                entry.value.entries?.isEmpty == false
            {
                continue  // nothing but aliases and keys without effect stood in it
            } else {
                result.append(Node.Entry(key: entry.key, keyMark: entry.keyMark, value: value))
            }
        }
        for row in rows where row.required && !entries.contains(where: { $0.key == row.key }) {
            let value: String =
                if case .scalar(.choice(let words, _)) = row.shape { words.first ?? "…" } else { "…" }
            throw ProfileError(
                node.mark, "'\(row.key)' is missing in '\(key)'", hint: "add \(row.key): \(value)")
        }
        return Node(.mapping(result), mark: node.mark)
    }

    private mutating func list(
        _ node: Node, _ element: Shape, _ identity: String?, whole: Bool, key: String, path: [String], below: Bool
    )
        throws(ProfileError) -> Node
    {
        guard let elements = node.elements else {
            let hint = node.text.map {
                $0.isEmpty ? "write [] for an empty list, or take the key out" : "write [\($0.shown)]"
            }
            throw wrongForm(node, "a list", key: key, hint: hint)
        }
        var result: [Node] = []
        for item in elements {
            let value = try self.node(item, element, key: key, path: path, below: below)
            if let identity, let name = value[identity]?.text,
                result.contains(where: { $0[identity]?.text == name })
            {
                throw ProfileError(
                    item.mark, "'\(key)' has '\(name.shown)' twice",
                    hint: "one entry for each \(identity)")
            }
            // A list of words in order, such as a command's, says what it says twice.
            let isInOrder = whole && identity == nil
            if isInOrder || !result.contains(where: { $0.means(value) }) { result.append(value) }
        }
        return Node(.sequence(result), mark: node.mark)
    }

    private mutating func table(
        _ node: Node, _ name: Scalar, _ value: Shape, key: String, path: [String], below: Bool
    )
        throws(ProfileError) -> Node
    {
        guard let entries = node.entries else { throw wrongForm(node, "a map", key: key) }
        var result: [Node.Entry] = []
        for entry in entries {
            let canonical =
                try scalar(Node.text(entry.key, mark: entry.keyMark), name, key: key).text ?? entry.key
            if result.contains(where: { $0.key == canonical }) {
                throw ProfileError(entry.keyMark, "'\(key)' has '\(canonical.shown)' twice")
            }
            let inner = try self.node(
                entry.value, value, key: entry.key, path: path + [canonical], below: below)
            result.append(Node.Entry(key: canonical, keyMark: entry.keyMark, value: inner))
        }
        return Node(.mapping(result), mark: node.mark)
    }

    private mutating func scalar(_ node: Node, _ scalar: Scalar, key: String) throws(ProfileError) -> Node {
        guard case .scalar(let given, let quoted) = node.content else {
            throw wrongForm(node, "a text", key: key)
        }
        let text = rooted(given, scalar)
        if let (expected, hint) = scalar.complaint(text) {
            if given.isEmpty {
                throw ProfileError(node.mark, "'\(key.shown)' is empty; expected \(expected)", hint: hint)
            }
            let value = scalar.mayBeQuoted ? "'\(given.shown)'" : "set"
            throw ProfileError(node.mark, "'\(key.shown)' is \(value), not \(expected)", hint: hint)
        }
        let canonical = canonical(text, scalar)
        note(given, canonical, scalar, key: key, node.mark)
        return Node(.scalar(canonical, quoted: quoted), mark: node.mark)
    }

    /// What a person should know of a name in other letters.
    private mutating func note(_ given: String, _ canonical: String, _ scalar: Scalar, key: String, _ mark: Mark) {
        switch scalar {
        case .hostName, .hostPattern: break
        default: return
        }
        if !given.utf8.allSatisfy({ $0 < 0x80 }) {
            notes.append(Note(.converted, mark, key: key, "'\(given.shown)' is read as '\(canonical)'"))
        }
        for doubt in HostName(canonical.drop { $0 == "." }).map(IDNA.doubts) ?? [] {
            notes.append(Note(.confusable, mark, key: key, doubt))
        }
    }

    /// `${HOME}` and `${PROJECT_ROOT}` of the older spelling: the caller's home, and the document's folder.
    private func rooted(_ text: String, _ scalar: Scalar) -> String {
        switch scalar {
        case .path, .grant, .pattern:
            for (variable, stand) in [("${HOME}", "~"), ("${PROJECT_ROOT}", ".")]
            where text == variable || text.hasPrefix(variable + "/") {
                return stand + text.dropFirst(variable.count)
            }
            return text
        default: return text
        }
    }

    private func canonical(_ text: String, _ scalar: Scalar) -> String {
        switch scalar {
        case .choice(_, let synonyms): return synonyms[text] ?? text
        case .method: return text.uppercased()
        case .mediaType: return text.lowercased()
        case .hostName: return (try? IDNA.name(text))?.text ?? text
        case .hostPattern: return (try? HostPattern(letters: text))?.description ?? text
        case .piiType:
            let word = text.lowercased()
            return word == "all" || PIIHandling.categories.contains(word) ? word : text.uppercased()
        case .grant(let words) where words.contains(text): return text
        case .path, .grant: return absolute(text)
        default: return text
        }
    }

    private func absolute(_ text: String) -> String {
        guard !text.hasPrefix("/"), !text.hasPrefix("~"), let folder else { return text }
        var rest = text[...]
        while rest.hasPrefix("./") { rest = rest.dropFirst(2).drop(while: { $0 == "/" }) }
        let base = folder == "/" ? "" : folder
        switch rest {
        case ".", "": return folder
        case ".?", "?": return folder + "?"
        default: return base + "/" + rest
        }
    }

    /// Puts what stood under an alias where it belongs. Both forms in one document could disagree: refused.
    mutating func moveAliases(into spec: inout Node) throws(ProfileError) {
        for move in moves {
            if let there = spec[path: move.to] {
                throw ProfileError(
                    move.keyMark,
                    "'\(move.from.joined(separator: "."))' and '\(move.to.joined(separator: "."))' say the same",
                    hint: "keep one of them; the other stands at \(there.mark)")
            }
            spec.set(move.to, move.value, keyMark: move.keyMark)
        }
    }

    private func wrongForm(_ node: Node, _ expected: String, key: String, hint: String? = nil)
        -> ProfileError
    {
        if node.text?.isEmpty == true {
            let empty = expected == "a map" ? "write {} for an empty map, or take the key out" : nil
            return ProfileError(
                node.mark, "'\(key.shown)' is empty; expected \(expected)", hint: hint ?? empty)
        }
        return ProfileError(node.mark, "'\(key.shown)' is \(node.form), not \(expected)", hint: hint)
    }

    private func unknown(_ entry: Node.Entry, _ rows: [Row], below path: [String]?) -> ProfileError {
        var hint = nearest(entry.key, in: rows.map(\.key)).map { "did you mean '\($0)'?" }
        if hint == nil,
            let elsewhere = Language.allPaths().first(where: {
                $0.hasSuffix("." + entry.key) || $0 == entry.key
            })
        {
            let parent = elsewhere.split(separator: ".").dropLast().joined(separator: ".")
            hint = "'\(entry.key)' stands below 'spec\(parent.isEmpty ? "" : "." + parent)'"
        }
        let known = rows.filter { $0.alias == nil }.map { "'\($0.key)'" }.joined(separator: ", ")
        return ProfileError(
            entry.keyMark, "unknown key '\(entry.key.shown)'", hint: hint ?? "known here: \(known)")
    }
}

extension Node {
    /// What it is, for a message.
    var form: String {
        switch content {
        case .scalar: "a text"
        case .sequence: "a list"
        case .mapping: "a map"
        }
    }
}

extension String {
    /// Safe to print: control characters made visible, cut after 60 characters.
    var shown: String {
        if utf8.count <= 60, utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return self }
        let cut = unicodeScalars.prefix(60)
        var out = ""
        for scalar in cut {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
                out += "\\u{\(String(scalar.value, radix: 16))}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return cut.count < unicodeScalars.count ? out + "…" : out
    }
}
