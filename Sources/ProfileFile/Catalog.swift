// Catalog: which profiles there are by name, and which of two of a name is used.

public import Profile

/// One name that `--profile` takes.
public struct CatalogEntry: Sendable, Hashable {
    public var name: String
    public var description: String
    /// `builtin/strict`, or the file that shadows or adds.
    public var origin: String
    /// Whether a shipped profile of this name is not the one used.
    public var shadows: Bool
    /// Why it cannot be used.
    public var problem: ProfileError?
}

extension ProfileFile {
    /// All names, sorted.
    public static func catalog(systemFolder: String = systemFolder) -> [CatalogEntry] {
        let own = SystemFolder(path: systemFolder).names()
        return Set(Builtin.names + own).sorted().map { name in
            let path = "\(systemFolder)/profiles/\(name).yaml"
            let isOwn = own.contains(name)
            var entry = CatalogEntry(
                name: name, description: "", origin: isOwn ? path : "builtin/\(name)",
                shadows: isOwn && Builtin.names.contains(name))
            do throws(ProfileError) {
                entry.description = try load(names: [name], directory: "/", systemFolder: systemFolder).spec.description
            } catch {
                entry.problem = error
            }
            return entry
        }
    }
}
