// The command line: options end at the first word, every refusal has its sentence.

import Testing
import Vocabulary

@testable import Launcher

@Suite struct OptionsTests {
    @Test func optionsEndAtTheFirstWord() throws {
        let options = try Options.parse(["-p", "strict", "--quiet", "python", "-c", "print(1)", "--plan"])
        #expect(options.profiles == ["strict"])
        #expect(options.quiet)
        #expect(options.action == .run)
        #expect(options.command == ["python", "-c", "print(1)", "--plan"])
    }

    @Test func dashesEndThemToo() throws {
        #expect(try Options.parse(["--", "--version"]).command == ["--version"])
        #expect(try Options.parse(["--set=a.b=c=d", "-"]).sets == ["a.b=c=d"])
    }

    @Test func profilesAndSetsRepeat() throws {
        let options = try Options.parse(["-p", "a", "--profile=b.yaml", "--set", "x=1", "--set", "y=2", "true"])
        #expect(options.profiles == ["a", "b.yaml"])
        #expect(options.sets == ["x=1", "y=2"])
    }

    @Test(arguments: [
        (["--porfile", "x", "true"], "unknown option '--porfile'"),
        (["--profile"], "option '--profile' needs a value"),
        (["--quiet=1", "true"], "option '--quiet' takes no value"),
        ([], "no command given"),
        (["--set", "novalue", "true"], "--set 'novalue' is not KEY=VALUE"),
        (["--status-fd", "0x3", "true"], "--status-fd '0x3' is not a descriptor"),
        (["--kill-after", "10", "true"], "--kill-after '10' is not a time"),
        (["--accept-tier", "full", "true"], "--accept-tier 'full' is not a tier"),
        (["-q", "-v", "true"], "--quiet and --verbose contradict each other"),
    ])
    func refusalsSayWhat(_ arguments: [String], _ what: String) {
        let complaint = #expect(throws: Complaint.self) { try Options.parse(arguments) }
        #expect(complaint?.what == what)
        #expect(complaint?.hints.isEmpty == false)
    }

    @Test func aNearMissIsNamed() {
        let complaint = #expect(throws: Complaint.self) { try Options.parse(["--acept-tier", "strong", "true"]) }
        #expect(complaint?.hints == ["did you mean '--accept-tier'?"])
    }

    @Test(arguments: [
        "--profile", "--set", "--user", "--workspace", "--session-dir", "--output", "--receipt", "--status-fd", "--kill-after",
        "--cgroup-parent", "--accept-tier",
    ])
    func everyValuedOptionTakesEffect(_ name: String) throws {
        let values = ["--set": "a=b", "--status-fd": "9", "--kill-after": "3s", "--accept-tier": "contained"]
        let options = try Options.parse([name, values[name] ?? "value", "true"])
        #expect(options != (try Options.parse(["true"])))
        #expect(Options.usage.contains(name))
    }
}
