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

@Suite struct CredentialsTests {
    private func credential(_ source: Credential.Source, optional: Bool = false) throws -> Credential {
        Credential(variable: "KEY", source: source, hosts: [try #require(HostName("api.openai.com"))], optional: optional)
    }

    private func load(_ credential: Credential, _ environment: [String: String] = [:]) throws(Complaint) -> Credentials {
        let placeholders = Credentials.placeholders(for: [credential], environment: environment, as: { _ in nil }) { "random" }
        return try Credentials.load([credential], placeholders: placeholders, environment: environment, as: { _ in nil })
    }

    @Test func theAgentHoldsAPlaceholder() throws {
        let loaded = try load(try credential(.environment("REAL")), ["REAL": " sk-real\n"])
        #expect(loaded.secrets.map(\.value) == ["sk-real"])
        #expect(loaded.placeholders == ["KEY": "sk-akios-random"])
    }

    @Test func anAbsentOneIsAnErrorUnlessOptional() throws {
        let scratch = try Scratch()
        for source in [Credential.Source.environment("REAL"), .file(scratch.path + "/none")] {
            #expect(throws: Complaint.self) { _ = try load(try credential(source)) }
            #expect(try load(try credential(source, optional: true)).absent == ["KEY"])
        }
    }

    @Test(arguments: ["sk-one\nX-Other: two", "sk one", "sk-\u{e9}", "sk-\u{0}"]) func aKeyIsOnePrintableWord(_ text: String) throws
    {
        let scratch = try Scratch()
        try scratch.write("key", text)
        let error = #expect(throws: Complaint.self) { _ = try load(try credential(.file(scratch.path + "/key"))) }
        #expect(error?.description.contains("sk") == false, "the key is in the message")
    }

    @Test(.enabled(if: geteuid() == 0)) func aFileIsOpenedWithTheEyesItIsGiven() throws {
        let scratch = try Scratch()
        try scratch.write("key", "sk-root")
        chmod(scratch.path, 0o755)
        let credential = try credential(.file(scratch.path + "/key"))
        let placeholders = ["KEY": "p"]
        #expect(throws: Complaint.self) {
            _ = try Credentials.load([credential], placeholders: placeholders, environment: [:]) { _ in
                FileIdentity(uid: 4242, gid: 4242)
            }
        }
        #expect(try Credentials.load([credential], placeholders: placeholders, environment: [:]) { _ in nil }.secrets.count == 1)
        #expect(geteuid() == 0 && canAccess(as: FileIdentity(uid: 4242, gid: 4242)))
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
