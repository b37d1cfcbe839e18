// `akios demo`: finds the demo and becomes it. The demo is a script because it shows the product from the outside: it starts
// the test upstream, runs a real agent under akios-exec and compares the two ends.

import ArgumentParser
import Glibc

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Show a whole run: an agent in the cage, its traffic redacted, metered and logged.",
        discussion: """
            Needs no key and no network. It comes with the source tree (`make demo` prepares what it needs); exit status 0 means
            that everything shown was as promised.
            """)

    func run() throws {
        let folder = try Programs.folder()
        guard let script = Self.candidates(beside: folder).first(where: { access($0, X_OK) == 0 }) else {
            throw CommandFailure(
                .no, "the demo is not here: neither beside this program nor in a source tree above it",
                hint: "run `make demo` in a checkout of akios-exec")
        }
        // The programs beside this one are those to be shown.
        setenv("AKIOS_BIN", folder, 0)
        try Programs.become(script, [], hint: "the demo needs Debian's python3")
    }

    /// Installed places first, then `Tests/Demo/run` in each folder above: a build lies some levels below the source tree.
    private static func candidates(beside folder: String) -> [String] {
        var found = ["\(folder)/demo/run", "\(folder)/../share/akios/demo/run"]
        var above = folder[...]
        while let slash = above.lastIndex(of: "/") {
            above = above[..<slash]
            found.append("\(above)/Tests/Demo/run")
        }
        return found
    }
}
