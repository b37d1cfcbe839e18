// Session: one run's folder, log and names. Opened before the cage is started: a session that cannot be recorded
// does not begin.

import Events
import Glibc
import LinuxSys
import LogStore
import Profile
import Vocabulary

struct Session: ~Copyable {
    let id: SessionID
    let folder: Folder
    let log: LogWriter
    let key: SigningKey
    let started: Moment

    /// - Parameter place: of `--session-dir`; made with the caller's ids under sudo, so that it is no way to write where
    ///   they may not.
    static func open(
        _ id: SessionID, at place: String?, started: Moment, invoker: Invoker, audit: AuditSpec
    ) throws(Complaint) -> Session {
        guard let folders = StateFolders() else {
            throw Complaint("there is no home to keep sessions in", hint: "set AKIOS_STATE_DIR to an absolute path")
        }
        do throws(LogError) {
            let state = try folders.openState()
            let key = try KeyStore.signingKey(state: state)
            sweep(folders, key: key, at: started)
            let folder: Folder
            if let place {
                do throws(SysError) {
                    folder = try accessing(as: invoker.eyes) { () throws(SysError) -> Folder in try Folder.make(place, mode: 0o750)
                    }
                } catch { throw LogError.system(error) }
            } else {
                folder = try folders.makeSession(id.text)
            }
            let log = try LogWriter(
                in: folder, session: id, key: key, sync: audit.sync == .always ? .always : .batch,
                checkpointEvery: UInt64(audit.checkpointEvery))
            return Session(id: id, folder: folder, log: log, key: key, started: started)
        } catch { throw error.complaint }
    }

    /// What earlier sessions left unsealed is sealed now. That one of them cannot be is no reason not to begin this one:
    /// it stays unsealed, and says so.
    private static func sweep(_ folders: StateFolders, key: SigningKey, at now: Moment) {
        _ = try? SessionStore(folders).sweep(key: key, at: now)
    }
}
