// akios profile list: one line a name.

import ArgumentParser
import JSONBytes
import Profile
import ProfileFile

struct ProfileList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The profiles that can be named.")

    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let entries = ProfileFile.catalog()
        if json {
            Console.json(.array(entries.map(ProfileOutput.json)))
            return
        }
        let width = entries.map(\.name.count).max() ?? 0
        for entry in entries {
            let name = entry.name + String(repeating: " ", count: width - entry.name.count)
            let origin =
                entry.origin.hasPrefix("builtin/") ? "" : "  (\(entry.origin)\(entry.shadows ? ", shadows the shipped one" : ""))"
            let words = entry.problem.map { "cannot be used: \($0.message)" } ?? entry.description
            Console.line(Console.plain("\(name)  \(words)\(origin)"))
        }
    }
}
