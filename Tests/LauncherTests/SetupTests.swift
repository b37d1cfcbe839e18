// What the launcher reads before anything starts: the caller, keys, host files, reasons for the last line.

import CagePlan
import Events
import Glibc
import LinuxSys
import Profile
import Testing
import Vocabulary
import Wire

@testable import Launcher

@Suite struct InvokerTests {
    @Test(.enabled(if: geteuid() == 0)) func rootActsForWhomSudoNames() throws {
        let invoker = try Invoker.current(environment: ["SUDO_UID": "4242", "SUDO_GID": "4243"])
        #expect(invoker == Invoker(privileged: true, underSudo: true, uid: 4242, gid: 4243))
        #expect(invoker.eyes == FileIdentity(uid: 4242, gid: 4243))
        try invoker.check(user: "4242")
        #expect(throws: Complaint.self) { try invoker.check(user: "root") }
        #expect(throws: Complaint.self) { try invoker.check(user: "nobody-of-that-name") }
    }

    @Test(
        .enabled(if: geteuid() == 0),
        arguments: [
            ["SUDO_UID": "x", "SUDO_GID": "1"], ["SUDO_UID": "1"], ["SUDO_UID": "-1", "SUDO_GID": "1"],
            ["SUDO_UID": "4294967295", "SUDO_GID": "1"], ["DOAS_USER": "eve"], ["PKEXEC_UID": "4242"],
        ]) func aHalfNamedCallerIsRefused(_ environment: [String: String])
    {
        #expect(throws: Complaint.self) { try Invoker.current(environment: environment) }
    }

    @Test func theEnvironmentNamesNoOtherHomeForRoot() {
        let invoker = Invoker(privileged: true, underSudo: true, uid: 4_000_001, gid: 1)
        let caller = invoker.caller(environment: ["HOME": "/evil"])
        #expect(caller.home == "/" && caller.name == "user4000001")
    }
}

@Suite struct HostFilesTests {
    @Test func nameServersAsResolvConfHasThem() {
        let text =
            "# comment\nsearch example\nnameserver 10.0.0.1\n nameserver\tfe80::1\nnameserver x\nnameserver 1.1.1.1\nnameserver 8.8.8.8\n"
        #expect(HostFiles.nameServers(in: text).map(\.description) == ["10.0.0.1", "fe80:0:0:0:0:0:0:1", "1.1.1.1"])
    }

    @Test func hostsAsHostsHasThem() throws {
        let hosts = HostFiles.hosts(
            in: "127.0.0.1 localhost # me\n::1 localhost\n10.1.2.3\tdb.example DB2.example\nbad line\n#1.2.3.4 no.example\n")
        #expect(hosts[try #require(HostName("localhost"))]?.count == 2)
        #expect(hosts[try #require(HostName("db2.example"))]?.map(\.description) == ["10.1.2.3"])
        #expect(hosts[try #require(HostName("no.example"))] == nil)
    }
}

@Suite struct ConsoleTests {
    @Test func aNameInAMessageSteersNoTerminal() {
        let hostile = "error: /w/\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\r\t\u{7f}.sh\n"
        #expect(Console.printable(hostile) == "error: /w/?]0;owned??31m????.sh\n")
        #expect(Console.printable("hint: café – ok\n") == "hint: café – ok\n")
    }
}

@Suite struct RefusalDigestTests {
    private func note(_ reason: String) -> RecordDraft {
        RecordDraft(kind: .requestRefused, data: Array(#"{"reason":"\#(reason)"}"#.utf8))
    }

    @Test func theFirstReasonIsSaidTheOthersCounted() {
        var digest = RefusalDigest()
        #expect(digest.words(session: "s").isEmpty)
        for reason in ["one", "one", "two", "three"] { digest.take(note(reason)) }
        #expect(digest.words(session: "s") == " (one; 2 further reasons: akios logs s)")
    }

    @Test func nothingSteersTheTerminal() {
        var digest = RefusalDigest()
        digest.take(note(#"model '\u001b]0;owned\u0007\u009b31m\u202e' has no price"#))
        let words = digest.words(session: "s")
        #expect(words.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value < 0x7f })
        #expect(RefusalDigest.printable(String(repeating: "x", count: 5000)).utf8.count < 300)
    }

    @Test func onlyRefusalsCountAndOnlySoManyAreKept() {
        var digest = RefusalDigest()
        digest.take(RecordDraft(kind: .requestOutcome, data: Array(#"{"reason":"x"}"#.utf8)))
        #expect(digest.first == nil)
        for number in 0..<1000 { digest.take(note("reason \(number)")) }
        #expect(digest.others == 255)
    }
}
