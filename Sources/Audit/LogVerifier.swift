// LogVerifier: says whether a log is the one that was signed, from its bytes, its checkpoints and public keys alone.
// It reads no file and trusts no key that it was not given.

public import Events

/// A log that verified.
public struct VerifiedLog: Sendable, Hashable {
    public var session: SessionID
    public var records: UInt64
    public var root: TreeHash
    /// Who signed the last checkpoint.
    public var key: NoteKey
    public var started: Timestamp
    public var ended: Timestamp
    /// `session.end`, or `session.crashed` when a later process sealed it.
    public var ending: EventKind
}

public struct LogVerifier: Sendable {
    /// A signed note as it was found, and the name to speak of it.
    public struct NoteFile: Sendable, Hashable {
        public var name: String
        public var bytes: [UInt8]
        public init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }

    private struct Signed: Sendable {
        var name: String
        var checkpoint: Checkpoint
        var key: NoteKey
    }

    /// By size, smallest last, so that the next one to meet is popped.
    private var waiting: [Signed] = []
    private let largest: Signed?
    private let all: [Signed]
    private var chain: LogChain
    private var cutter = LineCutter()

    /// Signatures are checked here, before a byte of the log is read. Every note must be good: one bad one among good
    /// ones means that somebody was there.
    public init(
        checkpoints: [NoteFile], keys: [NoteKey], sha256: @escaping SHA256Function, check: SignatureCheck
    ) throws(AuditFailure) {
        guard !keys.isEmpty else { throw .noKeys }
        var signed: [Signed] = []
        for file in checkpoints { signed.append(try Self.open(file, keys, check)) }
        signed.sort { $0.checkpoint.size > $1.checkpoint.size }
        all = signed
        largest = signed.first
        waiting = signed
        chain = LogChain(sha256)
    }

    private static func open(_ file: NoteFile, _ keys: [NoteKey], _ check: SignatureCheck) throws(AuditFailure) -> Signed {
        let note: SignedNote
        let key: NoteKey
        do {
            note = try SignedNote(parsing: file.bytes)
            key = try note.verified(by: keys, check)
        } catch {
            switch error {
            case .malformed: throw .checkpointMalformed(file.name)
            case .noTrustedKey:
                let signer = (try? SignedNote(parsing: file.bytes))?.signatures.first?.name ?? "nobody"
                throw .checkpointUntrusted(file.name, signer: signer)
            case .badSignature(let key): throw .checkpointForged(file.name, key: key)
            }
        }
        guard let checkpoint = Checkpoint(body: note.text) else { throw .checkpointMalformed(file.name) }
        return Signed(name: file.name, checkpoint: checkpoint, key: key)
    }

    /// The next bytes of the log, cut anywhere. `visit` sees every record after it was checked, before the verdict.
    public mutating func feed(
        _ bytes: Span<UInt8>, visit: (_ record: RecordHead, _ line: Span<UInt8>) -> Void = { _, _ in }
    ) throws(AuditFailure) {
        // Held apart while the cutter runs, because both belong to self.
        var (chain, waiting, cutter) = (self.chain, self.waiting, self.cutter)
        defer { (self.chain, self.waiting, self.cutter) = (chain, waiting, cutter) }
        let all = all
        let whole = try cutter.feed(bytes) { (line: Span<UInt8>) throws(AuditFailure) in
            // An empty tree may have been signed too.
            try Self.compare(&waiting, &chain)
            let head = try chain.append(line)
            // Before any root is compared: another session's checkpoint is named as what it is.
            if head.seq == 0 { try Self.requireOrigin(all, chain) }
            visit(head, line)
            try Self.compare(&waiting, &chain)
        }
        guard whole else { throw .lineTooLong(seq: chain.count) }
    }

    private static func requireOrigin(_ all: [Signed], _ chain: LogChain) throws(AuditFailure) {
        guard let session = chain.session else { return }
        for signed in all where signed.checkpoint.origin != "\(signed.key.name)/\(session)" {
            throw .checkpointOfAnother(signed.name, origin: signed.checkpoint.origin)
        }
    }

    private static func compare(_ waiting: inout [Signed], _ chain: inout LogChain) throws(AuditFailure) {
        while let next = waiting.last, next.checkpoint.size == chain.count {
            guard next.checkpoint.root == chain.root() else { throw .checkpointDiffers(size: chain.count) }
            waiting.removeLast()
        }
    }

    /// The verdict over all that was fed: sealed, whole, and covered by a checkpoint to its last record.
    public mutating func finish() throws(AuditFailure) -> VerifiedLog {
        guard let last = chain.last, let started = chain.started, let session = chain.session else {
            guard cutter.rest.isEmpty else { throw .torn(bytes: cutter.rest.count) }
            throw .empty
        }
        // A cut tail is the graver finding, so it is named before what follows from it.
        if let largest, largest.checkpoint.size > chain.count {
            throw .shorter(records: chain.count, size: largest.checkpoint.size)
        }
        guard cutter.rest.isEmpty else { throw .torn(bytes: cutter.rest.count) }
        guard chain.ended else { throw .unsealed(last: last.kind) }
        guard let largest else { throw .noCheckpoint }
        guard largest.checkpoint.size == chain.count else { throw .uncovered(records: chain.count, size: largest.checkpoint.size) }
        return VerifiedLog(
            session: session, records: chain.count, root: chain.root(), key: largest.key, started: started, ended: last.time,
            ending: last.kind)
    }

    /// For a sweep: what the records read so far amount to, and that they agree with every checkpoint. No seal is asked for.
    public mutating func prefix() throws(AuditFailure) -> (chain: LogChain, torn: [UInt8]) {
        if let largest, largest.checkpoint.size > chain.count {
            throw .shorter(records: chain.count, size: largest.checkpoint.size)
        }
        return (chain, cutter.rest)
    }
}
