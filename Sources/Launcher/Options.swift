// Options: the command line of akios-exec as a value. Options end at the first word that is not one, as with
// env(1): what follows belongs to the agent, dashes and all.

import Vocabulary

struct Options: Equatable {
    enum Action: Equatable { case run, plan, help, version }

    var profiles: [String] = []
    var sets: [String] = []
    var user: String?
    var workspace: String?
    var sessionDir: String?
    var output: String?
    var receipt: String?
    var statusFD: Int32?
    var killAfter = TimeSpan(milliseconds: 10_000)
    var cgroupParent: String?
    var acceptTier: Tier?
    var action = Action.run
    var quiet = false
    var verbose = false
    var command: [String] = []

    static let usage = """
        usage: akios-exec [-p NAME|FILE]... [--set KEY=VALUE]... [OPTION]... [--] COMMAND [ARG]...

        Runs COMMAND in a cage: its only way out is an HTTPS proxy that redacts, meters and logs.

          -p, --profile NAME|FILE  policy to run under; may be repeated (default: standard)
              --set KEY=VALUE      one key below spec, as governance.budget.per_session.max_cost_usd=0.50
              --accept-tier TIER   for this run, accept a weaker cage: strong or contained (recorded)
              --workspace DIR      folder the agent works in (default: the profile's, else this one)
              --user USER          run as the caller's own user; no other
              --session-dir DIR    where this session's log, receipt and output.json go
              --output FILE        copy of output.json, yours
              --receipt FILE       copy of receipt.json, yours
              --status-fd N        one JSON line on start and on exit, to descriptor N
              --kill-after TIME    from TERM to KILL, when akios-exec is told to end (default: 10s)
              --cgroup-parent DIR  cgroup v2 folder to make the session's group in
              --plan               print what would be done, and do nothing
          -q, --quiet              no summary line
          -v, --verbose            layers and session on stderr before the start
              --version            print the version
          -h, --help               print this

        Exit status: the agent's own; 120 budget, 121 policy, 123 operator, 124 time, 125 akios-exec failed,
        126 not executable, 127 not found. output.json says who spoke.

        """

    /// `arguments` without the program's name.
    static func parse(_ arguments: [String]) throws(Complaint) -> Options {
        var options = Options()
        var rest = arguments[...]
        while let word = rest.first, word.hasPrefix("-"), word != "-" {
            rest.removeFirst()
            if word == "--" { break }
            let (name, attached) = split(word)
            switch name {
            case "-h", "--help": options.action = .help
            case "--version": options.action = .version
            case "--plan": options.action = .plan
            case "-q", "--quiet": options.quiet = true
            case "-v", "--verbose": options.verbose = true
            default:
                guard valued.contains(name) else {
                    let near = (valued + flags).filter { distance($0, name) <= 2 }.min { distance($0, name) < distance($1, name) }
                    throw Complaint("unknown option '\(name)'", hint: near.map { "did you mean '\($0)'?" } ?? "akios-exec --help")
                }
                guard let value = attached ?? rest.popFirst() else {
                    throw Complaint("option '\(name)' needs a value", hint: "akios-exec --help")
                }
                try options.take(name, value)
                continue
            }
            guard attached == nil else { throw Complaint("option '\(name)' takes no value", hint: "akios-exec --help") }
        }
        options.command = Array(rest)
        if options.quiet, options.verbose {
            throw Complaint("--quiet and --verbose contradict each other", hint: "give one of them")
        }
        if options.command.isEmpty, options.action == .run || options.action == .plan {
            throw Complaint("no command given", hint: "akios-exec --profile strict -- python agent.py")
        }
        return options
    }

    private static let valued = [
        "-p", "--profile", "--set", "--user", "--workspace", "--session-dir", "--output", "--receipt", "--status-fd",
        "--kill-after",
        "--cgroup-parent", "--accept-tier",
    ]
    private static let flags = ["--plan", "--quiet", "--verbose", "--version", "--help"]

    private mutating func take(_ name: String, _ value: String) throws(Complaint) {
        switch name {
        case "-p", "--profile": profiles.append(value)
        case "--set":
            guard value.contains("="), !value.hasPrefix("=") else {
                throw Complaint("--set '\(value)' is not KEY=VALUE", hint: "--set governance.budget.per_session.max_cost_usd=0.50")
            }
            sets.append(value)
        case "--user": user = value
        case "--workspace": workspace = value
        case "--session-dir": sessionDir = value
        case "--output": output = value
        case "--receipt": receipt = value
        case "--cgroup-parent": cgroupParent = value
        case "--status-fd":
            guard let number = Int32(value), number >= 1, number < 1024 else {
                throw Complaint(
                    "--status-fd '\(value)' is not a descriptor", hint: "a number from 1, as in --status-fd 3 3>status.json")
            }
            statusFD = number
        case "--kill-after":
            guard let span = TimeSpan(text: value) else {
                throw Complaint("--kill-after '\(value)' is not a time", hint: "as in 10s or 500ms")
            }
            killAfter = span
        case "--accept-tier":
            guard let tier = Tier(rawValue: value), tier != .full else {
                throw Complaint("--accept-tier '\(value)' is not a tier", hint: "strong or contained")
            }
            acceptTier = tier
        default: break  // `valued` and this switch name the same options; the tests walk both
        }
    }

    private static func split(_ word: String) -> (name: String, value: String?) {
        guard word.hasPrefix("--"), let equals = word.firstIndex(of: "=") else { return (word, nil) }
        return (String(word[..<equals]), String(word[word.index(after: equals)...]))
    }

    /// Edit distance, for "did you mean".
    private static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a.utf8)
        let b = Array(b.utf8)
        var row = Array(0...b.count)
        for i in a.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in b.indices {
                let cost = min(diagonal + (a[i] == b[j] ? 0 : 1), row[j] + 1, row[j + 1] + 1)
                diagonal = row[j + 1]
                row[j + 1] = cost
            }
        }
        return row[b.count]
    }
}
