// YAMLText: a tree as YAML that reads back as the same tree, for `akios profile show`.

enum YAMLText {
    /// Block style, keys in the given order; ended by a newline.
    static func write(_ node: Node) -> String {
        var out = ""
        block(node, indent: 0, to: &out)
        return out
    }

    private static func block(_ node: Node, indent: Int, to out: inout String) {
        let pad = String(repeating: " ", count: indent)
        for entry in node.entries ?? [] {
            out += pad + scalar(entry.key) + ":"
            after(entry.value, indent: indent, to: &out)
        }
    }

    /// What stands after `key:`.
    private static func after(_ node: Node, indent: Int, to out: inout String) {
        switch node.content {
        case .mapping(let entries) where !entries.isEmpty:
            out += "\n"
            block(node, indent: indent + 2, to: &out)
        case .sequence(let elements) where elements.contains(where: { $0.text == nil }):
            out += "\n"
            for element in elements { out += String(repeating: " ", count: indent + 2) + "- " + flow(element) + "\n" }
        default: out += " " + flow(node) + "\n"
        }
    }

    private static func flow(_ node: Node) -> String {
        switch node.content {
        case .scalar(let text, _): scalar(text)
        case .sequence(let elements): "[" + elements.map(flow).joined(separator: ", ") + "]"
        case .mapping(let entries): "{" + entries.map { scalar($0.key) + ": " + flow($0.value) }.joined(separator: ", ") + "}"
        }
    }

    /// Plain where a reader of profiles, to whom every scalar is its text, needs no quotes.
    private static func scalar(_ text: String) -> String {
        let plain = text.utf8.enumerated().allSatisfy { index, byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2f, 0x5f, 0x24: true  // digits letters / _ $
            case 0x2e, 0x2b, 0x25, 0x40, 0x3a, 0x2d, 0x7e, 0x2a:
                index > 0 && byte != 0x3a && byte != 0x2a || byte == 0x2e || byte == 0x7e && text.utf8.count > 1
            default: false
            }
        }
        return plain && !text.isEmpty
            ? text : String(decoding: CanonicalJSON.write(.text(text, mark: Mark(file: ""))), as: UTF8.self)
    }
}

extension ResolvedProfile {
    /// The canonical tree as a profile of its own: `extends: []`, loads to an equal `spec`.
    public func yaml() -> String {
        var document = Node(.mapping([]), mark: tree.mark)
        for key in ["apiVersion", "kind", "metadata"] {
            if let entry = tree.entry(key) { document.set([key], entry.value, keyMark: entry.keyMark) }
        }
        document.set(["extends"], Node(.sequence([]), mark: tree.mark), keyMark: tree.mark)
        if let spec = tree.entry("spec") {
            document.set(["spec"], Language.ordered(spec.value, .map(Language.spec)), keyMark: spec.keyMark)
        }
        return YAMLText.write(document)
    }
}

extension Language {
    /// The same tree with keys in the order of the table.
    static func ordered(_ node: Node, _ shape: Shape) -> Node {
        guard case .map(let rows, _) = shape, node.entries != nil else { return node }
        let entries = rows.compactMap { row in
            node.entry(row.key).map { Node.Entry(key: $0.key, keyMark: $0.keyMark, value: ordered($0.value, row.shape)) }
        }
        return Node(.mapping(entries), mark: node.mark)
    }
}
