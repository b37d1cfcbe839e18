// The `akios` command: what an operator asks before, during and after a run. It reads; only `sessions` writes, to seal what a
// crash left, and `approvals` speaks to running sessions.

public import ArgumentParser
import Glibc
import Vocabulary

public struct AkiosCommand: ParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "akios",
        abstract: "Look at runs of akios-exec, verify their logs, and prepare the next one.",
        discussion: """
            SESSION is an id, a unique prefix of one, `latest`, or a folder.
            Exit status: 0 yes, 1 no, 2 usage, 3 something was found, 4 no such session or no permission.
            """,
        version: "akios \(Release.version)",
        subcommands: [
            DoctorCommand.self, SessionsCommand.self, LogsCommand.self, AuditCommand.self, ProfileCommand.self, ProtectCommand.self,
            ApprovalsCommand.self, HTTPCommand.self, DemoCommand.self,
        ])

    public init() {}

    /// Runs the command line and leaves with its status. The parser's own statuses (64 for usage) become ours.
    public static func start() -> Never {
        // A closed pipe is an error of the write, not the end of us.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            try command.run()
            Glibc.exit(Status.yes.rawValue)
        } catch let failure as CommandFailure {
            Console.complain(failure.complaint)
            Glibc.exit(failure.status.rawValue)
        } catch let status as ExitCode {
            Glibc.exit(status.rawValue)
        } catch {
            if exitCode(for: error) == .success {
                // --help and --version.
                Console.line(fullMessage(for: error))
                Glibc.exit(Status.yes.rawValue)
            }
            // The parser writes sentences; our errors begin small.
            let what = message(for: error)
            Console.complain(Complaint(what.prefix(1).lowercased() + what.dropFirst(), hint: "akios --help"))
            Glibc.exit(exitCode(for: error) == .validationFailure ? Status.usage.rawValue : Status.no.rawValue)
        }
    }
}
