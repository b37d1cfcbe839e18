// Parents, lists, exceptions, --set, the host's own profiles and the floor.

import Foundation
import Profile
import ProfileFile
import Testing
import Vocabulary

@Suite struct MergeTests {
    @Test func mapsMergeAndListsAppend() throws {
        let folder = try Folder([
            "a.yaml": policy(
                "  sandbox: {filesystem: {hide: [x, .env]}, resources: {pids: 7}}", extends: "[strict]")
        ])
        let spec = try folder.load("a.yaml").spec
        #expect(spec.sandbox.filesystem.hide.prefix(2) == [".env", ".env.*"])
        #expect(spec.sandbox.filesystem.hide.last == "x")
        #expect(spec.sandbox.filesystem.hide.filter { $0 == ".env" }.count == 1)
        #expect(spec.sandbox.resources.pids == 7)
        #expect(spec.sandbox.resources.memory == ByteSize(bytes: 2 << 30))
        #expect(spec.providers.map(\.id) == [.openai, .anthropic])
    }

    @Test func entriesOfOneNameAreOneEntry() throws {
        let folder = try Folder([
            "a.yaml": policy(
                """
                  governance:
                    providers: [{name: openai, models: [gpt-4o]}]
                    credentials: [{env: OPENAI_API_KEY, from: {env: MINE}, hosts: [api.openai.com]}]
                """, extends: "[strict]")
        ])
        let spec = try folder.load("a.yaml").spec
        #expect(spec.providers.map(\.id) == [.openai, .anthropic])
        #expect(spec.providers.first?.models == ["gpt-4o"])
        #expect(spec.providers.first?.keys == .pinned)
        #expect(spec.credentials.map(\.variable) == ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"])
        #expect(spec.credentials.first?.source == .environment("MINE"))
        #expect(spec.credentials.first?.optional == false)
    }

