// Where keys come from: with whose eyes, within which limits, and what is said where there is none.

import Glibc
import LinuxSys
import Profile
import Testing
import Vocabulary
import Wire

@testable import Launcher

@Suite struct CredentialTests {
    private func credential(_ source: Credential.Source, _ variable: String = "KEY", optional: Bool = false) throws -> Credential {
        Credential(variable: variable, source: source, hosts: [try #require(HostName("api.openai.com"))], optional: optional)
    }

    private func load(
        _ credentials: [Credential], _ sources: CredentialSources = CredentialSources(variables: [], systemd: nil)
    ) throws(Complaint) -> Credentials {
        let placeholders = Credentials.placeholders(for: credentials, from: sources) { UInt8.random(in: 0...255) }
        return try Credentials.load(credentials, placeholders: placeholders, from: sources)
    }

    /// The one key is `value`.
    private func expect(_ credential: Credential, _ value: String, _ sources: CredentialSources) throws {
        let loaded = try load([credential], sources)
        let secret = try #require(loaded.secrets.first)
        let isThere = loaded.pages.holds(Array(value.utf8), at: secret.range)
        #expect(isThere && secret.range.count == value.utf8.count)
        #expect(secret.placeholder.hasPrefix("akios-placeholder-") && secret.variable == "KEY")
    }

    @Test func theEnvironmentLosesWhatItHeld() throws {
        let name = "AKIOS_TEST_KEY_\(getpid())"
        setenv(name, " sk-real\n", 1)
        defer { unsetenv(name) }
        let sources = CredentialSources(variables: [name], systemd: nil)
        // Two credentials of one variable both get it.
        let loaded = try load([try credential(.environment(name)), try credential(.environment(name), "OTHER")], sources)
        let ranges = loaded.secrets.map(\.range)
        #expect(ranges == [0..<7, 7..<14] && loaded.absent.isEmpty)
        let isThere = loaded.pages.holds(Array("sk-realsk-real".utf8), at: 0..<14)
        #expect(isThere)
        #expect(getenv(name).map { String(cString: $0) } == "")
    }

    @Test func anAbsentOneIsAnErrorUnlessOptional() throws {
        let scratch = try Scratch()
        let sources = CredentialSources(variables: [], systemd: scratch.path)
        let absent: [Credential.Source] = [
            .environment("AKIOS_NO_SUCH_KEY"), .file(scratch.path + "/none"), .systemd("none"), .command(["/no/such/program"]),
            .command(["false"]), .command(["true"]),
        ]
        for source in absent {
            #expect(throws: Complaint.self) { _ = try load([try credential(source)], sources) }
            let loaded = try load([try credential(source, optional: true)], sources)
            let gone = loaded.absent
            #expect(gone == ["KEY"])
            // A command's placeholder was made before it could be asked: it is known, with nothing behind it.
            let ranges = loaded.secrets.map(\.range.isEmpty)
            if case .command = source { #expect(ranges == [true]) } else { #expect(ranges.isEmpty) }
        }
    }

    @Test(arguments: ["sk-one\nX-Other: two", "sk one", "sk-\u{e9}", "sk-\u{0}"]) func aKeyIsOnePrintableWord(_ text: String) throws
    {
        let scratch = try Scratch()
        try scratch.write("key", text)
        let error = #expect(throws: Complaint.self) { _ = try load([try credential(.file(scratch.path + "/key"))]) }
        #expect(error?.description.contains("sk") == false, "the key is in the message")
    }

    @Test func aKeyHasALimit() throws {
        let scratch = try Scratch()
        try scratch.write("key", String(repeating: "k", count: 16 << 10))
        let endless = ["sh", "-c", "while :; do echo kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk; done"]
        for source in [Credential.Source.file(scratch.path + "/key"), .command(endless), .file("/dev/zero")] {
            let error = #expect(throws: Complaint.self) { _ = try load([try credential(source)]) }
            #expect(error?.description.contains(source == .file("/dev/zero") ? "Invalid argument" : "too long") == true)
        }
    }

    @Test func aCommandPrintsAKey() throws {
        let scratch = try Scratch()
        try scratch.write(
            "tool", "#!/bin/sh\ncd / && ls /proc/self/fd | tr '\\n' ' ' >&2; printf '%s-%s-%s\\n' \"$1\" \"$MARK\" \"$PWD\"\n")
        chmod(scratch.path + "/tool", 0o755)
        chmod(scratch.path, 0o755)
        let user = geteuid() == 0 ? FileIdentity(uid: 4242, gid: 4242) : nil
        let sources = CredentialSources(
            variables: [], systemd: nil, callerEnvironment: ["PATH": "\(scratch.path):/bin:/usr/bin", "MARK": "m"],
            runs: { _ in user })
        let isRoots = geteuid() != 0
        try expect(try credential(.command(["tool", "a;b"])), "a;b-m-/", sources)
        if isRoots { return }
        // As the caller, without root's groups.
        try expect(try credential(.command(["sh", "-c", "echo $(id -u)-$(id -g)-$(id -G)"])), "4242-4242-4242", sources)
        // Root's own command gets nothing of that environment.
        let roots = CredentialSources(variables: [], systemd: nil, callerEnvironment: ["MARK": "m"])
        try expect(try credential(.command(["sh", "-c", "echo $(id -u)-$MARK-$LANG"])), "0--C.UTF-8", roots)
    }

    @Test func aCommandThatFailsSaysWhyInItsOwnWords() throws {
        let words = ["sh", "-c", "echo sk-half; echo \"no such entry\u{1b}[31m\" >&2; echo more >&2; exit 3"]
        let error = #expect(throws: Complaint.self) { _ = try load([try credential(.command(words))]) }
        #expect(error?.what == "credential KEY: the command sh exited with 3")
        #expect(error?.hints.first == "sh says: no such entry?[31m")
        #expect(error?.description.contains("sk-half") == false)
    }

    @Test func aDaemonThatIsLeftBehindIsNotWaitedFor() throws {
        try expect(
            try credential(.command(["sh", "-c", "sleep 60 & echo key-of-a-daemon; kill $! 2>/dev/null"])), "key-of-a-daemon",
            CredentialSources(variables: [], systemd: nil))
        let scratch = try Scratch()
        let left = ["sh", "-c", "sleep 60 & echo $! > \(scratch.path)/pid; echo key-of-a-daemon"]
        try expect(
            try credential(.command(left)), "key-of-a-daemon",
            CredentialSources(variables: [], systemd: nil, callerEnvironment: [:]))
        let pid = try #require(
            Int32(String(decoding: try readFile(scratch.path + "/pid", limit: 64), as: UTF8.self).prefix { $0 != "\n" }))
        kill(pid, SIGKILL)
    }

    @Test func systemdsFolderIsBelievedWhereNobodyElseCanWrite() throws {
        let scratch = try Scratch()
        try scratch.write("key", "sk-systemd\n")
        chmod(scratch.path, 0o700)
        chmod(scratch.path + "/key", 0o400)
        let sources = CredentialSources(variables: [], systemd: scratch.path)
        try expect(try credential(.systemd("key")), "sk-systemd", sources)
        chmod(scratch.path + "/key", 0o420)
        #expect(throws: Complaint.self) { _ = try load([try credential(.systemd("key"))], sources) }
        chmod(scratch.path + "/key", 0o400)
        symlink(scratch.path + "/key", scratch.path + "/link")
        #expect(throws: Complaint.self) { _ = try load([try credential(.systemd("link"))], sources) }
        chmod(scratch.path, 0o777)
        #expect(throws: Complaint.self) { _ = try load([try credential(.systemd("key"))], sources) }
    }

    @Test func halfAnAWSKeyIsNone() throws {
        let scratch = try Scratch()
        try scratch.write("id", "AKIAREALREALREALREAL")
        let id = try credential(.file(scratch.path + "/id"), "AWS_ACCESS_KEY_ID", optional: true)
        let secret = try credential(.command(["false"]), "AWS_SECRET_ACCESS_KEY", optional: true)
        let error = #expect(throws: Complaint.self) { _ = try load([id, secret]) }
        #expect(error?.what.contains("AWS_SECRET_ACCESS_KEY") == true)
    }

    @Test(.enabled(if: geteuid() == 0)) func aFileIsOpenedWithTheEyesItIsGiven() throws {
        let scratch = try Scratch()
        try scratch.write("key", "sk-root")
        chmod(scratch.path, 0o755)
        let credential = try credential(.file(scratch.path + "/key"))
        let callers = CredentialSources(variables: [], systemd: nil, eyes: { _ in FileIdentity(uid: 4242, gid: 4242) })
        #expect(throws: Complaint.self) { _ = try load([credential], callers) }
        try expect(credential, "sk-root", CredentialSources(variables: [], systemd: nil))
        #expect(geteuid() == 0 && canAccess(as: FileIdentity(uid: 4242, gid: 4242)))
    }
}
