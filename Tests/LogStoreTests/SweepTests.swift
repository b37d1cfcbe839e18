// A writer that dies at any byte leaves a log that a sweep can finish honestly, and only such a log.

import Audit
import Events
import Foundation
import JSONBytes
import LogStore
import Testing
import Vocabulary

@Suite struct SweepTests {
    /// A session as a killed writer leaves it: no last record, no seal. Dropping the writer lets its lock go.
    private func crashed(_ fixture: Fixture, _ name: String, calls: UInt64 = 3) throws {
        let log = try fixture.writer(name, every: 4)
        try fixture.fill(log, calls: calls)
    }

    private func sweep(_ fixture: Fixture, _ name: String) throws -> Sweep.Result {
        try Sweep.run(try fixture.folder(name), session: SessionID(name), key: fixture.key, at: Fixture.moment(500))
    }

    @Test func aCrashAtEveryByteOfTheTailIsSealedAndKept() throws {
        let fixture = try Fixture()
        try crashed(fixture, "a", calls: 1)
        let whole = try Data(contentsOf: fixture.file("a"))
        let lines = whole.split(separator: 0x0a)
        #expect(lines.count == 3)
        let lastStart = whole.count - lines[2].count - 1
        for length in stride(from: lastStart, through: whole.count, by: 1) {
            let name = "cut-\(length)"
            try fixture.copy("a", as: name, log: whole.prefix(length))
            let tornBytes = length == whole.count ? 0 : length - lastStart
            #expect(try sweep(fixture, name) == .sealed(tornBytes: tornBytes))
            let log = try fixture.verify(name)
            #expect(log.ending == .sessionCrashed && log.records == (length == whole.count ? 4 : 3))
            let torn = try? Data(contentsOf: fixture.file(name, "audit.torn"))
            #expect(torn == (tornBytes == 0 ? nil : whole[lastStart..<length]))
            #expect(try sweep(fixture, name) == .nothingToDo)
        }
    }

    @Test func theSweepWritesTheOutputThatTheDeadOneCouldNot() throws {
        let fixture = try Fixture()
        let log = try fixture.writer("a")
        try fixture.fill(log, calls: 2)
        try log.append(Fixture.intent(3), at: Fixture.moment(50))
        #expect(try sweep(fixture, "a") == .running)
        _ = consume log
        #expect(throws: VerifyError.failed(.unsealed(last: .requestIntent))) { try fixture.verify("a") }
        #expect(try sweep(fixture, "a") == .sealed(tornBytes: 0))
        let output = try JSONValue.parse(Array(try Data(contentsOf: fixture.file("a", "output.json")).dropLast()))
        #expect(output["exit"]?["by"] == .string("akios") && output["exit"]?["reason"] == .string("crashed"))
        #expect(output["cost"]?["tokens_input"]?.intValue == 200 && output["cost"]?["tokens_output"]?.intValue == 40)
        // Two settled calls, and the third's reservation, which nobody settled.
        #expect(output["cost"]?["total_cost_usd"] == .string("0.0019"))
        #expect(output["redactions"]?["EMAIL"]?.intValue == 3 && output["egress"]?["requests"]?.intValue == 3)
        #expect(output["controls"]?[0]?["id"] == .string("seccomp") && output["tier"]?["enforced"] == .string("strong"))
        #expect(output["audit"]?["records"]?.intValue == 7)
    }

    /// A taken-over egress may write the largest numbers that the schema allows, over and over.
    @Test func sumsOfALogStopAtTheEndOfTheirNumber() throws {
        let fixture = try Fixture()
        do {
            let log = try fixture.writer("a")
            try log.append(Fixture.start, at: Fixture.moment(0))
            for id in 1...2100 as ClosedRange<UInt64> {
                var intent = Fixture.intent(id)
                (intent.bytes, intent.redactions) = (RecordLimits.maxInteger, ["EMAIL": RecordLimits.maxInteger])
                try log.append(intent, at: Fixture.moment(Int64(id)))
                var outcome = Fixture.outcome(id)
                outcome.usage = TokenUsage(input: .max, cachedInput: .max, cacheWrite: .max, output: .max)
                try log.append(outcome, at: Fixture.moment(Int64(id)))
            }
        }
        #expect(try sweep(fixture, "a") == .sealed(tornBytes: 0))
        let output = try JSONValue.parse(Array(try Data(contentsOf: fixture.file("a", "output.json")).dropLast()))
        let most = Int64(RecordLimits.maxInteger)
        #expect(output["egress"]?["bytes_out"]?.intValue == most && output["redactions"]?["EMAIL"]?.intValue == most)
        #expect(output["cost"]?["tokens_input"]?.intValue == most && output["cost"]?["tokens_total"]?.intValue == most)
    }

