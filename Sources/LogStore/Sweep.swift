// Sweep: finishes what a dead writer could not: keeps the torn tail apart, says in the log that it crashed, signs, and
// writes output.json. Running it twice, or from two processes, changes nothing.

public import Audit
public import Events
import Glibc
import LinuxSys

public enum Sweep {
    public enum Result: Sendable, Hashable {
        /// Sealed before, or swept already.
        case nothingToDo
        /// Its writer lives.
        case running
        /// Sealed now as crashed; so many bytes of a torn last record are kept in `audit.torn`.
        case sealed(tornBytes: Int)
        /// Sealed before, without output.json; written now.
        case outputWritten
        /// The writer died before its first record; there is nothing to sign, output.json says so.
        case neverBegan
        /// What is there is not what a crash leaves. It is left as it is, and never signed.
        case tampered(AuditFailure)
        /// It could not be read or written; the next sweep tries again.
        case unfinished(LogError)
        /// Once sealed, and now its last checkpoint is gone.
        case sealRemoved
    }

    static let outputName = "output.json"
    static let tornName = "audit.torn"

    /// Cheap for a session that ended in order: three look-ups and its folder. `isFinished` is cheaper.
    public static func run(_ folder: borrowing Folder, session: SessionID?, key: SigningKey, at now: Moment) throws(LogError)
        -> Result
    {
        guard folder.exists(LogFile.name) else { return .nothingToDo }
        if isSealed(folder), folder.exists(outputName) { return .nothingToDo }
        guard var file = try LogFile.recover(in: folder) else { return .running }
        // Asked again under the lock: the writer may have sealed it meanwhile.
        let sealed = isSealed(folder)
        if sealed, folder.exists(outputName) { return .nothingToDo }
        // output.json and receipt.json come after the seal. Signing a log that lost its seal would launder whatever
        // happened to it since.
        if !sealed, file.size > 0, folder.exists(outputName) || folder.exists("receipt.json") { return .sealRemoved }
        if file.size == 0 { return sealed ? .tampered(.empty) : try neverBegan(folder, session) }

        let read: (chain: LogChain, torn: [UInt8], summary: SessionSummary)
        do {
            read = try self.read(folder, file, key, sealed: sealed)
        } catch {
            switch error {
            case .failed(let why): return .tampered(why)
            case .unreadable(let why): throw why
            }
        }
        if sealed {
            var chain = read.chain
            if let document = read.summary.document(records: chain.count, root: chain.root()) { try write(document, folder) }
            return .outputWritten
        }
        guard let id = read.chain.session else {
            // Only a torn first record: nothing of it was acted on.
            try keep(read.torn, folder)
            try file.cut(to: 0)
            return try neverBegan(folder, session)
        }
        return try seal(read, id, file, folder, key, now)
    }

    /// Whether there is nothing to do for the session of this name: sealed, and its output.json written.
    static func isFinished(_ name: String, in sessions: borrowing Folder) -> Bool {
        sessions.exists("\(name)/\(LogWriter.checkpointsName)/\(LogWriter.finalName)") && sessions.exists("\(name)/\(outputName)")
    }

    private static func isSealed(_ folder: borrowing Folder) -> Bool {
        folder.exists(LogWriter.checkpointsName + "/" + LogWriter.finalName)
    }

    private static func neverBegan(_ folder: borrowing Folder, _ session: SessionID?) throws(LogError) -> Result {
        guard let session, !folder.exists(outputName) else { return .nothingToDo }
        try write(
            OutputDocument(
                session: session, profile: "",
                exit: ExitStatus(by: .akios, ran: false, status: 125, reason: "crashed before its first record")),
            folder)
        return .neverBegan
    }

    private static func read(
        _ folder: borrowing Folder, _ file: borrowing LogFile, _ key: SigningKey, sealed: Bool
    ) throws(VerifyError) -> (chain: LogChain, torn: [UInt8], summary: SessionSummary) {
        // Only our own key: what another host signed, this one cannot go on with.
        var verifier = try LogReader.verifier(folder, keys: [key.noteKey])
        var summary = SessionSummary()
        do {
            if let error = try file.read({ (bytes: Span<UInt8>) throws(AuditFailure) in
                try verifier.feed(bytes) { head, line in
                    let data = line.extracting(head.data).withUnsafeBufferPointer { Array($0) }
                    let name = line.extracting(head.session).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
                    if let session = SessionID(name) { summary.add(head, data: data, session: session) }
                }
            }) {
                throw VerifyError.unreadable(.system(error))
            }
            if sealed { _ = try verifier.finish() }
            let prefix = try verifier.prefix()
            return (prefix.chain, prefix.torn, summary)
        } catch let error as AuditFailure {
            throw .failed(error)
        } catch let error as VerifyError {
            throw error
        } catch {
            throw .unreadable(.system(SysError("read", EIO, on: folder.path)))
        }
    }

    private static func seal(
        _ read: (chain: LogChain, torn: [UInt8], summary: SessionSummary), _ session: SessionID, _ file: consuming LogFile,
        _ folder: borrowing Folder, _ key: SigningKey, _ now: Moment
    ) throws(LogError) -> Result {
        if !read.torn.isEmpty {
            // Kept before it is cut: a crash between the two finds the same tail again.
            try keep(read.torn, folder)
            try file.cut(to: file.size - Int64(read.torn.count))
        }
        let ended = read.chain.ended
        let writer = try LogWriter(recovering: file, in: folder, chain: read.chain, session: session, key: key)
        // The writer may have died between its last record and the checkpoint; then only the checkpoint is missing.
        let sealed =
            ended
            ? try writer.sealExisting()
            : try writer.seal(
                with: SessionCrashed(
                    reason: "the writer of this log died", tornBytes: UInt64(read.torn.count),
                    tornDigest: read.torn.isEmpty ? nil : AuditCrypto.digestText(read.torn)), at: now)
        if let document = read.summary.document(records: sealed.records, root: sealed.root) { try write(document, folder) }
        return .sealed(tornBytes: read.torn.count)
    }

    private static func keep(_ torn: [UInt8], _ folder: borrowing Folder) throws(LogError) {
        do {
            try folder.replace(tornName, with: torn, mode: 0o640)
        } catch { throw .system(error) }
    }

    private static func write(_ document: OutputDocument, _ folder: borrowing Folder) throws(LogError) {
        do {
            try folder.replace(outputName, with: document.bytes(), mode: 0o640)
        } catch { throw .system(error) }
    }
}