    @Test func exceptLeavesOut() throws {
        let folder = try Folder([
            "a.yaml": policy(
                "  require: full",
                extends:
                    "[{name: builtin/strict, except: [sandbox.resources.memory, governance.providers]}]")
        ])
        let resolved = try folder.load("a.yaml")
        #expect(resolved.spec.sandbox.resources.memory == nil)
        #expect(resolved.spec.sandbox.resources.pids == 256)
        #expect(resolved.spec.providers.isEmpty)
        #expect(
            resolved.loosened.map(\.description) == [
                "note: a.yaml:2:11: loosens 'sandbox.resources.memory': 2G → no limit"
            ])
    }

    @Test func aFileWithoutParentsStartsFromBase() throws {
        let folder = try Folder([
            "a.yaml": policy("  audit: {}"), "b.yaml": policy("  audit: {}", extends: "[]"),
        ])
        #expect(
            try folder.load("a.yaml").sources.map(\.id) == ["builtin/base", folder.path + "/a.yaml"])
        let least = try folder.load("b.yaml").spec
        #expect(least.require == .full)
        #expect(least.sandbox.filesystem.read.isEmpty)
        #expect(least.sandbox.filesystem.workspaceMode == .none)
        #expect(least.providers.isEmpty)
        #expect(least.network.allow.isEmpty)
        #expect(least.budget.perSession.maxCost == Money(nanos: 1_000_000_000))
        // On top of another profile it adds to that one.
        #expect(
            try folder.load("strict", "a.yaml").sources.map(\.name) == ["builtin/strict", "a.yaml"])
    }

    /// What was written in an older spelling is left out by either name.
    @Test(arguments: ["security", "security.blockedPaths", "sandbox.filesystem.hide"])
    func exceptKnowsAliases(_ path: String) throws {
        let folder = try Folder([
            "a.yaml": policy(
                "  security: {blockedPaths: [/srv/x]}\n  governance: {budget: {max_cost_per_session: 0.5}}", extends: "[]"),
            "b.yaml": policy("  audit: {}", extends: "[{name: a.yaml, except: [\(path)]}]"),
            "c.yaml": policy("  audit: {}", extends: "[{name: a.yaml, except: [governance.budget.max_cost_per_session]}]"),
        ])
        #expect(try folder.load("a.yaml").spec.sandbox.filesystem.hide == ["/srv/x"])
        #expect(try folder.load("b.yaml").spec.sandbox.filesystem.hide.isEmpty)
        #expect(try folder.load("b.yaml").spec.budget.perSession.maxCost == Money(nanos: 500_000_000))
        #expect(try folder.load("c.yaml").spec.budget.perSession.maxCost == Money(nanos: 1_000_000_000))
    }

    /// To the kernel two spellings of one letter are two names.
    @Test func namesOfFilesAreBytes() throws {
        let folder = try Folder(["a.yaml": policy("  sandbox: {filesystem: {hide: [caf\u{e9}, cafe\u{301}]}}")])
        let hidden = try folder.load("a.yaml").spec.sandbox.filesystem.hide.map { Array($0.utf8) }
        #expect(hidden.contains(Array("caf\u{e9}".utf8)) && hidden.contains(Array("cafe\u{301}".utf8)))
    }

    @Test func aDocumentReachedTwiceCountsOnce() throws {
        let folder = try Folder([
            "a.yaml": policy("  sandbox: {resources: {pids: 3}}", extends: "[strict]"),
            "b.yaml": policy("  require: strong", extends: "[strict]"),
            "c.yaml": policy("  audit: {}", extends: "[a.yaml, b.yaml]"),
        ])
        let resolved = try folder.load("c.yaml")
        #expect(
            resolved.sources.map(\.id).map { $0.replacing(folder.path + "/", with: "") } == [
                "builtin/strict", "a.yaml", "b.yaml", "c.yaml",
            ])
        #expect(resolved.spec.sandbox.resources.pids == 3)
        #expect(resolved.spec.require == .strong)
    }

    @Test func cyclesNameTheChain() throws {
        let folder = try Folder([
            "a.yaml": policy("  audit: {}", extends: "[sub/b.yaml]"),
            "sub/b.yaml": policy("  audit: {}", extends: "[../sub/c.yaml]"),
            "sub/c.yaml": policy("  audit: {}", extends: "[b.yaml]"),
        ])
        let complaint = folder.complaint("a.yaml")
        #expect(complaint.contains("profiles extend each other: "))
        #expect(complaint.contains("b.yaml → "))
        try folder.write("d.yaml", policy("  audit: {}", extends: "[d.yaml]"))
        #expect(
            folder.complaint("d.yaml")
                == "error: d.yaml:2:11: profiles extend each other: d.yaml → HERE/d.yaml\nhint: take one of the 'extends' out"
        )
    }

    @Test func relativePathsStartAtTheirDocument() throws {
        let folder = try Folder([
            "sub/p.yaml": policy(
                """
                  sandbox: {filesystem: {read: [./data?, ~/x, "${PROJECT_ROOT}/src"], write: [out/]}}
                  governance:
                    network_access: {trust: [ca.pem]}
                    credentials: [{env: A, from: {file: ../key}, hosts: [a.com]}]
                """)
        ])
        let resolved = try folder.load("sub/p.yaml")
        let here = folder.path + "/sub"
        #expect(
            resolved.spec.sandbox.filesystem.read.suffix(3) == [
                .path(PathSpec(path: here + "/data", optional: true)), .path(PathSpec(path: "~/x")),
                .path(PathSpec(path: here + "/src")),
            ])
        #expect(resolved.spec.network.trust == [here + "/ca.pem"])
        #expect(resolved.spec.credentials.first?.source == .file(here + "/../key"))
        #expect(
            resolved.callerPaths == [
                here + "/data", "~/x", here + "/src", here + "/out/", here + "/ca.pem", here + "/../key",
            ])
        #expect(try folder.load("strict").callerPaths.isEmpty)
    }

    @Test func settings() throws {
        let folder = try Folder()
        let resolved = try folder.load(
            "strict",
            sets: [
                "governance.budget.per_session.max_cost_usd=0.5",
                "governance.budget.max_tokens_per_minute=9",
                "governance.network_access.resolve.a.example.com=127.0.0.1:8443",
                "sandbox.filesystem.hide=[secrets, '*.key']",
                "sandbox.environment.set.GREETING=a=b", "sandbox.resources.wall_time=1d",
            ])
        #expect(resolved.spec.budget.perSession.maxCost == Money(nanos: 500_000_000))
        #expect(resolved.spec.budget.perMinute.maxTokens == 9)
        #expect(resolved.spec.network.resolve[try #require(HostName("a.example.com"))]?.port == 8443)
        #expect(resolved.spec.sandbox.filesystem.hide.suffix(2) == ["secrets", "*.key"])
        #expect(resolved.spec.sandbox.environment.set == ["GREETING": "a=b"])
        #expect(
            resolved.loosened.contains {
                $0.description
                    == "note: --set sandbox.resources.wall_time: loosens 'sandbox.resources.wall_time': 30m → 1d"
            })
        #expect(!resolved.loosened.contains { $0.key == "governance.budget.per_session.max_cost_usd" })
    }

    @Test(.enabled(if: geteuid() == 0, "only root's files are the host's own"))
    func theHostsOwnProfiles() throws {
        let folder = try Folder([
            "etc/profiles/strict.yaml": policy(
                "  sandbox: {resources: {pids: 99}}", extends: "[builtin/strict]"),
            "etc/profiles/ours.yaml": policy("  audit: {}", extends: "[strict]"),
        ])
        let resolved = try folder.load("ours")
        #expect(resolved.spec.sandbox.resources.pids == 99)
        #expect(resolved.sources.allSatisfy { $0.trusted })
        #expect(
            ProfileFile.catalog(systemFolder: folder.path + "/etc").map(\.name) == [
                "base", "ours", "standard", "strict",
            ])
        #expect(
            ProfileFile.catalog(systemFolder: folder.path + "/etc").filter(\.shadows).map(\.name) == [
                "strict"
            ])

        chmod(folder.path + "/etc/profiles/ours.yaml", 0o666)
        #expect(
            folder.complaint("ours").contains(
                "ours.yaml' can be written by others than root\nhint: chown root:root"))
        chmod(folder.path + "/etc/profiles/ours.yaml", 0o644)
        chmod(folder.path + "/etc/profiles", 0o777)
        #expect(
            folder.complaint("strict").contains("/etc/profiles' can be written by others than root"))
        chmod(folder.path + "/etc/profiles", 0o755)
        chmod(folder.path + "/etc", 0o777)
        #expect(folder.complaint("strict").contains("/etc' can be written by others than root"))
        chmod(folder.path + "/etc", 0o1777)
        #expect(folder.complaint("strict") == "no error")
        chown(folder.path + "/etc", 1, 0)
        #expect(folder.complaint("strict").contains("/etc' can be written by others than root"))
        chown(folder.path + "/etc", 0, 0)
        chmod(folder.path + "/etc", 0o755)
        symlink("ours.yaml", folder.path + "/etc/profiles/link.yaml")
        #expect(folder.complaint("link").contains("cannot be opened"))

        // A link on the way is followed, and what it leads to is looked at as well.
        mkdir(folder.path + "/other", 0o755)
        rename(folder.path + "/etc/profiles", folder.path + "/other/profiles")
        symlink("../other/./profiles", folder.path + "/etc/profiles")
        #expect(folder.complaint("ours") == "no error")
        chmod(folder.path + "/other", 0o777)
        #expect(folder.complaint("ours").contains("/other' can be written by others than root"))
        unlink(folder.path + "/etc/profiles")
        try folder.write("etc/profiles", "a file")
        #expect(folder.complaint("ours").contains("/etc/profiles' cannot be opened: Not a directory"))
    }

    @Test(.enabled(if: geteuid() == 0, "only root's files are the host's own"))
    func theFloorBinds() throws {
        let folder = try Folder([
            "etc/floor.yaml": policy(
                """
                  require: strong
                  sandbox: {filesystem: {hide: [.env]}}
                  governance:
                    network_access: {allowlist: [{host: .example.com, methods: [GET, POST], paths: ["/**"]}]}
                    budget: {per_session: {max_cost_usd: 2.00}}
                """),
            "ok.yaml": policy(
                "  governance: {network_access: {allowlist: [{host: a.example.com, methods: [GET], paths: [/x]}]}}"),
            "other.yaml": policy(
                "  governance: {network_access: {allowlist: [{host: example.org, paths: [/x]}]}}"),
            "hide.yaml": policy(
                "  audit: {}", extends: "[{name: base, except: [sandbox.filesystem.hide]}]"),
        ])
        #expect(folder.complaint("ok.yaml") == "no error")
        #expect(folder.complaint("strict") == "no error")
        let floor = "HERE/etc/floor.yaml"
        #expect(
            folder.complaint("base", sets: ["require=contained"])
                == "error: --set require: 'require' is looser than the floor: strong → contained\n"
                + "hint: \(floor):4:12 binds every profile and --set")
        #expect(
            folder.complaint("base", sets: ["governance.budget.per_session.max_cost_usd=2.01"]).contains(
                "2.00 → 2.01"))
        #expect(
            folder.complaint("other.yaml")
                == "error: other.yaml:4:45: 'governance.network_access.allowlist' is looser than the floor: adds example.org\n"
                + "hint: \(floor):7:33 binds every profile and --set")
        #expect(
            folder.complaint("hide.yaml").contains(
                "'sandbox.filesystem.hide' is looser than the floor: leaves out .env"))
    }

    @Test func rootsKeyIsNotSentWhereTheCallerPoints() throws {
        let folder = try Folder([
            "turn.yaml": policy(
                "  governance: {network_access: {resolve: {api.openai.com: 10.0.0.1}}}", extends: "[strict]"
            )
        ])
        #expect(try folder.load("turn.yaml").spec.credentials.count == 2)
        let resolved = try folder.load("turn.yaml", callerTrusted: false)
        #expect(resolved.spec.credentials.map(\.variable) == ["ANTHROPIC_API_KEY"])
        #expect(resolved.notes.contains { $0.kind == .withheld && $0.mark.line == 4 })
        let mine = try folder.load(
            "turn.yaml",
            sets: [
                "governance.credentials=[{env: OPENAI_API_KEY, from: {env: X}, hosts: [api.openai.com]}]"
            ], callerTrusted: false)
        #expect(mine.spec.credentials.map(\.variable) == ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"])
    }

    @Test func rootsKeysAreNotSentByTheCallersProxy() throws {
        let folder = try Folder([
            "turn.yaml": policy("  governance: {network_access: {upstream_proxy: 'http://p:1'}}", extends: "[strict]"),
            "none.yaml": policy("  governance: {network_access: {upstream_proxy: none}}", extends: "[strict]"),
        ])
        #expect(try folder.load("turn.yaml").spec.credentials.count == 2)
        #expect(try folder.load("turn.yaml", callerTrusted: false).spec.credentials.isEmpty)
        #expect(try folder.load("none.yaml", callerTrusted: false).spec.credentials.count == 2)
    }

    @Test func namesInOtherLettersAreConvertedAndNamed() throws {
        let folder = try Folder([
            "p.yaml": policy(
                "  governance: {network_access: {allowlist: [.Bücher.example, аррӏе.com, plain.example], resolve: {bu\u{308}cher.example: 10.0.0.1}}}",
                extends: "[strict]")
        ])
        let resolved = try folder.load("p.yaml")
        #expect(
            resolved.spec.network.allow.map(\.host.description) == [
                ".xn--bcher-kva.example", "xn--80ak6aa92e.com", "plain.example",
            ])
        #expect(resolved.spec.network.resolve.keys.map(\.text) == ["xn--bcher-kva.example"])
        let notes = resolved.notes.filter { $0.kind == .converted || $0.kind == .confusable }.map(\.message)
        #expect(
            notes == [
                "'.Bücher.example' is read as '.xn--bcher-kva.example'", "'аррӏе.com' is read as 'xn--80ak6aa92e.com'",
                "'xn--80ak6aa92e' is written in Cyrillic and looks like 'apple'",
                "'bu\u{308}cher.example' is read as 'xn--bcher-kva.example'",
            ])
        // Written as it is on the wire, it deceives nobody less.
        let wire = try Folder([
            "p.yaml": policy("  governance: {network_access: {denylist: [xn--80ak6aa92e.com]}}", extends: "[strict]")
        ])
        #expect(try wire.load("p.yaml").notes.filter { $0.kind == .confusable }.count == 1)
    }

    @Test func pathsOfTheCallersAreOpenedByTheCaller() throws {
        let folder = try Folder()
        let refused = OpenFailure(errno: EACCES)
        do {
            _ = try ProfileFile.load(
                names: ["/etc/shadow"], opener: { _ in .failure(refused) }, directory: "/",
                systemFolder: folder.path)
            Issue.record("opened without the opener")
        } catch {
            #expect(
                error.description == "error: /etc/shadow: '/etc/shadow' cannot be opened: Permission denied"
            )
        }
    }
}
