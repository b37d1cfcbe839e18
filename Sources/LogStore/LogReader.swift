// LogReader: verifies a session folder. It opens the log, the checkpoints and the receipt; keys come from elsewhere, never
// from the folder itself.

public import Audit
public import Events
import Glibc
import LinuxSys

/// Why a folder could not be verified: it is not good, or it could not be read.
public enum VerifyError: Error, Sendable, Hashable {
    case failed(AuditFailure)
    case unreadable(LogError)
}

public enum LogReader {
    /// The log and its checkpoints, checked against each other and the keys; a receipt must agree where there is one.
    /// `visit` sees every record before the verdict is known.
    public static func verify(
        _ folder: borrowing Folder, keys: [NoteKey], visit: (RecordHead, Span<UInt8>) -> Void = { _, _ in }
    ) throws(VerifyError) -> VerifiedLog {
        var verifier = try verifier(folder, keys: keys)
        let file: OwnedFD
        do {
            file = try folder.open(LogFile.name, O_RDONLY | O_NONBLOCK)
        } catch { throw .unreadable(.system(error)) }
        let log: VerifiedLog
        do {
            if let error = try LogFile.read(
                file, folder.join(LogFile.name),
                { (bytes: Span<UInt8>) throws(AuditFailure) in
                    try verifier.feed(bytes, visit: visit)
                })
            {
                throw VerifyError.unreadable(.system(error))
            }
            log = try verifier.finish()
        } catch let error as AuditFailure {
            throw .failed(error)
        } catch let error as VerifyError {
            throw error
        } catch {
            throw .unreadable(.system(SysError("read", EIO, on: folder.path)))
        }
        try checkReceipt(folder, log, keys)
        return log
    }

    /// The lines of a log without their newlines, unverified. Returns how many bytes follow the last newline; a line longer
    /// than any record ends the reading as if it were one of those.
    public static func lines(_ folder: borrowing Folder, _ take: ([UInt8]) -> Void) throws(LogError) -> Int {
        let file: OwnedFD
        do {
            file = try folder.open(LogFile.name, O_RDONLY | O_NONBLOCK)
        } catch { throw .system(error) }
        var cutter = LineCutter()
        var whole = true
        let error = LogFile.read(file, folder.join(LogFile.name)) { (bytes: Span<UInt8>) in
            if whole { whole = cutter.feed(bytes) { (line: Span<UInt8>) in take(line.withUnsafeBufferPointer { Array($0) }) } }
        }
        if let error { throw .system(error) }
        return cutter.rest.count
    }

    static func verifier(_ folder: borrowing Folder, keys: [NoteKey]) throws(VerifyError) -> LogVerifier {
        let notes = try notes(folder)
        do {
            return try LogVerifier(checkpoints: notes, keys: keys, sha256: AuditCrypto.sha256, check: AuditCrypto.check)
        } catch { throw .failed(error) }
    }

    /// Everything in `checkpoints/` whose name begins with no dot. A missing folder is a log without checkpoints.
    private static func notes(_ folder: borrowing Folder) throws(VerifyError) -> [LogVerifier.NoteFile] {
        do {
            let checkpoints = try folder.subfolder(LogWriter.checkpointsName)
            var notes: [LogVerifier.NoteFile] = []
            for name in try checkpoints.names() where !name.hasPrefix(".") {
                guard let bytes = try checkpoints.read(name, limit: 65_536) else { continue }
                notes.append(LogVerifier.NoteFile(name: name, bytes: bytes))
            }
            return notes
        } catch {
            guard error.number == ENOENT else { throw .unreadable(.system(error)) }
            return []
        }
    }

    private static func checkReceipt(_ folder: borrowing Folder, _ log: VerifiedLog, _ keys: [NoteKey]) throws(VerifyError) {
        let envelope: [UInt8]?
        do {
            envelope = try folder.read("receipt.json", limit: 4_194_304)
        } catch { throw .unreadable(.system(error)) }
        guard let envelope else { return }
        do {
            try log.requireMatch(receipt: envelope, keys: keys, check: AuditCrypto.check)
        } catch { throw .failed(error) }
    }
}

extension Receipt {
    /// The DSSE envelope of this receipt, receipt.json; nil when signing failed.
    public func envelope(signedBy key: SigningKey) -> [UInt8]? {
        DSSE.envelope(type: Self.payloadType, payload: statement(), key: key.noteKey) { key.sign($0) }
    }
}
