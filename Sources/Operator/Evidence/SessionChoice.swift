// SessionChoice: SESSION on a command line becomes an open folder, or a sentence and status 4.

import ArgumentParser
import Glibc
import LinuxSys
import LogStore
import Vocabulary

enum SessionChoice {
    static func store() throws -> SessionStore {
        guard let folders = StateFolders() else {
            throw CommandFailure(.unavailable, "no state folder: HOME is not set", hint: "set AKIOS_STATE_DIR to an absolute path")
        }
        return SessionStore(folders)
    }

    /// A folder that holds a log.
    static func open(_ word: String) throws -> Folder {
        let store = try store()
        let path: String
        do {
            path = try store.find(word)
        } catch {
            throw failure(error, store)
        }
        let folder: Folder
        do {
            folder = try Folder(opening: path)
        } catch {
            throw unreadable(error, path)
        }
        guard folder.exists("audit.jsonl") else {
            throw CommandFailure(.unavailable, "\(path) holds no audit log", hint: "akios sessions lists what there is")
        }
        return folder
    }

    static func failure(_ error: SessionStore.Lookup, _ store: SessionStore) -> CommandFailure {
        switch error {
        case .noneYet:
            CommandFailure(
                .unavailable, "no session yet in \(store.folders.sessions)",
                hint: "sessions of another user are in that user's state folder")
        case .notFound(let word):
            CommandFailure(.unavailable, "no session '\(Console.plain(word))'", hint: "akios sessions lists what there is")
        case .ambiguous(let word, let count):
            CommandFailure(.unavailable, "\(count) sessions begin with '\(Console.plain(word))'", hint: "give more of the id")
        case .system(let error): unavailable(error)
        }
    }

    /// Permission and absence are status 4, whatever call met them.
    static func unavailable(_ error: LogError) -> CommandFailure {
        if case .system(let error) = error { return unreadable(error, error.subject ?? "") }
        return CommandFailure(.no, error.complaint)
    }

    static func unreadable(_ error: SysError, _ path: String) -> CommandFailure {
        switch error.number {
        case ENOENT, ENOTDIR: CommandFailure(.unavailable, "no session folder \(path)", hint: "akios sessions lists what there is")
        case EACCES, EPERM:
            CommandFailure(
                .unavailable, "no permission to read \(path)", hint: "run this as the user who ran the session, or as root")
        default: CommandFailure(.no, "\(error)", hint: "check \(path)")
        }
    }
}
