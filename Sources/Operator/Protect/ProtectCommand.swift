// akios protect: the scanner of the egress, on files and pipes. It never prints what it found, only where.

import ArgumentParser
import CData
import JSONBytes
import Profile
import ProfileFile
import Redaction
import Vocabulary

struct ProtectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "protect", abstract: "Find or redact personal data and secrets, as a run would.",
        subcommands: [ProtectRedact.self, ProtectScan.self, ProtectTypes.self])
}

struct ProtectTypes: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "types", abstract: "List what is looked for.")

    @Flag(help: "Print a JSON array.") var json = false

    func run() {
        guard json else { return Console.table(["TYPE", "CATEGORY"], Engine.types.map { [$0.type, $0.category.rawValue] }) }
        Console.json(
            .array(
                Engine.types.map { .object([.init("category", .string($0.category.rawValue)), .init("type", .string($0.type))]) }))
    }
}

enum Protection {
    /// The embedded patterns with what a profile asks for; without one, everything.
    static func engine(_ handling: PIIHandling) throws -> Engine {
        var length = 0
        let start = akios_patterns(&length)
        do {
            return try Engine(database: Array(UnsafeBufferPointer(start: start, count: length)), handling: handling)
        } catch {
            throw CommandFailure(.no, error.description, hint: "this build is broken: build it again")
        }
    }

    static func handling(_ profile: String?) throws -> PIIHandling {
        guard let profile else { return PIIHandling() }
        do throws(ProfileError) {
            return try ProfileFile.load(names: [profile]).spec.pii
        } catch {
            throw CommandFailure(.no, ProfileOutput.complaint(error))
        }
    }

    /// The engine's answer, or its refusal in words.
    static func of<Answer>(_ name: String, _ work: () throws(ScanError) -> Answer) throws(CommandFailure) -> Answer {
        do {
            return try work()
        } catch {
            throw failure(error, name)
        }
    }

    private static func failure(_ error: ScanError, _ name: String) -> CommandFailure {
        let hint =
            switch error {
            case .malformed: "leave --json away to treat it as text"
            case .budget: "split it into smaller parts"
            case .database, .matcher: "this build is broken: build it again"
            }
        return CommandFailure(.no, "\(Console.plain(name)): \(error.description)", hint: hint)
    }
}
