// AuditFailure: why a log does not verify, as one sentence about what and one about what to do.

public import Events

public enum AuditFailure: Error, Sendable, Hashable {
    case empty
    case notFirst(EventKind)
    case record(seq: UInt64, RecordError)
    case sequence(expected: UInt64, found: UInt64)
    case otherSession(seq: UInt64)
    case secondStart(seq: UInt64)
    case afterEnd(seq: UInt64)
    case lineTooLong(seq: UInt64)
    case torn(bytes: Int)
    case unsealed(last: EventKind)
    case noCheckpoint
    case noKeys
    case checkpointMalformed(String)
    case checkpointUntrusted(String, signer: String)
    case checkpointForged(String, key: String)
    case checkpointOfAnother(String, origin: String)
    case checkpointDiffers(size: UInt64)
    case checkpointRecord(seq: UInt64)
    case shorter(records: UInt64, size: UInt64)
    case uncovered(records: UInt64, size: UInt64)
    case receipt(String)
}

extension AuditFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .empty: "the log is empty"
        case .notFirst(let kind): "the first record is \(kind.rawValue), not session.start"
        case .record(let seq, let error): "record \(seq): \(error)"
        case .sequence(let expected, let found):
            "record \(expected) says it is number \(found): a record is missing, added or moved"
        case .otherSession(let seq): "record \(seq) belongs to another session"
        case .secondStart(let seq): "record \(seq) starts the session a second time"
        case .afterEnd(let seq): "record \(seq) stands behind the end of the session"
        case .lineTooLong(let seq): "record \(seq) is longer than any record can be"
        case .torn(let bytes): "the last \(bytes) bytes are no whole record"
        case .unsealed(let last): "the log is unsealed: its last record is \(last.rawValue), not session.end or session.crashed"
        case .noCheckpoint: "the log is unsealed: it has no checkpoint"
        case .noKeys: "no public key to verify with"
        case .checkpointMalformed(let name): "checkpoint \(name) is no signed checkpoint"
        case .checkpointUntrusted(let name, let signer): "checkpoint \(name) is signed by \(signer), which is no trusted key"
        case .checkpointForged(let name, let key): "checkpoint \(name) bears a wrong signature in the name of \(key)"
        case .checkpointOfAnother(let name, let origin): "checkpoint \(name) belongs to another log, \(origin)"
        case .checkpointDiffers(let size): "the first \(size) records are not those that were signed"
        case .checkpointRecord(let seq): "record \(seq) names a tree that differs from the records before it"
        case .shorter(let records, let size): "the log has \(records) records, a checkpoint covers \(size): its end was cut off"
        case .uncovered(let records, let size): "the log has \(records) records, its last checkpoint covers \(size)"
        case .receipt(let why): "the receipt \(why)"
        }
    }

    public var hint: String {
        switch self {
        case .torn, .unsealed, .noCheckpoint, .uncovered:
            "if the session still runs, wait for its end; if its writer died, 'akios sessions' as its owner seals it as crashed"
        case .noKeys, .checkpointUntrusted:
            "name the host's public key with --key FILE (pub/*.vkey in the state folder of the host that ran it)"
        case .record(_, .unknownKind), .record(_, .envelope): "a newer akios may have written it; otherwise do not trust this log"
        default: "do not trust this log; compare it with a copy that was made elsewhere"
        }
    }

    /// A short word for scripts (`--json`).
    public var code: String {
        switch self {
        case .empty: "empty"
        case .notFirst, .secondStart, .afterEnd: "order"
        case .record, .lineTooLong: "record"
        case .sequence: "sequence"
        case .otherSession: "session"
        case .torn: "torn"
        case .unsealed, .noCheckpoint, .uncovered: "unsealed"
        case .noKeys, .checkpointUntrusted: "key"
        case .checkpointMalformed, .checkpointForged, .checkpointOfAnother: "checkpoint"
        case .checkpointDiffers, .checkpointRecord: "tree"
        case .shorter: "cut"
        case .receipt: "receipt"
        }
    }
}
