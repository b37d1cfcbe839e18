// The plan as a whole: its order, what it grants, what it refuses, and its bytes.

import Profile
import Testing
import Vocabulary

@testable import CagePlan

struct PlanTests {
    private let alice = Caller(uid: 1000, gid: 1000, name: "alice", home: "/home/alice")

    private func plan(
        _ view: FakeView, caller: Caller? = nil, privileged: Bool = true, change: (inout CageFacts) -> Void = { _ in }
    ) throws -> CagePlan {
        let identity = try Identity.choose(privileged: privileged, caller: caller ?? alice, owner: (0, 0), pid: 77)
        var facts = CageFacts(
            sandbox: Sandbox(), identity: identity, callerHome: (caller ?? alice).home, workspace: "/home/alice/project",
            command: ResolvedCommand(path: "/usr/bin/python3"), arguments: ["python3", "agent.py"],
            callerEnvironment: ["LANG": "C", "SECRET": "x"])
        change(&facts)
        return try CagePlan.make(facts, in: view)
    }

    private func index(_ plan: CagePlan, _ test: (Action) -> Bool) -> Int { plan.steps.firstIndex { test($0.action) } ?? -1 }

    @Test func orderIsTheStartOrder() throws {
        let plan = try plan(.debian()) {
            $0.ruleset = [1]
            $0.intercepts = true
            $0.agentFilter = [0, 0, 0, 0, 0, 0, 0, 0]
            $0.socketFilter = [1, 0, 0, 0, 0, 0, 0, 0]
        }
        let order = [
            index(plan) { if case .root = $0 { true } else { false } },
            index(plan) { if case .attach = $0 { true } else { false } },
            index(plan) { if case .mount("proc", _, _, _) = $0 { true } else { false } },
            index(plan) { $0 == .readOnly("/proc/sys") },
            index(plan) { $0 == .pivot },
            index(plan) { $0 == .ruleset([1]) },
            index(plan) { if case .listeners = $0 { true } else { false } },
            index(plan) { if case .receive = $0 { true } else { false } },
            index(plan) { $0 == .seal },
            index(plan) { if case .landlock = $0 { true } else { false } },
            index(plan) { if case .identity = $0 { true } else { false } },
            index(plan) { $0 == .lockdown },
            index(plan) { $0 == .socketFilter([1, 0, 0, 0, 0, 0, 0, 0]) },
            index(plan) { $0 == .await },
            index(plan) { $0 == .enforce },
            index(plan) { if case .run = $0 { true } else { false } },
        ]
        #expect(order == order.sorted() && order.first == 1)
        #expect(order.last == plan.steps.count - 1)
    }

    @Test func foldersAboveAProtectedPathStayInTheirPlace() throws {
        var view = FakeView.debian()
        view.folder("/home/alice/project/.git/hooks")
        let plan = try plan(view) { $0.sandbox.filesystem.protect = [".git/hooks"] }
        let held = index(plan) { $0 == .hold("/home/alice/project/.git") }
        let attached = index(plan) { if case .attach = $0 { true } else { false } }
        #expect(attached > 0 && held > attached)
        #expect(held < index(plan) { $0 == .readOnly("/home/alice/project/.git/hooks") })
        #expect(index(plan) { $0 == .hold("/home/alice/project") } < 0, "the grant itself is a mount already")
    }

    @Test func ourOwnRecordsAreHidden() throws {
        var view = FakeView.debian()
        view.folder("/home/alice/project/.git/hooks")
        let plan = try plan(view) { $0.records = ["/home/alice/project/.git/hooks", "/var/lib/akios/sessions"] }
        #expect(index(plan) { $0 == .hold("/home/alice/project/.git") } > 0)
        #expect(index(plan) { $0 == .mask("/home/alice/project/.git/hooks") } > 0)
        #expect(index(plan) { $0 == .mask("/var/lib/akios/sessions") } < 0)
    }

    /// A mask over what lies in a covered folder would find nothing to cover, and the cage would not start.
    @Test func whatLiesInRecordsIsNotCoveredTwice() throws {
        var view = FakeView.debian()
        view.folder("/home/alice/project/.git/hooks")
        let plan = try plan(view) { $0.records = ["/home/alice/project/.git", "/home/alice/project/.git/hooks"] }
        #expect(index(plan) { $0 == .mask("/home/alice/project/.git") } > 0)
        #expect(index(plan) { $0 == .mask("/home/alice/project/.git/hooks") } < 0)
    }

