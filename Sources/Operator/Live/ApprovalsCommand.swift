// akios approvals: the requests of running sessions that wait for somebody's yes, and the yes or no.

import ArgumentParser
import Events
import Glibc
import JSONBytes
import LinuxSys
import LogStore
import Vocabulary
import Wire

struct ApprovalsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approvals", abstract: "See and answer what running sessions ask.",
        subcommands: [ApprovalsListCommand.self, ApproveCommand.self, DenyCommand.self],
        defaultSubcommand: ApprovalsListCommand.self)
}

struct ApprovalsListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the requests that wait, of one or of all running sessions.")

    @Argument(help: "The id of a running session, a part of one, or 'latest'; absent: all.")
    var session: String?

    @Flag(help: "Show requests as they come, and on a terminal ask for each.")
    var watch = false

    @Flag(help: "Print a JSON array; with --watch one object a line.")
    var json = false

    func run() throws {
        if watch {
            var watch = ApprovalsWatch(choice: session, json: json)
            return try watch.run()
        }
        let questions = try RunningSessions.connect(session).flatMap { connection in
            try RunningSessions.words { () throws(ControlConnection.Failure) in try connection.list() }
                .map { SessionQuestion(session: connection.session, open: $0) }
        }
        if json {
            Console.json(.array(questions.map(\.json)))
        } else if questions.isEmpty {
            Console.hint("no request waits for approval")
        } else {
            Console.table(SessionQuestion.headings, questions.map(\.cells))
        }
    }
}

struct ApproveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "approve", abstract: "Let a request go out that waits.")

    @OptionGroup var answer: AnswerOptions

    func run() throws { try answer.say(allows: true, stops: false) }
}

struct DenyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "deny", abstract: "Refuse a request that waits.")

    @OptionGroup var answer: AnswerOptions

    @Flag(help: "End its session too; its exit status is 122.")
    var stop = false

    func run() throws { try answer.say(allows: false, stops: stop) }
}

struct AnswerOptions: ParsableArguments {
    @Argument(help: "The request, as akios approvals shows it: 7k2mq0xd-3.")
    var id: String

    @Flag(help: "This one request. This is the default.")
    var once = false

    @Flag(
        help:
            "Also what else is asked of the same method, host, port and path, whatever its query and body, until the session ends.")
    var session = false

    func validate() throws {
        if once, session { throw ValidationError("--once and --session exclude each other") }
    }

    func say(allows: Bool, stops: Bool) throws {
        let word = OperatorWord(allows: allows, forSession: session, stops: stops)
        for running in RunningSessions.all {
            guard let number = SessionQuestion.number(in: id, of: running.session) else { continue }
            let refused = try RunningSessions.words { () throws(ControlConnection.Failure) -> ControlReply.Failure? in
                let connection = try ControlConnection(running.session, in: running.base)
                guard let open = try connection.list().first(where: { $0.id == number }) else { return .notPending }
                return try connection.decide(open, word)
            }
            guard let refused else { return Console.line("\(allows ? "approved" : "denied") \(Console.plain(id))") }
            throw RunningSessions.failure(refused, id)
        }
        throw CommandFailure(
            .unavailable, "no running session has a request '\(Console.plain(id))'", hint: "akios approvals lists what waits")
    }
}
