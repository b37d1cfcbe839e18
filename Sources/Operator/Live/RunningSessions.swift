// RunningSessions: the sessions whose control socket this user may speak to, and the words for those that one may not.

import Events
import LogStore
import Vocabulary
import Wire

enum RunningSessions {
    typealias Found = (session: SessionID, base: String)

    /// What has a run folder, by start. Some may have died there.
    static var all: [Found] {
        guard let folders = StateFolders() else { return [] }
        return RunFolder.list(in: folders.runs).sorted { $0.session < $1.session }
    }

    /// Connected: to all that may be spoken to, or to the one that `choice` names.
    static func connect(_ choice: String?) throws -> [ControlConnection] {
        guard let choice else {
            return all.compactMap { found in try? ControlConnection(found.session, in: found.base) }
        }
        let matching = matches(choice, all)
        guard let found = matching.first else {
            throw CommandFailure(
                .unavailable, "no running session '\(Console.plain(choice))'", hint: "akios sessions says what runs")
        }
        guard matching.count == 1 else {
            throw CommandFailure(
                .unavailable, "\(matching.count) running sessions match '\(Console.plain(choice))'", hint: "give more of the id")
        }
        return [
            try words { () throws(ControlConnection.Failure) in try ControlConnection(found.session, in: found.base) }
        ]
    }

    /// By the whole id, a prefix, its own last part, or `latest`.
    static func matches(_ choice: String, _ all: [Found]) -> [Found] {
        if choice == "latest" { return all.suffix(1) }
        let exact = all.filter { $0.session.text == choice }
        if !exact.isEmpty { return exact }
        return all.filter { $0.session.text.hasPrefix(choice) || $0.session.own == choice }
    }

    /// Failures of a connection as a command's.
    static func words<Value>(_ body: () throws(ControlConnection.Failure) -> Value) throws -> Value {
        do throws(ControlConnection.Failure) { return try body() } catch {
            switch error {
            case .ended: throw CommandFailure(.unavailable, "the session has ended", hint: "akios sessions says how")
            case .notPermitted:
                throw CommandFailure(
                    .unavailable, "no permission to speak to this session", hint: "run this as the user who started it, or as root")
            case .broken(let what):
                throw CommandFailure(
                    .no, "the session cannot be spoken to: \(Console.plain(what))", hint: "is it stopped (Ctrl-Z)?")
            }
        }
    }

    /// Why a word was none.
    static func failure(_ why: ControlReply.Failure, _ id: String) -> CommandFailure {
        let id = Console.plain(id)
        return switch why {
        case .notPending:
            CommandFailure(
                .unavailable, "\(id) does not wait any more", hint: "it was answered, its time is over, or its client hung up")
        case .otherRequest: CommandFailure(.no, "\(id) is another request by now", hint: "akios approvals shows what waits")
        case .tooMany:
            CommandFailure(.no, "this session keeps no more answers for its rest", hint: "answer with --once")
        case .notRecorded: CommandFailure(.no, "the answer could not be recorded, so it does not count", hint: "akios logs latest")
        case .notPermitted:
            CommandFailure(.unavailable, "no permission to answer \(id)", hint: "run this as the user who started it, or as root")
        case .unknown: CommandFailure(.no, "the session is of another version", hint: "use the akios it was started with")
        }
    }
}
