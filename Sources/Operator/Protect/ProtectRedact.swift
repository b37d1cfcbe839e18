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
        do throws(ScanError) {
            if json {
                var input = InputFile(descriptor: STDIN_FILENO)
                let body = input.rest()
                if let error = input.error { throw .malformed(error) }
                output(try engine.redactJSON(body, scope: scope, filter: .none).body)
                return
            }
            var stream = StreamRedactor(engine, scope: scope)
            var input = InputFile(descriptor: STDIN_FILENO)
            while let piece = input.next() { output(try stream.feed(piece)) }
            // What is held back may be the start of something: after a failed read it is not shown.
            if let error = input.error { throw .malformed(error) }
            output(try stream.finish())
        } catch {
            throw Protection.failure(error, "stdin")
        }
    }

    private func output(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { Glibc.exit(Status.no.rawValue) }
            rest = rest.dropFirst(count)
        }
    }
}

/// Reads a descriptor piece by piece.
struct InputFile {
    private let descriptor: Int32
    /// What went wrong, in the system's words.
    private(set) var error: String?

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// nil at the end, or after an error.
    mutating func next() -> [UInt8]? {
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count > 0 { return Array(piece[..<count]) }
            if count == 0 { return nil }
            if errno == EINTR { continue }
            error = String(cString: strerror(errno))
            return nil
        }
    }

    mutating func rest() -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = next() { bytes += piece }
        return bytes
    }
}