    @Test func memoryFilesAreAllowedOnlyWhereTheKernelKeepsThemFromRunning() throws {
        for allowed in [true, false] {
            let plan = try plan(.debian()) { $0.memoryFiles = allowed }
            let step = plan.steps.first { $0.action == .sysctl("vm/memfd_noexec", "2") }
            #expect(step?.optional == !allowed)
        }
    }

    @Test func knowsWhatTheAgentMayChange() throws {
        var view = FakeView.debian()
        view.folder("/home/alice/project/.git/hooks")
        let plan = try plan(view) {
            $0.sandbox.filesystem.protect = [".git/hooks"]
            $0.sandbox.filesystem.workspaceMode = .rw
        }
        #expect(plan.grantsWriting("/home/alice/project/agent.py"))
        #expect(!plan.grantsWriting("/home/alice/project/.git/hooks/pre-commit"))
        #expect(!plan.grantsWriting("/usr/bin/python3"))
    }

    @Test func nothingOfEtcButTheHarmless() throws {
        let plan = try plan(.debian())
        let words = plan.describe().joined(separator: "\n")
        #expect(!words.contains("shadow"))
        #expect(words.contains("show /etc/ld.so.cache (read-only, noexec, nodev)"))
        #expect(words.contains("link /etc/localtime to /usr/share/zoneinfo/UTC"))
    }

