// What people see: plain text, one line a record.

import ArgumentParser
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

    @Test func everyNamedCommandIsThere() {
        let names = AkiosCommand.configuration.subcommands.map { $0.configuration.commandName ?? "" }
        #expect(Set(["sessions", "logs", "audit"]).isSubset(of: names))
    }

    @Test(arguments: [["logs"], ["logs", "a", "-n", "-1"], ["audit", "verify"], ["nonsense"], ["sessions", "--nonsense"]])
    func wrongUsageIsRefused(arguments: [String]) {
        #expect(throws: (any Error).self) { try AkiosCommand.parseAsRoot(arguments) }
    }
}
