// LogWriter: the one writer of a session's log. Log, then act: a caller that got no error from `append` and `commit` may
// do what the record says; one that got an error may not, and ends the session.

public import Audit
public import Events
import Glibc
import LinuxSys

/// When a record is on the disk. In either mode it is in the kernel when `append` returns.
public enum SyncMode: String, Sendable, Hashable {
    /// Within 50 ms (`syncDeadline`, `syncIfDue`). Survives the death of any process, not a power cut within that time.
    case batch
    /// Before `commit` returns; any number of records to one fdatasync.
    case always
}

/// What a sealed log amounts to; receipt and output.json name it.
public struct SealedLog: Sendable, Hashable {
    public var records: UInt64
    public var root: TreeHash
}

/// Not for two threads. Holds the log's lock, so that others can tell a living session from a crashed one.
public final class LogWriter {
    public static let batchDelay: Int64 = 50_000_000
    static let checkpointsName = "checkpoints"
    static let finalName = "final"
    private static let reserveName = ".reserve"

    public let session: SessionID
    public let sync: SyncMode
    private let key: SigningKey
    private let every: UInt64
    private let checkpoints: Folder
    private var file: LogFile
    /// Made with its space at the start, so that the last checkpoint can be written on a full disk.
    private var reserve: OwnedFD?
    private var chain: LogChain
    private var failure: LogError?
    private var isSealed = false
    private var dirtySince: Int64?
    private var lastCheckpoint: UInt64

    /// Starts a log in an empty session folder. `checkpointEvery` records are at most between two checkpoints of a log
    /// that is being synced.
    public init(
        in folder: borrowing Folder, session: SessionID, key: SigningKey, sync: SyncMode, checkpointEvery every: UInt64 = 1000
    ) throws(LogError) {
        self.session = session
        self.sync = sync
        self.key = key
        self.every = max(1, every)
        chain = LogChain(AuditCrypto.sha256)
        lastCheckpoint = 0
        file = try LogFile.create(in: folder)
        do {
            checkpoints = try folder.makeSubfolder(Self.checkpointsName, mode: 0o750)
            reserve = try Self.makeReserve(checkpoints)
            try folder.sync()
        } catch { throw .system(error) }
        try file.reserve(0, spendingMargin: false)
    }

    /// Goes on with a log that a sweep has read: `chain` is what `file` holds.
    init(recovering file: consuming LogFile, in folder: borrowing Folder, chain: LogChain, session: SessionID, key: SigningKey)
        throws(LogError)
    {
        self.session = session
        sync = .always
        self.key = key
        every = .max
        self.chain = chain
        self.file = file
        lastCheckpoint = chain.count
        do {
            checkpoints = try folder.makeSubfolder(Self.checkpointsName, mode: 0o750, orOpen: true)
        } catch { throw .system(error) }
    }

    private static func makeReserve(_ folder: borrowing Folder) throws(SysError) -> OwnedFD {
        let file = try folder.open(reserveName, O_WRONLY | O_CREAT | O_EXCL, mode: 0o640)
        do {
            try file.setSpaceAside(from: 0, length: 4096, subject: folder.join(reserveName))
        } catch {
            // Where this is not supported the last checkpoint needs free space, as any file does.
            guard [EOPNOTSUPP, ENOSYS, EINVAL].contains(error.number) else { throw error }
        }
        return file
    }

    /// Records so far, which is also the next `seq`.
    public var count: UInt64 { chain.count }

    /// Writes one record: `data` a canonical JSON object of schema v1, as `EventPayload.data()` makes it and egress sends it.
    /// Returns its `seq`. After `.full` only `session.stop` and the seal are taken.
    @discardableResult
    public func append(_ kind: EventKind, data: [UInt8], at now: Moment) throws(LogError) -> UInt64 {
        guard !isSealed else { throw .sealed }
        let frame = kind == .sessionStop || kind == .sessionEnd || kind == .sessionCrashed
        switch failure {
        case .full? where frame: break
        case let failure?: throw failure
        case nil: break
        }
        do {
            return try write(kind, data, now, frame: frame)
        } catch {
            switch error {
            case .full, .broken: failure = error
            default: break
            }
            throw error
        }
    }

    @discardableResult
    public func append(_ payload: some EventPayload, at now: Moment) throws(LogError) -> UInt64 {
        try append(payload.kind, data: payload.data(), at: now)
    }

