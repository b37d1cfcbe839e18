// A folder of its own, and a log as a session writes one.

import Events
import Glibc
import LogStore
import Profile
import Testing
import Vocabulary
import Wire

final class Scratch {
    let path: String

    init() throws {
        var template = "/tmp/akios-launcher-XXXXXX".utf8CString.map { $0 }
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    deinit { remove(path) }

    private func remove(_ path: String) {
        guard let stream = opendir(path) else {
            unlink(path)
            return
        }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        closedir(stream)
        for name in names where name != "." && name != ".." {
            var facts = stat()
            let below = path + "/" + name
            if lstat(below, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR { remove(below) } else { unlink(below) }
        }
        rmdir(path)
    }

    func write(_ name: String, _ text: String) throws {
        let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        let bytes = Array(text.utf8)
        #expect(Glibc.write(file, bytes, bytes.count) == bytes.count)
    }

    func read(_ name: String) -> String? {
        guard let file = fopen("\(path)/\(name)", "r") else { return nil }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer.prefix(count), as: UTF8.self)
    }

    func log() throws -> LogWriter {
        let path = path
        let folders = try #require(StateFolders(.init(euid: 1000) { $0 == "AKIOS_STATE_DIR" ? path + "/state" : nil }))
        let key = try KeyStore.signingKey(state: try folders.openState())
        let id = SessionID.fresh(at: Moment.now.wall)
        let log = try LogWriter(in: try folders.makeSession(id.text), session: id, key: key, sync: .batch)
        logPath = "state/sessions/\(id.text)/audit.jsonl"
        try log.append(
            SessionStart(
                profile: "test", profileDigest: "sha256:0", command: .init(program: "true", arguments: 0, digest: "sha256:1"),
                tierRequested: .strong, tierEnforced: .strong, controls: [], versions: [:], caFingerprint: nil,
                hostDigest: "sha256:2", loosened: [], unbrokered: []), at: .now)
        return log
    }

    private var logPath = ""
    var records: String { read(logPath) ?? "" }
}

func intent(_ id: UInt64, path: String = "/v1/chat/completions") -> RecordDraft {
    let payload = RequestIntent(
        id: id, host: "api.openai.com", port: 443, method: "POST", path: path, operation: .chatCompletions, model: "gpt-4o",
        reservedCost: Money(nanos: 1), reservedTokens: 1, redactions: [:], bytes: 1, rule: "providers[0]")
    return RecordDraft(kind: .requestIntent, data: payload.data())
}

func outcome(_ id: UInt64) -> RecordDraft {
    let payload = RequestOutcome(
        id: id, status: 200, bytesIn: 1, model: "gpt-4o", usage: TokenUsage(input: 1), cost: Money(nanos: 1), milliseconds: 1)
    return RecordDraft(kind: .requestOutcome, data: payload.data())
}
