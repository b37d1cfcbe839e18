// Session: one run's folder, log and names. Opened before the cage is started: a session that cannot be recorded
// does not begin.

import CagePlan
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
    /// Folders of this and other sessions' logs, of the key they are signed with and of control sockets: never the agent's.
    let records: [String]
    /// Where operators say what becomes of it; nil where it could not be made and nobody is ever asked.
    let control: ControlServer?

    /// - Parameter place: of `--session-dir`; made with the caller's ids under sudo, so that it is no way to write where
    ///   they may not.
    static func open(
        _ id: SessionID, at place: String?, started: Moment, invoker: Invoker, _ spec: Spec
    ) throws(Complaint) -> Session {
        guard let folders = StateFolders() else {
            throw Complaint("there is no home to keep sessions in", hint: "set AKIOS_STATE_DIR to an absolute path")
        }
        let key: SigningKey
        do throws(LogError) { key = try KeyStore.signingKey(state: try folders.openState()) } catch { throw error.complaint }
        sweep(folders, key: key, at: started)
        let control = try control(folders, id, invoker, spec)
        do throws(LogError) {
            let folder = if let place { try named(place, invoker) } else { try folders.makeSession(id.text) }
            let log = try LogWriter(
                in: folder, session: id, key: key, sync: spec.audit.sync == .always ? .always : .batch,
                checkpointEvery: UInt64(spec.audit.checkpointEvery))
            let controls = folders.controls(uid: invoker.uid, home: invoker.caller(environment: [:]).home)
            let records = [folder.path, folders.sessions, folders.keys] + controls.sorted()
            return Session(
                id: id, folder: folder, log: log, key: key, started: started, records: records,
                control: control)
        } catch { throw error.complaint }
    }

    /// A session that may have to ask does not begin where nobody could answer; any other does.
    private static func control(_ folders: StateFolders, _ id: SessionID, _ invoker: Invoker, _ spec: Spec) throws(Complaint)
        -> ControlServer?
    {
        do throws(SysError) { return try ControlServer(folders, session: id, owner: invoker.uid) } catch {
            guard spec.canAsk else { return nil }
            throw Complaint(
                "the profile asks for approvals, and the control socket cannot be made: \(error)",
                hint: "set AKIOS_RUN_DIR to a folder of your own, or approvals.mode to auto")
        }
    }

    private static func named(_ place: String, _ invoker: Invoker) throws(LogError) -> Folder {
        do throws(SysError) {
            let folder = try accessing(as: invoker.eyes) { () throws(SysError) -> Folder in try Folder.make(place, mode: 0o750) }
            // Opening asks for the right to read; what root then makes and replaces in it asks for more.
            let isTheirs = if let eyes = invoker.eyes { try folder.isOwned(by: eyes.uid) } else { true }
            guard isTheirs else { throw SysError("open", EACCES, on: place + " (not your own folder)") }
            return folder
        } catch { throw .system(error) }
    }

    /// What earlier sessions left unsealed is sealed now. That one of them cannot be is no reason not to begin this one:
    /// it stays unsealed, and says so.
    private static func sweep(_ folders: StateFolders, key: SigningKey, at now: Moment) {
        _ = try? SessionStore(folders).sweep(key: key, at: now)
    }
}
