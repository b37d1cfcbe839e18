// akios sessions: what ran, when, behind which profile, how it ended and what it cost.

import ArgumentParser
import Audit
import Events
import Glibc
import JSONBytes
import LinuxSys
import LogStore
import Vocabulary

struct SessionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions", abstract: "List sessions, oldest first.",
        discussion: "Logs whose writer died are sealed as crashed on the way, where this user may sign.")

    @Flag(help: "Print a JSON array.")
    var json = false

    func run() throws {
        let store = try SessionChoice.store()
        let swept = sweep(store)
        let rows: [Row]
        do {
            rows = try store.list().map { Row($0, store, wrong: swept[store.path($0)]) }
        } catch {
            throw SessionChoice.unavailable(error)
        }
        if json {
            Console.json(.array(rows.map(\.json)))
        } else if rows.isEmpty {
            Console.hint("no session yet in \(store.folders.sessions)")
        } else {
            Console.table(["SESSION", "STATE", "PROFILE", "EXIT", "COST", "REQUESTS"], rows.map(\.cells))
        }
        for row in rows {
            if let wrong = row.wrong {
                Console.complain(
                    Complaint("\(row.id): \(wrong)", hint: "do not trust this log; compare it with a copy made elsewhere"))
            }
        }
        if rows.contains(where: { $0.wrong != nil }) { throw ExitCode(Status.no.rawValue) }
    }

    /// Folder → what is wrong with it. Only who owns the state folder can sign; for others crashed sessions stay `unsealed`.
    private func sweep(_ store: SessionStore) -> [String: String] {
        guard access(store.folders.sessions, W_OK) == 0 else { return [:] }
        do {
            let key = try KeyStore.signingKey(state: try store.folders.openState())
            var wrong: [String: String] = [:]
            for (path, result) in try store.sweep(key: key, at: .now) {
                switch result {
                case .tampered(let why): wrong[path] = why.description
                case .sealRemoved: wrong[path] = "its last checkpoint is gone"
                case .unfinished(let error): Console.complain(Complaint("\(path) is not sealed: \(error)", hint: error.hint))
                default: break
                }
            }
            return wrong
        } catch {
            // The list is still worth showing.
            Console.complain(error.complaint)
            return [:]
        }
    }

    struct Row {
        var id: SessionID
        var state: String
        var wrong: String?
        var output: JSONValue?

        init(_ id: SessionID, _ store: SessionStore, wrong: String?) {
            self.id = id
            self.wrong = wrong
            state = "unreadable"
            guard let folder = try? Folder(opening: store.path(id)) else { return }
            if let found = try? SessionStore.state(of: folder) { state = found.rawValue }
            if wrong != nil { state = "tampered" }
            if let bytes = (try? folder.read("output.json", limit: 16_777_216)) ?? nil {
                output = try? JSONValue.parse(bytes.dropLast(bytes.last == 0x0a ? 1 : 0))
            }
            if state == "sealed", output?["exit"]?["reason"]?.stringValue?.hasPrefix("crashed") == true { state = "crashed" }
        }

        var cells: [String] {
            [
                id.text, state, Console.plain(output?["profile"]?.stringValue ?? "-"),
                output?["exit"]?["status"]?.intValue.map { String($0) } ?? "-",
                output?["cost"]?["total_cost_usd"]?.stringValue.map { "$" + Console.plain($0) } ?? "-",
                output?["egress"]?["requests"]?.intValue.map { String($0) } ?? "-",
            ]
        }

        var json: JSONValue {
            .object([
                .init("cost_usd", output?["cost"]?["total_cost_usd"] ?? .null), .init("ended", output?["ended"] ?? .null),
                .init("exit", output?["exit"] ?? .null), .init("profile", output?["profile"] ?? .null),
                .init("requests", output?["egress"]?["requests"] ?? .null), .init("session", .string(id.text)),
                .init("started", output?["started"] ?? .null), .init("state", .string(state)),
            ])
        }
    }
}
