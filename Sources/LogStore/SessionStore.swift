// SessionStore: the sessions of a state folder, found by id, unique prefix, `latest` or path.

public import Audit
public import Events
import Glibc
import LinuxSys

public struct SessionStore: Sendable {
    public let folders: StateFolders

    public init(_ folders: StateFolders) { self.folders = folders }

    public enum Lookup: Error, Sendable, Hashable {
        case noneYet
        case notFound(String)
        case ambiguous(String, count: Int)
        case system(LogError)
    }

    /// Ids of all sessions, oldest first. No sessions folder yet is no session.
    public func list() throws(LogError) -> [SessionID] {
        do {
            return try Folder(opening: folders.sessions).names().compactMap { SessionID($0) }.sorted()
        } catch {
            guard error.number == ENOENT else { throw .system(error) }
            return []
        }
    }

    /// SESSION as commands take it. What holds a slash, and what is a folder with a log, is a path.
    public func find(_ word: String) throws(Lookup) -> String {
        if word.contains("/") || word == "." || word == ".." {
            return word
        }
        let sessions: [SessionID]
        do {
            sessions = try list()
        } catch { throw .system(error) }
        if word == "latest" {
            guard let last = sessions.last else { throw .noneYet }
            return path(last)
        }
        if let exact = sessions.first(where: { $0.text == word }) { return path(exact) }
        let matching = sessions.filter { $0.text.hasPrefix(word) }
        switch matching.count {
        case 1: return path(matching[0])
        case 0:
            if let folder = try? Folder(opening: word), folder.exists(LogFile.name) { return word }
            throw .notFound(word)
        default: throw .ambiguous(word, count: matching.count)
        }
    }

    public func path(_ session: SessionID) -> String { folders.sessions + "/" + session.text }

    /// How a session stands, without reading its log.
    public enum State: String, Sendable, Hashable {
        case running, sealed, unsealed
        case neverBegan = "never_began"
    }

    public static func state(of folder: borrowing Folder) throws(LogError) -> State {
        if folder.exists(LogWriter.checkpointsName + "/" + LogWriter.finalName) { return .sealed }
        do {
            // A shared lock for an instant: it fails exactly while a writer lives, and needs only permission to read.
            let file = try folder.open(LogFile.name, O_RDONLY | O_NONBLOCK)
            let (number, path) = (file.raw, folder.path)
            var status = stat()
            try syscall("fstat", on: path) { fstat(number, &status) }
            guard flock(number, LOCK_SH | LOCK_NB) == 0 else { return .running }
            return status.st_size == 0 ? .neverBegan : .unsealed
        } catch { throw .system(error) }
    }

    /// Sweeps every session of the state folder and `others`; results of those where something was done or is wrong.
    public func sweep(others: [String] = [], key: SigningKey, at now: Moment) throws(LogError) -> [(
        path: String, result: Sweep.Result
    )] {
        var found: [(String, Sweep.Result)] = []
        for (path, id) in try unfinished().map({ (path($0), Optional($0)) }) + others.map({ ($0, nil) }) {
            // One that was removed meanwhile, or cannot be finished, keeps no other from being finished.
            guard let folder = try? Folder(opening: path) else { continue }
            let result: Sweep.Result
            do throws(LogError) {
                result = try Sweep.run(folder, session: id, key: key, at: now)
            } catch { result = .unfinished(error) }
            if result != .nothingToDo, result != .running { found.append((path, result)) }
        }
        return found
    }

    /// Nearly all have ended in order, and every start asks: two look-ups must do for each of those.
    private func unfinished() throws(LogError) -> [SessionID] {
        let all = try list()
        guard !all.isEmpty else { return [] }
        let folder: Folder
        do { folder = try Folder(opening: folders.sessions) } catch { throw .system(error) }
        var rest: [SessionID] = []
        for id in all where !Sweep.isFinished(id.text, in: folder) { rest.append(id) }
        return rest
    }

    /// Keys of the trusted folders; folders that are not there add none.
    public func trustedKeys() throws(LogError) -> [NoteKey] {
        var keys: [NoteKey] = []
        for path in folders.trusted {
            guard let folder = try? Folder(opening: path) else { continue }
            keys += try KeyStore.trusted(in: folder)
        }
        return keys
    }
}
