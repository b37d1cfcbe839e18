// `akios http`: one request as an agent would make it: becomes akios-exec, which runs akios-http in the cage.

import ArgumentParser
import Glibc

struct HTTPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "http",
        abstract: "Send one request from a cage, through policy, redaction, metering and log.",
        discussion: """
            The answer's body goes to standard output. Exit status: 0 for 2xx, 1 for any other answer (a refusal is one), 3 without an
            answer; those of akios-exec where it ended the run.
            """)

    @Option(name: .shortAndLong, help: "Policy to send it under; may be repeated (default: standard).")
    var profile: [String] = []

    @Option(help: "One key below spec, as KEY=VALUE; may be repeated.")
    var set: [String] = []

    @Option(help: "Accept a weaker cage: strong or contained.")
    var acceptTier: String?

    @Option(name: [.customShort("H"), .long], help: "A field of the request's head, as 'NAME: VALUE'; may be repeated.")
    var header: [String] = []

    @Option(name: .shortAndLong, help: "The body (default: standard input, for POST, PUT and PATCH).")
    var data: String?

    @Option(name: .shortAndLong, help: "Give up after this time, as 10s (default: 30s).")
    var maxTime: String?

    @Flag(name: [.customShort("i"), .long], help: "Show the answer's whole head.")
    var head = false

    @Flag(name: .shortAndLong, help: "Neither a status line nor a summary.")
    var quiet = false

    @Argument var method: String
    @Argument var url: String

    func run() throws {
        let launcher = try Programs.path(of: "akios-exec")
        let request = try Programs.path(of: "akios-http")
        try Programs.become(launcher, arguments(request))
    }

    /// What akios-exec is called with.
    func arguments(_ request: String) -> [String] {
        var words: [String] = []
        for name in profile { words += ["--profile", name] }
        for pair in set { words += ["--set", pair] }
        if let acceptTier { words += ["--accept-tier", acceptTier] }
        if quiet { words.append("--quiet") }
        // It needs no file of the caller's, wherever they stand.
        words += ["--set", "sandbox.filesystem.workspace.mode=none", "--", request]
        for field in header { words += ["--header", field] }
        if let data { words += ["--data", data] }
        if let maxTime { words += ["--max-time", maxTime] }
        if head { words.append("--head") }
        if quiet { words.append("--quiet") }
        return words + ["--", method, url]
    }
}
