// LogError: what can go wrong between a record and the disk. Every case ends a session: nothing may happen unlogged.

public import Audit
public import LinuxSys
public import Vocabulary

public enum LogError: Error, Sendable, Hashable {
    /// No room for another record. What is in the log stays valid; stop and seal still fit, their space was set aside.
    case full(SysError)
    /// The kernel could not keep what was written, or not take it back. The log cannot be continued.
    case broken(SysError)
    /// The record is not one of schema v1, or may not come now.
    case refused(AuditFailure)
    /// The log has its last record already.
    case sealed
    /// A log is there already: a session folder serves one session.
    case exists(path: String)
    /// Somebody else writes this log now.
    case busy(path: String)
    /// A key or its folder is open to others than its owner.
    case keyExposed(path: String)
    case keyMalformed(path: String)
    case system(SysError)
}

extension LogError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .full(let error): "the audit log cannot grow: \(error)"
        case .broken(let error): "the audit log failed: \(error)"
        case .refused(let why): "the audit log refused a record: \(why)"
        case .sealed: "the audit log is sealed"
        case .exists(let path): "\(path) holds a log already"
        case .busy(let path): "\(path) is being written by a running session"
        case .keyExposed(let path): "\(path) belongs to somebody else, or is open to others"
        case .keyMalformed(let path): "\(path) holds no signing key"
        case .system(let error): "\(error)"
        }
    }

    public var hint: String {
        switch self {
        case .full: "free space where the session folder is, or move it with --session-dir"
        case .broken: "check the disk under the session folder; what was logged before still stands"
        case .refused: "this is a fault of akios-exec: keep the session folder and report it"
        case .sealed: "start a new session"
        case .exists: "name another --session-dir"
        case .busy: "wait for the session to end"
        case .keyExposed(let path): "as its owner: chmod go= \(path), and make a new key if somebody else may have read it"
        case .keyMalformed(let path):
            "move \(path) away; a new key is made at the next start (old logs keep verifying by their .vkey)"
        case .system: "--session-dir, or else the state folder (AKIOS_STATE_DIR moves it), must be a place that is yours to write"
        }
    }

    public var complaint: Complaint { Complaint(description, hint: hint) }
}
