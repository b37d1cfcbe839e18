// akios profile lint: every error of every file, and what is worth knowing of those without one.

import ArgumentParser
import JSONBytes
import Profile
import ProfileFile
import Redaction

struct ProfileLint: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint", abstract: "Check profiles; exit 1 if one cannot be used.",
        discussion:
            "Each file is checked alone. Notes name what this release does not enforce and what a file loosens against its parents."
    )

    @Argument(help: "Files or names.") var profiles: [String]
    @Flag(help: "Print JSON.") var json = false
    @Flag(help: "Refuse what is not for production, such as `mode: detect`.") var production = false

    func run() throws {
        let reports = profiles.map { LintReport($0, production: production) }
        if json {
            Console.json(.array(reports.map(ProfileOutput.json)))
        } else {
            for report in reports {
                for note in report.notes { Console.line(note.description) }
                for error in report.errors { Console.complain(ProfileOutput.complaint(error)) }
                if report.errors.isEmpty { Console.line("\(Console.plain(report.name)): ok") }
            }
        }
        if reports.contains(where: { !$0.errors.isEmpty }) { throw ExitCode(Status.no.rawValue) }
    }
}

struct LintReport {
    let name: String
    var errors: [ProfileError] = []
    var notes: [Note] = []

    init(_ name: String, production: Bool) {
        self.name = name
        do throws(ProfileError) {
            let resolved = try ProfileFile.load(names: [name])
            notes = resolved.notes
            errors = resolved.unknownTypes(known: Engine.types.map(\.type))
            if production { errors += resolved.productionErrors() }
        } catch {
            errors = [error]
        }
    }
}
