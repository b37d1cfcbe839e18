// Merge: a child's tree over its parents'. Maps merge, lists append, everything else is the child's.

enum Merge {
    /// Both trees are canonical documents' (`metadata`, `spec`).
    static func documents(_ parent: Node, _ child: Node) -> Node {
        merge(parent, child, .map(Language.document(.agentPolicy)))
    }

    static func merge(_ parent: Node, _ child: Node, _ shape: Shape) -> Node {
        switch shape {
        case .scalar: return child
        case .either(_, let other):
            if case .list = other, parent.elements != nil, child.elements != nil {
                return merge(parent, child, other)
            }
            return child
        case .map(let rows, _):
            return entries(parent, child) { key in rows.first { $0.key == key }?.shape }
        case .table(_, let value): return entries(parent, child) { _ in value }
        case .list(let element, let identity, let whole):
            var result = parent.elements ?? []
            for item in child.elements ?? [] {
                if let identity, let name = item[identity]?.text,
                    let index = result.firstIndex(where: { $0[identity]?.text == name })
                {
                    result[index] = whole ? item : merge(result[index], item, element)
                } else if !result.contains(where: { $0.means(item) }) {
                    result.append(item)
                }
            }
            return Node(.sequence(result), mark: child.mark)
        }
    }

    private static func entries(_ parent: Node, _ child: Node, shape: (String) -> Shape?) -> Node {
        var result = parent.entries ?? []
        for entry in child.entries ?? [] {
            if let index = result.firstIndex(where: { $0.key == entry.key }), let shape = shape(entry.key) {
                let value = merge(result[index].value, entry.value, shape)
                result[index] = Node.Entry(key: entry.key, keyMark: entry.keyMark, value: value)
            } else {
                result.append(entry)
            }
        }
        return Node(.mapping(result), mark: child.mark)
    }
}
