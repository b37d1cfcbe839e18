// Grants: the profile's file rules as concrete trees. Paths are made canonical here, so that later steps never follow a link.

import Profile
import Vocabulary

/// A host tree in the cage, at its own path.
struct Grant: Hashable {
    var path: String
    var isDirectory: Bool
    var writable: Bool
    var executable: Bool
    var owner: UInt32
    var mark: FileMark
    /// Named by the operator; system folders are found by init itself.
    var words: String

    var rights: MountRights {
        var rights: MountRights = [.noSetID, .noDevices]
        if !writable { rights.insert(.readOnly) }
        if !executable { rights.insert(.noExec) }
        return rights
    }
}

struct GrantResolver<View: FileView> {
    let view: View
    let filesystem: Sandbox.Filesystem
    let workspace: String?
    let callerHome: String

    /// `~`, relative to the workspace, or absolute; links unresolved.
    func absolute(_ path: String) -> String {
        if path == "~" { return callerHome }
        if path.hasPrefix("~/") { return Paths.normalized(callerHome + path.dropFirst(1)) }
        return Paths.normalized(Paths.join(workspace ?? "/", path))
    }

    func executable(_ path: String) -> Bool {
        filesystem.exec.contains { grant in
            switch grant {
            case .system, .command: false
            case .workspace: workspace.map { Paths.isWithin(path, $0) } ?? false
            case .path(let spec): view.canonical(absolute(spec.path)).map { Paths.isWithin(path, $0) } ?? false
            }
        }
    }

    func grant(_ path: String, writable: Bool, executable: Bool? = nil, words: String) throws(Complaint) -> Grant {
        guard let real = view.canonical(path), let entry = view.entry(real) else {
            throw Complaint(
                "\(words) \(path): not there", hint: "make it, correct the profile, or write `\(path)?` if it may be missing")
        }
        guard entry.kind == .directory || entry.kind == .file else {
            throw Complaint(
                "\(words) \(path): neither a file nor a folder",
                hint: "a socket or device is a way out of the cage and cannot be granted as a file")
        }
        return Grant(
            path: real, isDirectory: entry.kind == .directory, writable: writable, executable: executable ?? self.executable(real),
            owner: entry.owner, mark: entry.mark, words: words)
    }

    /// The folders no grant may be or contain, because they hold everything else.
    func refuseBroad(_ grant: Grant) throws(Complaint) {
        let home = view.canonical(callerHome) ?? callerHome
        let system = ["/usr", "/etc", "/proc", "/sys", "/dev", "/boot", "/var", "/run"]
        let reason: String? =
            if Paths.isWithin(home, grant.path) {
                "it is or holds the home folder"
            } else if system.contains(where: { Paths.isWithin($0, grant.path) }) {
                "it is or holds a system folder"
            } else if ["/proc", "/sys", "/dev"].contains(where: { Paths.isWithin(grant.path, $0) }) {
                "the cage has its own"
            } else if grant.writable && ["/usr", "/etc", "/boot"].contains(where: { Paths.isWithin(grant.path, $0) }) {
                "system folders are read-only"
            } else { nil }
        if let reason {
            throw Complaint(
                "\(grant.words) \(grant.path) cannot be granted: \(reason)",
                hint: "stand in a project folder, or name a folder below it")
        }
    }

    /// Existing paths that `hide` names. A hidden link hides what it leads to as well.
    func hidden() throws(Complaint) -> [String] {
        var found: [String] = []
        for pattern in filesystem.hide {
            for path in try Globs.expand(absolute(pattern), in: view) {
                guard let parent = view.canonical(Paths.parent(path)) else { continue }
                let place = Paths.join(parent, Paths.name(path))
                for candidate in [place, view.canonical(place)].compactMap({ $0 })
                where !found.contains(where: { Paths.same($0, candidate) }) {
                    found.append(candidate)
                }
            }
        }
        return found
    }

    /// Paths that `protect` names below the workspace: those there, and those that are not.
    func protected() throws(Complaint) -> (present: [String], absent: [String]) {
        var present: [String] = []
        var absent: [String] = []
        for pattern in filesystem.protect {
            let wanted = absolute(pattern)
            let found = try Globs.expand(wanted, in: view)
            for path in found {
                if let real = view.canonical(path), !present.contains(where: { Paths.same($0, real) }) { present.append(real) }
            }
            if found.isEmpty && !Globs.isPattern(wanted) { absent.append(wanted) }
        }
        return (present, absent)
    }
}