    @Test func aLogThatLostItsSealIsNeverSignedAgain() throws {
        let fixture = try Fixture()
        try fixture.sealed("a")
        try Data("{}\n".utf8).write(to: fixture.file("a", "output.json"))
        let lines = try Data(contentsOf: fixture.file("a")).split(separator: 0x0a).map { $0 + [0x0a] }
        try fixture.copy("a", as: "b", log: lines.dropLast(3).reduce(Data(), +))
        try FileManager.default.removeItem(at: fixture.file("b", "checkpoints"))
        #expect(try sweep(fixture, "b") == .sealRemoved)
        #expect(throws: VerifyError.self) { try fixture.verify("b") }
    }

    @Test func aChangedPrefixIsNeverSigned() throws {
        let fixture = try Fixture()
        try crashed(fixture, "a", calls: 6)
        var text = String(decoding: try Data(contentsOf: fixture.file("a")), as: UTF8.self)
        text.replace("api.openai.com", with: "api.evil00.com", maxReplacements: 1)
        try Data(text.utf8).write(to: fixture.file("a"))
        guard case .tampered = try sweep(fixture, "a") else {
            Issue.record("signed a changed log")
            return
        }
        #expect(!FileManager.default.fileExists(atPath: fixture.file("a", "checkpoints/final").path))
    }

    @Test func aWriterThatDiedBetweenSealAndOutputIsFinished() throws {
        let fixture = try Fixture()
        try fixture.sealed("a")
        #expect(try sweep(fixture, "a") == .outputWritten)
        let output = try JSONValue.parse(Array(try Data(contentsOf: fixture.file("a", "output.json")).dropLast()))
        #expect(output["exit"]?["by"] == .string("agent") && output["exit"]?["status"]?.intValue == 0)
        #expect(try sweep(fixture, "a") == .nothingToDo)
    }

    @Test func aWriterThatDiedBeforeItsFirstRecordLeavesAWord() throws {
        let fixture = try Fixture()
        do { _ = try fixture.writer("a") }
        #expect(try sweep(fixture, "a") == .neverBegan)
        let output = try JSONValue.parse(Array(try Data(contentsOf: fixture.file("a", "output.json")).dropLast()))
        #expect(output["exit"]?["ran"]?.boolValue == false)
        #expect(try sweep(fixture, "a") == .nothingToDo)
        #expect(throws: VerifyError.failed(.empty)) { try fixture.verify("a") }
    }

    @Test func theStoreFindsSessionsAndTheirState() throws {
        let fixture = try Fixture()
        try fixture.sealed("20260101-000000-aaaaaaaa")
        let log = try fixture.writer("20260102-000000-bbbbbbbb")
        try fixture.fill(log, calls: 1)
        let store = SessionStore(fixture.folders)
        #expect(try store.list().map(\.text) == ["20260101-000000-aaaaaaaa", "20260102-000000-bbbbbbbb"])
        #expect(try store.find("latest").hasSuffix("bbbbbbbb"))
        #expect(try store.find("20260101").hasSuffix("aaaaaaaa"))
        #expect(throws: SessionStore.Lookup.ambiguous("2026", count: 2)) { try store.find("2026") }
        #expect(throws: SessionStore.Lookup.notFound("nope")) { try store.find("nope") }
        #expect(try SessionStore.state(of: try fixture.folder("20260101-000000-aaaaaaaa")) == .sealed)
        #expect(try SessionStore.state(of: try fixture.folder("20260102-000000-bbbbbbbb")) == .running)
        #expect(try store.sweep(key: fixture.key, at: Fixture.moment(1)).map(\.result) == [.outputWritten])
        _ = consume log
        #expect(try SessionStore.state(of: try fixture.folder("20260102-000000-bbbbbbbb")) == .unsealed)
        #expect(try store.sweep(key: fixture.key, at: Fixture.moment(1)).map(\.result) == [.sealed(tornBytes: 0)])
    }
}
