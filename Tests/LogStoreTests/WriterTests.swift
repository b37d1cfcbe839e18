// The writer: what it takes, when it syncs, and what a full disk does to it.

import Audit
import Events
import Foundation
import LogStore
import Testing

@Suite struct WriterTests {
    @Test func recordsThatDoNotFitTheSchemaNeverReachTheFile() throws {
        let fixture = try Fixture()
        let log = try fixture.writer("a")
        #expect(throws: LogError.refused(.notFirst(.requestIntent))) { try log.append(Fixture.intent(1), at: Fixture.moment(1)) }
        try log.append(Fixture.start, at: Fixture.moment(0))
        let size = try Data(contentsOf: fixture.file("a")).count
        for bad in [
            "{}", "{\"code\":\"a\", \"reason\":\"b\"}", "{\"code\":\"a\",\"reason\":\"b\"}\n",
            "{\"code\":\"a\",\"reason\":\"b\"},\"kind\":\"session.end\"", "x",
        ] {
            #expect(throws: LogError.self) { try log.append(.sessionStop, data: Array(bad.utf8), at: Fixture.moment(1)) }
        }
        #expect(throws: LogError.refused(.secondStart(seq: 1))) { try log.append(Fixture.start, at: Fixture.moment(1)) }
        #expect(try Data(contentsOf: fixture.file("a")).count == size)
        // A refused record is the caller's fault, not the log's: it goes on.
        #expect(try log.append(Fixture.intent(1), at: Fixture.moment(2)) == 1)
        _ = try log.seal(Fixture.end, at: Fixture.moment(3))
        #expect(throws: LogError.sealed) { try log.append(Fixture.intent(2), at: Fixture.moment(4)) }
        #expect(try fixture.verify("a").records == 3)
    }

    @Test func batchAsksToBeSyncedWithinItsDelayAndAlwaysSyncsOnCommit() throws {
        let fixture = try Fixture()
        let batch = try fixture.writer("a")
        #expect(batch.syncDeadline == nil)
        try batch.append(Fixture.start, at: Fixture.moment(10))
        #expect(batch.syncDeadline == Fixture.moment(10).monotonic + LogWriter.batchDelay)
        try batch.append(Fixture.intent(1), at: Fixture.moment(30))
        try batch.commit()
        #expect(batch.syncDeadline == Fixture.moment(10).monotonic + LogWriter.batchDelay)
        try batch.syncIfDue(Fixture.moment(59))
        #expect(batch.syncDeadline != nil)
        try batch.syncIfDue(Fixture.moment(60))
        #expect(batch.syncDeadline == nil)
        let always = try fixture.writer("b", sync: .always)
        try always.append(Fixture.start, at: Fixture.moment(10))
        #expect(always.syncDeadline != nil)
        try always.commit()
        #expect(always.syncDeadline == nil)
    }

    @Test func aFolderServesOneSession() throws {
        let fixture = try Fixture()
        try fixture.sealed("a")
        let session = try #require(SessionID("a"))
        let folder = try fixture.folder("a")
        #expect(throws: LogError.exists(path: folder.path)) {
            try LogWriter(in: folder, session: session, key: fixture.key, sync: .batch)
        }
        #expect(throws: LogError.self) { _ = try fixture.folders.makeSession("a") }
        #expect(try fixture.verify("a").records == 26)
    }

    @Test func theLogIsForItsOwnerAndGroup() throws {
        let fixture = try Fixture()
        try fixture.sealed("a")
        for (name, most) in [("audit.jsonl", 0o640), ("checkpoints/final", 0o640), ("checkpoints", 0o750)] {
            let mode = try FileManager.default.attributesOfItem(atPath: fixture.file("a", name).path)[.posixPermissions] as? Int
            #expect((mode ?? 0o777) & ~most == 0, "\(name)")
        }
    }

    @Test func anUnusedReserveTakesNoSpaceOnceSealed() throws {
        let fixture = try Fixture()
        try fixture.sealed("a")
        var status = stat()
        #expect(stat(fixture.file("a").path, &status) == 0)
        #expect(Int64(status.st_blocks) * 512 < 131_072)
        #expect(!FileManager.default.fileExists(atPath: fixture.file("a", "checkpoints/.reserve").path))
    }

    /// RLIMIT_FSIZE stands for a disk that fills in the middle of a line: write(2) is cut short, then refused.
    @Test func aLineThatDoesNotFitIsTakenBackAndTheLogStillSeals() async {
        await #expect(processExitsWith: .success) {
            signal(SIGXFSZ, SIG_IGN)
            let fixture = try Fixture()
            let log = try fixture.writer("a")
            try log.append(Fixture.start, at: Fixture.moment(0))
            let size = try Data(contentsOf: fixture.file("a")).count
            var limit = rlimit(rlim_cur: rlim_t(size + 100), rlim_max: rlim_t.max)
            setrlimit(__rlimit_resource_t(1), &limit)
            var refusal: LogError?
            do throws(LogError) { try log.append(Fixture.intent(1), at: Fixture.moment(1)) } catch { refusal = error }
            guard case .full? = refusal else { fatalError("not refused: \(String(describing: refusal))") }
            let left = try Data(contentsOf: fixture.file("a")).count
            precondition(left == size, "the cut line was left behind")
            do {
                try log.append(Fixture.intent(1), at: Fixture.moment(1))
                fatalError("a failed log went on")
            } catch {}
            limit.rlim_cur = rlim_t.max
            setrlimit(__rlimit_resource_t(1), &limit)
            try log.append(SessionStop(code: "log_failed", reason: "full"), at: Fixture.moment(2))
            let sealed = try log.seal(Fixture.end, at: Fixture.moment(3))
            let verified = try fixture.verify("a")
            precondition(sealed.records == 3 && verified.root == sealed.root)
        }
    }
}
