// Resolver: documents with their parents, `--set` and the floor to one profile. Pure: documents come from a closure.

/// Finds and checks a document. `from` is the document that names it, nil for the command line.
public typealias ProfileLookup = (_ name: String, _ from: ProfileSource?, _ mark: Mark)
    throws(ProfileError) -> ProfileDocument

public struct Resolver {
    private struct Layer {
        var document: ProfileDocument
        var tree: Node
        var except: [[String]] = []
    }

    private let find: ProfileLookup
    private var notes: [Note] = []
    private var visited = 0

    /// - Parameters:
    ///   - names: what the command line names, in order; each merges over the ones before.
    ///   - sets: one document for each `--set`, in order.
    ///   - floor: what no profile may be looser than.
    ///   - callerTrusted: the caller could read root's files anyway, so nothing is withheld.
    public static func resolve(
        names: [String], sets: [ProfileDocument] = [], floor: ProfileDocument? = nil,
        callerTrusted: Bool, find: @escaping ProfileLookup
    ) throws(ProfileError) -> ResolvedProfile {
        var work = Resolver(find: find)
        var layers: [Layer] = []
        for name in names {
            let reference = ParentReference(name: name, except: [], mark: Mark(file: name))
            layers = Self.join(layers, try work.layers(reference, from: nil, chain: []))
        }
        if let first = layers.first, first.document.parents == nil {
            let parent = Language.implicitParent(of: first.document.kind)
            let reference = ParentReference(name: parent, except: [], mark: first.document.tree.mark)
            layers = Self.join(
                try work.layers(reference, from: first.document.source, chain: [first.document.source]),
                layers)
        }
        layers += sets.map { Layer(document: $0, tree: $0.tree) }
        return try work.finish(layers, floor: floor, callerTrusted: callerTrusted)
    }

    private init(find: @escaping ProfileLookup) { self.find = find }

    /// A document that is reached twice counts once, where it stands first.
    private static func join(_ a: [Layer], _ b: [Layer]) -> [Layer] {
        a
            + b.filter { layer in
                !a.contains {
                    $0.document.source.id == layer.document.source.id && $0.except == layer.except
                }
            }
    }

    private mutating func layers(
        _ reference: ParentReference, from: ProfileSource?, chain: [ProfileSource]
    ) throws(ProfileError) -> [Layer] {
        visited += 1
        guard visited <= 64, chain.count <= 16 else {
            throw ProfileError(reference.mark, "too many parents", hint: "at most 64, 16 deep")
        }
        let document = try find(reference.name, from, reference.mark)
        if let start = chain.firstIndex(where: { $0.id == document.source.id }) {
            let circle = (chain[start...] + [document.source]).map(\.name).joined(separator: " → ")
            throw ProfileError(
                reference.mark, "profiles extend each other: \(circle)",
                hint: "take one of the 'extends' out")
        }
        var layers: [Layer] = []
        for parent in document.parents ?? [] {
            let inherited = try self.layers(
                parent, from: document.source, chain: chain + [document.source])
            layers = Self.join(
                layers, parent.except.isEmpty ? inherited : leaveOut(parent, of: inherited))
        }
        notes += document.notes
        return layers + [Layer(document: document, tree: document.tree)]
    }

    private mutating func leaveOut(_ parent: ParentReference, of layers: [Layer]) -> [Layer] {
        let cut = layers.map { layer in
            var layer = layer
            for path in parent.except { layer.tree.set(["spec"] + path, nil, keyMark: parent.mark) }
            layer.except += parent.except
            return layer
        }
        if let whole = Self.merge(layers.map(\.tree)), let rest = Self.merge(cut.map(\.tree)) {
            note(Looser.compare(whole, rest, fallback: parent.mark))
        }
        return cut
    }

    private static func merge(_ trees: [Node]) -> Node? {
        guard let first = trees.first else { return nil }
        return trees.dropFirst().reduce(first) { Merge.documents($0, $1) }
    }

