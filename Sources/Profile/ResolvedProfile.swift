// ResolvedProfile: what is left of one or more profiles after aliases, merging, checks and the floor.

/// A document that took part, in merging order.
public struct ProfileSource: Sendable, Hashable {
    /// `builtin/strict`, or the file's absolute path, or `--set`.
    public var id: String
    /// How messages name it.
    public var name: String
    /// Shipped, or in a folder that only root can write. Paths of any other document are opened with the caller's ids.
    public var trusted: Bool

    public init(id: String, name: String, trusted: Bool) {
        self.id = id
        self.name = name
        self.trusted = trusted
    }
}

public struct ResolvedProfile: Sendable {
    public var spec: Spec
    /// `apiVersion`, `kind`, `metadata`, `spec` in canonical form; the digest of a profile covers this and nothing else.
    public var tree: Node
    /// All notes: those of `unenforced` and `loosened`, keys without effect, credentials withheld.
    public var notes: [Note]
    /// In merging order: parents first, `--set` last.
    public var sources: [ProfileSource]
    /// Paths (absolute, or with `~/`) that an untrusted document names: to be opened with the caller's ids.
    public var callerPaths: Set<String>
    /// Variables of credentials that an untrusted document names: to be got with the caller's ids.
    public var callerCredentials: Set<String>

    public init(
        spec: Spec, tree: Node, notes: [Note], sources: [ProfileSource], callerPaths: Set<String>,
        callerCredentials: Set<String>
    ) {
        self.spec = spec
        self.tree = tree
        self.notes = notes
        self.sources = sources
        self.callerPaths = callerPaths
        self.callerCredentials = callerCredentials
    }

    /// Keys that are present with an effect and that this release does not enforce. Not empty: do not start (exit 125).
    public var unenforced: [Note] { notes.filter { $0.kind == .unenforced } }
    /// What a child or `--set` loosens against its parent.
    public var loosened: [Note] { notes.filter { $0.kind == .loosened } }

    /// RFC 8785 JSON of `tree` (keys sorted, every scalar a string as given): what egress gets and the profile digest covers.
    public func canonicalJSON() -> [UInt8] { CanonicalJSON.write(tree) }
}
