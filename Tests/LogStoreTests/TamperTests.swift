// Whatever is done to a log afterwards shows: cut, edited, reordered, grown, unsealed, signed by somebody else.

import Audit
import Events
import Foundation
import LogStore
import Testing
import Vocabulary

@Suite struct TamperTests {
    @Test func anHonestLogVerifies() throws {
        let fixture = try Fixture()
        let sealed = try fixture.sealed("a")
        let log = try fixture.verify("a")
        #expect(log.records == 26 && sealed.records == 26 && log.root == sealed.root)
        #expect(log.session.text == "a" && log.ending == .sessionEnd && log.key == fixture.key.noteKey)
    }

    @Test func checkpointsOnTheWayAreCheckedToo() throws {
        let fixture = try Fixture()
        try fixture.sealed("a", calls: 40, every: 10)
        let names = try FileManager.default.contentsOfDirectory(atPath: fixture.file("a", "checkpoints").path).sorted()
        #expect(names.count > 5 && names.last == "final" && names.first?.count == 12)
        #expect(try fixture.verify("a").records > 81)
    }

    @Test func everyMutationIsRefused() throws {
        let fixture = try Fixture()
        try fixture.sealed("a")
        let lines = try Data(contentsOf: fixture.file("a")).split(separator: 0x0a).map { $0 + [0x0a] }
        #expect(lines.count == 26)
        var flipped = Array(lines[25])
        flipped[flipped.count - 4] ^= 1
        let edited = Data(String(decoding: lines[5], as: UTF8.self).replacing("POST", with: "GETT").utf8)
        let spaced = Data(String(decoding: lines[5], as: UTF8.self).replacing(",\"kind\"", with: ", \"kind\"").utf8)
        let mutations: [(String, [Data])] = [
            ("edit", Array(lines[..<5] + [edited] + lines[6...])), ("space", Array(lines[..<5] + [spaced] + lines[6...])),
            ("cut-tail", Array(lines.dropLast(3))),
            ("cut-end", Array(lines.dropLast())), ("cut-all-but-one", [lines[0]]), ("drop", Array(lines[..<7] + lines[8...])),
            ("swap", Array(lines[..<6] + [lines[7], lines[6]] + lines[8...])), ("dup", Array(lines[..<7] + lines[6...])),
            ("insert", Array(lines[..<6] + [lines[2]] + lines[6...])),
            ("empty", []), ("head-cut", Array(lines.dropFirst())), ("flip", Array(lines.dropLast() + [Data(flipped)])),
            ("grown", lines + [lines[25]]),
            ("no-newline", Array(lines.dropLast() + [lines[25].dropLast()])), ("blank-line", lines + [Data([0x0a])]),
            ("no-start", [lines[25]]),
        ]
        for (name, mutated) in mutations {
            try fixture.copy("a", as: name, log: mutated.reduce(Data(), +))
            #expect(throws: VerifyError.self, "\(name)") { try fixture.verify(name) }
        }
        #expect(throws: VerifyError.failed(.shorter(records: 23, size: 26))) { try fixture.verify("cut-tail") }
        #expect(throws: VerifyError.failed(.sequence(expected: 7, found: 8))) { try fixture.verify("drop") }
        #expect(throws: VerifyError.failed(.empty)) { try fixture.verify("empty") }
    }

    @Test func everyChangedByteIsRefused() throws {
        let fixture = try Fixture()
        try fixture.sealed("a", calls: 2)
        let honest = try Data(contentsOf: fixture.file("a"))
        try fixture.copy("a", as: "b", log: honest)
        _ = try fixture.verify("b")
        for index in stride(from: 0, to: honest.count, by: 5) {
            var changed = honest
            changed[index] ^= UInt8(1 << (index % 8))
            try changed.write(to: fixture.file("b"))
            #expect(throws: VerifyError.self, "byte \(index)") { try fixture.verify("b") }
        }
    }