    private func write(_ kind: EventKind, _ data: [UInt8], _ now: Moment, frame: Bool) throws(LogError) -> UInt64 {
        let seq = chain.count
        var line = RecordLine.bytes(kind: kind, data: data, seq: seq, session: session, at: now.wall)
        let head: RecordHead
        do {
            // The verifier's own rules, over the very bytes that are written.
            head = try chain.check(line.span)
        } catch { throw .refused(error) }
        line.append(0x0a)
        try file.reserve(line.count, spendingMargin: frame)
        try file.append(line)
        chain.take(head, line.span.extracting(0..<line.count - 1))
        if dirtySince == nil { dirtySince = now.monotonic }
        return seq
    }

    /// Call after the records of one turn and before the actions they announce. `always`: everything appended is on disk
    /// when this returns. `batch`: nothing to do.
    public func commit() throws(LogError) {
        guard sync == .always, dirtySince != nil else { return }
        try flush()
    }

    /// When `syncIfDue` next wants to be called, on `Moment.monotonic`; nil while nothing waits.
    public var syncDeadline: Int64? {
        guard failure == nil, !isSealed else { return nil }
        if isCheckpointDue { return dirtySince ?? .min }
        return dirtySince.map { $0 + Self.batchDelay }
    }

    private var isCheckpointDue: Bool { !isSealed && chain.count - lastCheckpoint >= every }

    /// Brings records to disk whose time has come, and writes a checkpoint after every `checkpointEvery` records: here
    /// and not in `append`, so that no request waits for a signature.
    public func syncIfDue(_ now: Moment) throws(LogError) {
        guard failure == nil, !isSealed else { return }
        if isCheckpointDue {
            try checkpoint(at: now)
        } else if let since = dirtySince, now.monotonic >= since + Self.batchDelay {
            try flush()
        }
    }

    private func flush() throws(LogError) {
        do {
            try file.sync()
        } catch {
            failure = error
            throw error
        }
        dirtySince = nil
    }

    /// Signs the log as it stands, then records that it did. The records are on disk before the signature is.
    public func checkpoint(at now: Moment) throws(LogError) {
        if let failure { throw failure }
        guard !isSealed else { throw .sealed }
        try flush()
        let (size, root) = (chain.count, chain.root())
        let note = try signed(size, root)
        do {
            try checkpoints.replace(Self.name(size), with: note, mode: 0o640)
        } catch {
            let failed: LogError = [ENOSPC, EDQUOT, EFBIG].contains(error.number) ? .full(error) : .broken(error)
            failure = failed
            throw failed
        }
        try append(CheckpointRecord(size: size, root: root.hex), at: now)
        lastCheckpoint = chain.count
    }

    /// Writes the last record and the checkpoint over the whole log, and gives unused room back. Both fit on a full disk.
    public func seal(_ end: SessionEnd, at now: Moment) throws(LogError) -> SealedLog { try seal(with: end, at: now) }

    func seal(with end: some EventPayload, at now: Moment) throws(LogError) -> SealedLog {
        try append(end, at: now)
        return try sealExisting()
    }

    /// The checkpoint over a log whose last record is in.
    func sealExisting() throws(LogError) -> SealedLog {
        isSealed = true
        try file.sync()
        let (size, root) = (chain.count, chain.root())
        let note = try signed(size, root)
        file.release()
        do {
            if let reserve = reserve.take() {
                try checkpoints.publish(reserve, temporary: Self.reserveName, as: Self.finalName, note)
            } else {
                try checkpoints.replace(Self.finalName, with: note, mode: 0o640)
            }
        } catch { throw .broken(error) }
        return SealedLog(records: size, root: root)
    }

    private func signed(_ size: UInt64, _ root: TreeHash) throws(LogError) -> [UInt8] {
        let body = Checkpoint(origin: "\(key.noteKey.name)/\(session)", size: size, root: root).body
        guard let signature = key.sign(Array(body.utf8)) else { throw .broken(SysError("sign", EIO, on: "checkpoint")) }
        return SignedNote.bytes(text: body, key: key.noteKey, signature: signature)
    }

    /// Twelve digits, so that names sort by size.
    static func name(_ size: UInt64) -> String {
        let digits = String(size)
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }
}