    @Test func hiddenComesAfterEveryGrant() throws {
        var view = FakeView.debian()
        view.file("/home/alice/project/.env")
        view.file("/home/alice/project/.env.local")
        view.link("/home/alice/project/.env.link", "real-secret")
        view.file("/home/alice/project/real-secret")
        view.folder("/home/alice/.ssh")
        let plan = try plan(view) {
            $0.sandbox.filesystem.hide = [".env", ".env.*", "~/.ssh", "absent"]
            $0.sandbox.filesystem.protect = [".env"]
        }
        let base = "/home/alice/project"
        let masked = plan.steps.compactMap { step -> String? in
            if case .mask(let path) = step.action, path.hasPrefix("/home") { path } else { nil }
        }
        #expect(
            Set(masked) == ["\(base)/.env", "\(base)/.env.local", "\(base)/.env.link", "\(base)/real-secret", "/home/alice/.ssh"])
        let last = plan.steps.lastIndex {
            switch $0.action {
            case .attach, .bind, .readOnly, .mount: true
            default: false
            }
        }
        #expect(try #require(last) < index(plan) { $0 == .mask("\(base)/.env") })
    }

    /// A name that is not UTF-8 reaches us repaired, and the repaired name is nobody's.
    @Test(arguments: [[".env.*"], ["*/key"]]) func whatCannotBeNamedCannotBeHidden(_ patterns: [String]) throws {
        var view = FakeView.debian()
        view.listed = ["/home/alice/project": [".env.\u{FFFD}", "\u{FFFD}"]]
        #expect(throws: Complaint.self) { try plan(view) { $0.sandbox.filesystem.hide = patterns } }
        #expect(throws: Complaint.self) { try plan(view) { $0.sandbox.filesystem.protect = patterns } }
        _ = try plan(view) { $0.sandbox.filesystem.hide = ["*.pem"] }
    }

    @Test func aHomeBelowTmpIsMadeThere() throws {
        let caller = Caller(uid: 1000, gid: 1000, name: "alice", home: "/tmp/alice")
        let plan = try plan(.debian(), caller: caller)
        let tmp = index(plan) { if case .mount("tmpfs", "/tmp", _, _) = $0 { true } else { false } }
        #expect(tmp >= 0 && tmp < index(plan) { $0 == .directory("/tmp/alice", mode: 0o777) })
    }

    @Test func protectedThereAndNotThere() throws {
        var view = FakeView.debian()
        view.folder("/home/alice/project/.git/hooks")
        let plan = try plan(view) { $0.sandbox.filesystem.protect = [".git/hooks", ".envrc"] }
        #expect(index(plan) { $0 == .readOnly("/home/alice/project/.git/hooks") } > 0)
        #expect(plan.absentProtected == ["/home/alice/project/.envrc"])
    }

    @Test(arguments: ["/", "/home", "/home/alice", "/usr", "/etc/x", "/proc/x", "/var"])
    func broadFoldersAreNoWorkspace(path: String) throws {
        var view = FakeView.debian()
        for folder in ["/etc/x", "/proc/x", "/var/lib"] { view.folder(folder) }
        #expect(throws: Complaint.self) { try plan(view) { $0.workspace = path } }
    }

    @Test func socketsAndMissingPathsAreRefused() throws {
        var view = FakeView.debian()
        view.add("/srv/socket", .socket)
        #expect(throws: Complaint.self) {
            try plan(view) { $0.sandbox.filesystem.read.append(.path(PathSpec(path: "/srv/socket"))) }
        }
        #expect(throws: Complaint.self) { try plan(view) { $0.sandbox.filesystem.read.append(.path(PathSpec(path: "/srv/none"))) } }
        let optional = try plan(view) { $0.sandbox.filesystem.read.append(.path(PathSpec(path: "/srv/none", optional: true))) }
        #expect(optional.attachments.map(\.path) == ["/home/alice/project"])
    }

    @Test func moreTreesThanACageTakesAreRefused() throws {
        var view = FakeView.debian()
        let paths = (1...CagePlan.mostAttachments).map { "/srv/\($0)" }
        for path in paths { view.folder(path) }
        let read = paths.map { FileGrant.path(PathSpec(path: $0)) }
        #expect(throws: Complaint.self) { try plan(view) { $0.sandbox.filesystem.read += read } }
        let fits = try plan(view) { $0.sandbox.filesystem.read += read.dropLast() }
        #expect(fits.attachments.count == CagePlan.mostAttachments)
        _ = try plan(view, privileged: false) { $0.sandbox.filesystem.read += read }
    }

    @Test func aLinkIsGrantedAsWhatItLeadsTo() throws {
        var view = FakeView.debian()
        view.folder("/srv/data")
        view.link("/home/alice/project/data", "/srv/data")
        let plan = try plan(view) { $0.sandbox.filesystem.write = [PathSpec(path: "data")] }
        #expect(plan.attachments.map(\.path) == ["/srv/data", "/home/alice/project"])
    }

    @Test func theAgentStandsWhereTheCallerDoes() throws {
        var view = FakeView.debian()
        view.folder("/home/alice/project/sub")
        func place(_ directory: String) throws -> Int {
            index(try plan(view) { $0.directory = directory }) { $0 == .workingDirectory("/home/alice/project/sub") }
        }
        #expect(try place("/home/alice/project/sub") > 0)
        #expect(try place("/home/alice") < 0)
    }

    @Test func identities() throws {
        let root = Caller(uid: 0, gid: 0, name: "root", home: "/root")
        let own = try Identity.choose(privileged: false, caller: alice, owner: (0, 0), pid: 1)
        #expect(own.reason == .own && own.uidMap == "1000 1000 1\n" && !own.mapsRoot)
        let caller = try Identity.choose(privileged: true, caller: alice, owner: (0, 0), pid: 1)
        // Root's folder stays root's: an id map would give the caller what sudo did not.
        #expect(caller.reason == .caller && caller.uidMap == "0 0 1\n1000 1000 1\n" && !caller.mapsRoot)
        let owner = try Identity.choose(privileged: true, caller: root, owner: (500, 0), pid: 1)
        #expect(owner.reason == .owner && owner.hostUID == 500 && owner.hostGID == 500)
        let nobody = try Identity.choose(privileged: true, caller: root, owner: (0, 0), pid: 77)
        #expect(nobody.mapsRoot && nobody.uidMap == "0 0 1\n1000 2063597645 1\n" && nobody.mountUIDMap == "0 2063597645 1\n")
        #expect(throws: Complaint.self) { try Identity.choose(privileged: true, caller: root, owner: nil, pid: 1 << 24) }
        // A name with a colon or a newline would write a second line of passwd.
        let hostile = Caller(uid: 5, gid: 5, name: "x\nroot", home: "/a:b")
        let safe = try Identity.choose(privileged: true, caller: hostile, owner: nil, pid: 1)
        #expect(safe.name == "agent" && safe.home == "/home/agent")
    }

    @Test func environmentIsAList() throws {
        let plan = try plan(.debian()) {
            $0.callerEnvironment = [
                "LANG": "C", "LD_PRELOAD": "/x", "HTTPS_PROXY": "p", "SECRET": "x", "KEY": "real", "NODE_OPTIONS": "-r x",
            ]
            $0.sandbox.environment.pass = ["LANG", "LD_PRELOAD", "HTTPS_PROXY", "KEY", "NODE_OPTIONS"]
            $0.sandbox.environment.set = ["BASH_ENV": "/x", "MODE": "quiet"]
            $0.placeholders = ["KEY": "placeholder"]
            $0.intercepts = true
        }
        guard case .run(let program)? = plan.steps.last?.action else { throw Missing() }
        let names = Set(program.environment.compactMap { $0.split(separator: "=").first.map(String.init) })
        #expect(names.isSuperset(of: ["LANG", "MODE", "KEY", "PATH", "HOME", "USER", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"]))
        #expect(names.isDisjoint(with: ["LD_PRELOAD", "HTTPS_PROXY", "SECRET", "NODE_OPTIONS", "BASH_ENV"]))
        #expect(program.environment.contains("KEY=placeholder"))
        // --plan shows names, never values.
        #expect(!plan.describe().joined().contains("placeholder"))
    }

    private struct Missing: Error {}

    @Test func rootlessBindsByPathAndMark() throws {
        let plan = try plan(.debian(), privileged: false)
        #expect(plan.attachments.isEmpty)
        let mark = FakeView.debian().entry("/home/alice/project")?.mark
        #expect(
            index(plan) {
                if case .bind("/home/alice/project", _, _, let found, false) = $0 { found == mark } else { false }
            } > 0)
    }
}

