// PIITypes: whether what `pii_handling.types` names is anything that is looked for. The detectors are passed in: they
// are another module's, and a new one must not need a word here.

extension PIIHandling {
    /// Names in `types` that are neither one of `known` (types and categories, in any case) nor a category.
    public func unknownTypes(known: some Sequence<String>) -> Set<String> {
        let known = Set(known.map { $0.uppercased() } + Self.categories.map { $0.uppercased() })
        return (types ?? []).filter { !known.contains($0.uppercased()) }
    }
}

extension ResolvedProfile {
    /// One error for each name in `types` that no detector answers to: it would promise what is not done.
    public func unknownTypes(known: some Sequence<String>) -> [ProfileError] {
        let known = Array(known)
        let unknown = spec.pii.unknownTypes(known: known)
        let nodes = tree[path: ["spec", "governance", "pii_handling", "types"]]?.elements ?? []
        return nodes.filter { unknown.contains($0.text ?? "") }.map { node in
            let text = node.text ?? ""
            let near = nearest(text, in: known).map { "did you mean '\($0)'?" }
            return ProfileError(
                node.mark, "nothing looks for '\(text.shown)'", hint: near ?? "types: [all], or take it out; secrets are always on")
        }
    }
}
