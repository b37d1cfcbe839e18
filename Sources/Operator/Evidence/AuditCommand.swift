// akios audit: is this log the one that was written?

import ArgumentParser
import Audit
import Events
import Glibc
import JSONBytes
import LinuxSys
import LogStore
import Vocabulary

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Check the evidence of a run.", subcommands: [VerifyCommand.self])
}

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Verify a session's log: every record, every checkpoint, the seal, the receipt.",
        discussion: """
            Keys are trusted from the state folder's pub/ and /var/lib/akios/pub, or from --key alone; never from the session \
            folder. A log that is not sealed does not verify. That a whole session was deleted shows only in a copy of its \
            last checkpoint kept elsewhere.
            """)

    @Argument(help: "An id, a unique prefix of one, 'latest', or a folder.")
    var session: String

    @Option(help: "Trust only this public key, a .vkey file; may be given more than once.")
    var key: [String] = []

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() throws {
        let folder = try SessionChoice.open(session)
        do {
            let log = try LogReader.verify(folder, keys: try trusted())
            report(log)
        } catch let error as VerifyError {
            switch error {
            case .unreadable(let error): throw SessionChoice.unavailable(error)
            case .failed(let why):
                if json { Console.json(Self.json(why)) }
                throw CommandFailure(.no, "\(folder.path): \(Console.plain(why.description))", hint: why.hint)
            }
        }
    }

    private func trusted() throws -> [NoteKey] {
        guard !key.isEmpty else {
            do {
                return try SessionChoice.store().trustedKeys()
            } catch let error as LogError {
                throw SessionChoice.unavailable(error)
            }
        }
        return try key.map { path in
            do {
                guard let key = KeyStore.parse(try readFile(path, limit: 4096)) else {
                    throw CommandFailure(.usage, "\(path) is no public key", hint: "a .vkey file holds one line, name+hash+key")
                }
                return key
            } catch let error as SysError {
                throw CommandFailure(.unavailable, "\(error)", hint: "--key takes a .vkey file from pub/ in a state folder")
            }
        }
    }

    private func report(_ log: VerifiedLog) {
        guard !json else {
            return Console.json(
                .object([
                    .init("ended", .string(log.ended.rfc3339)), .init("ending", .string(log.ending.rawValue)),
                    .init("key", .string(log.key.vkey)), .init("ok", .bool(true)), .init("records", .integer(Int64(log.records))),
                    .init("root", .string(log.root.hex)), .init("session", .string(log.session.text)),
                    .init("started", .string(log.started.rfc3339)),
                ]))
        }
        Console.line("ok: \(log.records) records, root \(log.root.hex), signed by \(log.key.name)")
        if log.ending == .sessionCrashed { Console.line("the writer died; a later process sealed what it had written") }
    }

    private static func json(_ why: AuditFailure) -> JSONValue {
        .object([.init("error", .string(why.description)), .init("ok", .bool(false)), .init("reason", .string(why.code))])
    }
}