struct EncodingTests {
    /// The numbers in the C header are the ones here.
    @Test func opcodesMatchTheHeader() throws {
        let header = try Header.read()
        for op in Opcode.allCases { #expect(header.contains("op_\(op) = \(op.rawValue),"), "\(op)") }
        #expect(header.components(of: "op_") == Opcode.allCases.count)
        #expect(header.contains("plan_version = \(PlanEncoding.version),"))
        #expect(header.contains("texts = \(PlanEncoding.textCount), numbers = \(PlanEncoding.numberCount)"))
        #expect(header.contains("most_attached = \(CagePlan.mostAttachments) "))
        #expect(header.contains("step_optional = 1, step_terminal = 2, step_groups = 4, step_inside = 8"))
    }

    @Test func bytesOfOneStep() {
        let bytes = PlanEncoding.encode([Step(.link("/a", to: "b"), optional: true)])
        var expected = Array("AKIOSPLN".utf8) + [1, 0, 0, 0, 1, 0, 0, 0, 96, 0, 0, 0, 0, 0, 0, 0]
        expected += [8, 0, 0, 0, 1, 0, 0, 0, 72, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
        expected += [UInt8](repeating: 0, count: 40) + Array("/a\0b\0\0\0\0".utf8)
        #expect(bytes == expected)
    }

    /// To a String `/` with an accent behind it is one character that is no slash.
    @Test func pathsAreBytes() {
        #expect(Paths.isWithin("/w/\u{301}x/.git", "/w") && !Paths.isWithin("/w\u{301}", "/w"))
        #expect(Paths.parts("/w/\u{301}x") == ["w", "\u{301}x"] && Paths.parent("/w/\u{301}x") == "/w")
        #expect(Paths.join("/w", "/\u{301}x") == "/\u{301}x")
        #expect(!Paths.isWithin("/w/e\u{301}", "/w/\u{e9}") && !Paths.same("e\u{301}", "\u{e9}"))
        #expect(
            Paths.isWithin("/w", "/w") && Paths.isWithin("/w/x", "/w") && !Paths.isWithin("/wx", "/w") && Paths.isWithin("/x", "/"))
    }

    @Test func globs() {
        #expect(Globs.matches(".env.*", ".env.local"))
        #expect(!Globs.matches(".env.*", ".env"))
        #expect(Globs.matches("a*b?c", "aXXbYc"))
        #expect(!Globs.matches("a*b", "ac"))
        #expect(Globs.matches("*", "anything"))
    }
}
