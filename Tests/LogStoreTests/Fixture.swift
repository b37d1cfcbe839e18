// A state folder of its own, and sessions as a run writes them.

import Audit
import Events
import Foundation
import LogStore
import Testing
import Vocabulary

final class Fixture {
    let path: String
    let folders: StateFolders
    let key: SigningKey

    init() throws {
        let template = NSTemporaryDirectory() + "akios-test-XXXXXX"
        var bytes = template.utf8CString.map { $0 }
        let made = try #require(mkdtemp(&bytes).map { String(cString: $0) })
        path = made
        folders = try #require(StateFolders(.init(euid: 1000) { name in name == "AKIOS_STATE_DIR" ? made + "/state" : nil }))
        key = try KeyStore.signingKey(state: try folders.openState())
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    static let start = SessionStart(
        profile: "strict", profileDigest: "sha256:0", command: .init(program: "python3", arguments: 2, digest: "sha256:1"),
        tierRequested: .full,
        tierEnforced: .strong, controls: [ControlState(id: "seccomp", required: true, state: .enforced, evidence: "325 rules")],
        versions: ["akios-exec": "0.1.0"], caFingerprint: nil, hostDigest: "sha256:2", loosened: [], unbrokered: [])
    static let end = SessionEnd(exit: ExitStatus(by: .agent, ran: true, status: 0), totals: SessionTotals())

    static func moment(_ number: Int64) -> Moment {
        Moment(wall: Timestamp(nanoseconds: 1_795_241_825_000_000_000 + number * 1_000_003), monotonic: number * 1_000_000)
    }

    static func intent(_ id: UInt64, path: String = "/v1/chat/completions") -> RequestIntent {
        RequestIntent(
            id: id, host: "api.openai.com", port: 443, method: "POST", path: path, operation: .chatCompletions, model: "gpt-4o",
            reservedCost: Money(nanos: 1_000_000), reservedTokens: 50, redactions: ["EMAIL": 1], bytes: 200, rule: "allowlist[0]")
    }

    static func outcome(_ id: UInt64) -> RequestOutcome {
        RequestOutcome(
            id: id, status: 200, bytesIn: 300, model: "gpt-4o", usage: TokenUsage(input: 100, output: 20),
            cost: Money(nanos: 450_000),
            milliseconds: 12)
    }

    func writer(_ name: String, sync: SyncMode = .batch, every: UInt64 = 1000) throws -> LogWriter {
        let session = try #require(SessionID(name))
        return try LogWriter(in: try folders.makeSession(name), session: session, key: key, sync: sync, checkpointEvery: every)
    }

    func folder(_ name: String) throws -> Folder { try Folder(opening: folders.sessions + "/" + name) }
    func file(_ name: String, _ file: String = "audit.jsonl") -> URL {
        URL(fileURLWithPath: folders.sessions + "/" + name + "/" + file)
    }

    /// A start, `calls` requests and their outcomes.
    func fill(_ log: LogWriter, calls: UInt64 = 12) throws {
        try log.append(Self.start, at: Self.moment(0))
        for id in 1...calls {
            try log.append(Self.intent(id), at: Self.moment(Int64(id) * 2))
            try log.commit()
            try log.append(Self.outcome(id), at: Self.moment(Int64(id) * 2 + 1))
            try log.syncIfDue(Self.moment(Int64(id) * 2 + 1))
        }
    }

    @discardableResult
    func sealed(_ name: String, calls: UInt64 = 12, every: UInt64 = 1000) throws -> SealedLog {
        let log = try writer(name, every: every)
        try fill(log, calls: calls)
        return try log.seal(Self.end, at: Self.moment(99))
    }

    func verify(_ name: String) throws(VerifyError) -> VerifiedLog {
        do {
            return try LogReader.verify(try folder(name), keys: [key.noteKey])
        } catch let error as VerifyError {
            throw error
        } catch {
            throw .failed(.empty)
        }
    }

    /// A copy of a session under another folder name, its log replaced.
    func copy(_ name: String, as other: String, log: Data) throws {
        try FileManager.default.copyItem(atPath: folders.sessions + "/" + name, toPath: folders.sessions + "/" + other)
        try log.write(to: file(other))
    }
}