    private mutating func note(_ findings: [Looser.Finding]) {
        for finding in findings {
            notes.append(
                Note(
                    .loosened, finding.mark, key: finding.key, "loosens '\(finding.key)': \(finding.words)"))
        }
    }

    private mutating func finish(_ layers: [Layer], floor: ProfileDocument?, callerTrusted: Bool)
        throws(ProfileError) -> ResolvedProfile
    {
        guard var tree = layers.first?.tree else {
            throw ProfileError(Mark(file: "--profile"), "no profile is named")
        }
        for layer in layers.dropFirst() {
            let merged = Merge.documents(tree, layer.tree)
            note(Looser.compare(tree, merged, fallback: layer.tree.mark))
            notes += layer.document.source.id == "--set" ? layer.document.notes : []
            tree = merged
        }
        if let floor { try hold(floor, tree) }
        let provenance = Provenance(layers.map(\.document.source))
        tree = try withheld(tree, provenance, callerTrusted: callerTrusted)
        notes += Unenforced.list(tree)
        let spec = try Spec(tree: tree)
        try Contradictions.check(spec, tree)
        return ResolvedProfile(
            spec: spec, tree: Self.dressed(tree), notes: notes, sources: layers.map(\.document.source),
            callerPaths: provenance.callerPaths(tree), callerCredentials: provenance.callerCredentials(tree))
    }

    private func hold(_ floor: ProfileDocument, _ tree: Node) throws(ProfileError) {
        guard floor.parents == nil else {
            throw ProfileError(
                floor.tree.mark, "the floor extends nothing", hint: "write what binds into the file itself")
        }
        guard let worst = Looser.compare(floor.tree, tree, fallback: tree.mark, onlyNamed: true).first
        else { return }
        let place = floor.tree["spec"]?[path: worst.path]?.mark ?? floor.tree.mark
        throw ProfileError(
            worst.mark, "'\(worst.key)' is looser than the floor: \(worst.words)",
            hint: "\(place) binds every profile and --set")
    }

    /// A caller who may choose the address behind a name, or who connects to it for us, must not get root's key sent there.
    private mutating func withheld(_ tree: Node, _ provenance: Provenance, callerTrusted: Bool)
        throws(ProfileError) -> Node
    {
        let path = ["spec", "governance", "credentials"]
        guard !callerTrusted, let list = tree[path: path], let credentials = list.elements else {
            return tree
        }
        let network = tree[path: ["spec", "governance", "network_access"]]
        let proxy = network?.entry("upstream_proxy").flatMap { $0.value.text == "none" ? nil : $0 }
        var kept: [Node] = []
        for node in credentials {
            let resolved = node["hosts"]?.elements?.compactMap { host in
                host.text.flatMap { network?["resolve"]?.entry($0) }
            }
            let turned = ((resolved ?? []) + [proxy].compactMap { $0 }).first {
                !provenance.trusts($0.keyMark) || !provenance.trusts($0.value.mark)
            }
            guard provenance.trusts(node.mark), let turned else {
                kept.append(node)
                continue
            }
            let name = node["env"]?.text ?? ""
            guard node["optional"]?.text == "true" else {
                throw ProfileError(
                    turned.keyMark,
                    "'\(turned.key)' is redirected, so the key behind \(name) is not given out",
                    hint: "\(node.mark) belongs to root; leave it out with except, or do not redirect its host"
                )
            }
            let words = "the key behind \(name) is withheld: '\(turned.key)' is redirected by the caller"
            notes.append(Note(.withheld, turned.keyMark, key: "governance.credentials", words))
        }
        var result = tree
        result.set(path, Node(.sequence(kept), mark: list.mark), keyMark: list.mark)
        return result
    }

    private static func dressed(_ tree: Node) -> Node {
        var tree = tree
        tree.set(["apiVersion"], .text(Language.apiVersion, mark: tree.mark), keyMark: tree.mark)
        tree.set(
            ["kind"], .text(Language.Kind.agentPolicy.rawValue, mark: tree.mark), keyMark: tree.mark)
        return tree
    }
}
