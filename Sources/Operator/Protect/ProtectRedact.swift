// akios protect redact: a filter. Text goes through as it comes; whatever may still become part of a value waits.

import ArgumentParser
import Glibc
import Profile
import Redaction

struct ProtectRedact: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redact", abstract: "Copy stdin to stdout with markers such as «EMAIL» in place of what is sensitive.")

    enum Direction: String, ExpressibleByArgument, CaseIterable { case out, `in` }

    @Option(help: "Redact what this profile asks for; without it, everything.") var profile: String?
    @Option(help: "As if it left the cage (out) or came back (in). Where the profile redacts only the other way, secrets only.")
    var direction = Direction.out
    @Flag(help: "stdin is one JSON text: look behind its escapes and keep it valid.") var json = false

    func run() throws {
        let handling = try Protection.handling(profile)
        let engine = try Protection.engine(handling)
        let asked: PIIHandling.Direction = direction == .out ? .out : .in
        let scope: Scope = handling.direction == .both || handling.direction == asked ? .all : .secrets
        let input = InputFile(descriptor: STDIN_FILENO, name: "stdin")
        if json {
            let body = try input.rest()
            return output(
                try Protection.of("stdin") { () throws(ScanError) in try engine.redactJSON(body, scope: scope, filter: .none).body }
            )
        }
        var stream = StreamRedactor(engine, scope: scope)
        // What is held back may be the start of something: after a failed read it is not shown.
        while let piece = try input.next() { output(try Protection.of("stdin") { () throws(ScanError) in try stream.feed(piece) }) }
        output(try Protection.of("stdin") { () throws(ScanError) in try stream.finish() })
    }

    private func output(_ bytes: [UInt8]) {
        if !Console.result(bytes) { Glibc.exit(Status.no.rawValue) }
    }
}
