// What people see: plain text, one line a record.

import ArgumentParser
import Foundation
import Testing

@testable import Operator

@Suite struct RecordTextTests {
    @Test func controlCharactersNeverReachTheTerminal() {
        #expect(Console.plain("a\u{1b}[2Jb\u{7}\u{9b}c\u{202e}d\n") == "a?[2Jb??c?d?")
        #expect(Console.plain("café 10 €") == "café 10 €")
    }

    @Test func aRecordIsOneLine() {
        let line =
            #"{"data":{"code":"host_not_allowed","host":"evil.example","method":"GET","path":"/\u001b[2J","port":443,"reason":"no rule"},"kind":"request.refused","seq":"3","session":"a","ts":"2026-11-21T06:17:05.123456789Z","v":1}"#
        #expect(
            RecordText.line(Array(line.utf8)) == "06:17:05.123  request.refused    host_not_allowed: GET evil.example/?[2J: no rule"
        )
        let sockets =
            #"{"data":{"call":"socket","count":12,"family":"inet","protocol":"icmp","type":"raw"},"kind":"socket.refused","seq":"4","session":"a","ts":"2026-11-21T06:17:05.123456789Z","v":1}"#
        #expect(RecordText.line(Array(sockets.utf8)) == "06:17:05.123  socket.refused     12 × socket(inet, raw, icmp)")
        #expect(RecordText.line([1, 2, 3]) == "(not a record)")
    }

    /// The manual page knows every command, and no other.
    @Test func theManualNamesEveryCommand() throws {
        func commands(_ type: any ParsableCommand.Type, _ path: [String]) -> [String] {
            let below = type.configuration.subcommands
            if below.isEmpty { return [path.joined(separator: " ")] }
            return below.flatMap { commands($0, path + [$0.configuration.commandName ?? ""]) }
        }
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/../../man/akios.1"
        let lines = try String(contentsOfFile: page, encoding: .utf8).split(separator: "\n")
        let synopsis = lines.prefix { $0 != ".Sh DESCRIPTION" }.filter { $0.hasPrefix(".Cm ") }.map { String($0.dropFirst(4)) }
        #expect(synopsis.sorted() == commands(AkiosCommand.self, []).sorted())
        for command in synopsis { #expect(lines.contains { $0 == ".It Cm \(command)" }, "\(command)") }
    }

    @Test(arguments: [["logs"], ["logs", "a", "-n", "-1"], ["audit", "verify"], ["nonsense"], ["sessions", "--nonsense"]])
    func wrongUsageIsRefused(arguments: [String]) {
        #expect(throws: (any Error).self) { try AkiosCommand.parseAsRoot(arguments) }
    }
}