    @Test func withoutItsCheckpointsACutLogIsUnsealed() throws {
        let fixture = try Fixture()
        try fixture.sealed("a")
        let lines = try Data(contentsOf: fixture.file("a")).split(separator: 0x0a).map { $0 + [0x0a] }
        try fixture.copy("a", as: "b", log: lines.dropLast(3).reduce(Data(), +))
        try FileManager.default.removeItem(at: fixture.file("b", "checkpoints"))
        #expect(throws: VerifyError.failed(.unsealed(last: .requestOutcome))) { try fixture.verify("b") }
        try fixture.copy("a", as: "c", log: lines.reduce(Data(), +))
        try FileManager.default.removeItem(at: fixture.file("c", "checkpoints"))
        #expect(throws: VerifyError.failed(.noCheckpoint)) { try fixture.verify("c") }
    }

    @Test func aCheckpointOfAnotherSessionProvesNothing() throws {
        let fixture = try Fixture()
        try fixture.sealed("a")
        try fixture.sealed("b")
        try FileManager.default.removeItem(at: fixture.file("a", "checkpoints"))
        try FileManager.default.copyItem(at: fixture.file("b", "checkpoints"), to: fixture.file("a", "checkpoints"))
        #expect(throws: VerifyError.failed(.checkpointOfAnother("final", origin: "\(fixture.key.noteKey.name)/b"))) {
            try fixture.verify("a")
        }
    }

    @Test func aLogRewrittenAndSignedBySomebodyElseIsRefused() throws {
        let (honest, other) = (try Fixture(), try Fixture())
        try other.sealed("a", calls: 3)
        let strange = VerifyError.failed(.checkpointUntrusted("final", signer: other.key.noteKey.name))
        #expect(throws: strange) { try LogReader.verify(try other.folder("a"), keys: [honest.key.noteKey]) }
        // Not even with the key lying in the session folder.
        try Data(other.key.noteKey.vkey.utf8).write(to: other.file("a", "trusted.vkey"))
        #expect(throws: VerifyError.self) { try LogReader.verify(try other.folder("a"), keys: [honest.key.noteKey]) }
        #expect(throws: VerifyError.failed(.noKeys)) { try LogReader.verify(try other.folder("a"), keys: []) }
    }

    @Test func aReceiptMustSpeakOfThisLog() throws {
        let fixture = try Fixture()
        let sealed = try fixture.sealed("a")
        func receipt(_ root: TreeHash) -> Receipt {
            Receipt(
                agentName: "python3", agentDigest: root,
                session: SessionID("a") ?? SessionID(at: Timestamp(nanoseconds: 0), random: 0), profile: "p",
                profileDigest: "d", tierRequested: .full, tierEnforced: .full, controls: [], caFingerprint: nil,
                records: sealed.records, root: root,
                cost: .zero, exit: ExitStatus(by: .agent, ran: true, status: 0), versions: [:])
        }
        let good = try #require(receipt(sealed.root).envelope(signedBy: fixture.key))
        try Data(good).write(to: fixture.file("a", "receipt.json"))
        _ = try fixture.verify("a")
        let bad = try #require(receipt(TreeHash(words: 1, 2, 3, 4)).envelope(signedBy: fixture.key))
        try Data(bad).write(to: fixture.file("a", "receipt.json"))
        #expect(throws: VerifyError.failed(.receipt("speaks of another log"))) { try fixture.verify("a") }
    }

    @Test func aSecondVerifierAgrees() throws {
        // Python with its own JSON, tree and note code; only Ed25519 comes from a library.
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("verify.py").path
        func python(_ arguments: [String]) throws -> Int32 {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["python3"] + arguments
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            return process.terminationStatus
        }
        guard try python(["-c", "import cryptography"]) == 0 else {
            if ProcessInfo.processInfo.environment["AKIOS_TESTS_MUST_RUN"] == "1" {
                Issue.record("python3 with 'cryptography' is not here")
            }
            print("skipped: aSecondVerifierAgrees: python3 with 'cryptography' is not here")
            return
        }
        let fixture = try Fixture()
        try fixture.sealed("a", calls: 40, every: 10)
        let key = fixture.folders.state + "/pub/" + fixture.key.noteKey.name.replacing("/", with: "-") + ".vkey"
        #expect(try python([script, fixture.file("a", "").path, key]) == 0)
        let lines = try Data(contentsOf: fixture.file("a")).split(separator: 0x0a).map { $0 + [0x0a] }
        try fixture.copy("a", as: "b", log: lines.dropLast(3).reduce(Data(), +))
        #expect(try python([script, fixture.file("b", "").path, key]) == 1)
    }
}
