// Which file a command means, and which folders come with it.

import CagePlan
import Testing

struct CommandTests {
    private func resolve(
        _ word: String, in view: FakeView, directory: String = "/home/alice/project", path: String = "/usr/bin:/bin",
        version: String? = nil
    ) throws -> ResolvedCommand {
        try CommandFinder(
            view: view, directory: directory, searchPath: path, home: "/home/alice", pyenvVersion: version,
            granted: ["/usr", directory]
        ).resolve(word)
    }

    private static func pyenv() -> FakeView {
        var view = FakeView.debian()
        let root = "/home/alice/.pyenv"
        view.program("\(root)/shims/python3", "#!/usr/bin/env bash\nexec pyenv exec\n")
        view.file("\(root)/version", "3.12.1\n")
        for version in ["3.12.1", "3.11.7"] {
            view.program("\(root)/versions/\(version)/bin/python3.x")
            view.link("\(root)/versions/\(version)/bin/python3", "python3.x")
            view.file("\(root)/versions/\(version)/lib/python3.x/site-packages/certifi/cacert.pem", "roots")
        }
        return view
    }

    @Test func debiansPythonNeedsNothingMore() throws {
        let found = try resolve("python3", in: .debian())
        #expect(found == ResolvedCommand(path: "/usr/bin/python3", homes: ["/usr"]))
    }

    @Test func venvOfDebiansPython() throws {
        var view = FakeView.debian()
        view.link("/home/alice/venv/bin/python", "/usr/bin/python3")
        view.file("/home/alice/venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.11\n")
        view.folder("/home/alice/venv/lib/python3.11/site-packages")
        let found = try resolve("/home/alice/venv/bin/python", in: view)
        // The link stays: by it Python knows that it is in a venv.
        #expect(found.path == "/home/alice/venv/bin/python")
        #expect(found.prefixes == ["/home/alice/venv"])
        #expect(found.files.isEmpty)
    }

    @Test func venvOfPyenvBringsItsBase() throws {
        var view = Self.pyenv()
        view.link("/home/alice/project/.venv/bin/python", "/home/alice/.pyenv/versions/3.12.1/bin/python3")
        view.file("/home/alice/project/.venv/pyvenv.cfg", "home = /home/alice/.pyenv/versions/3.12.1/bin\n")
        let found = try resolve(".venv/bin/python", in: view)
        #expect(found.path == "/home/alice/project/.venv/bin/python")
        #expect(found.prefixes == ["/home/alice/.pyenv/versions/3.12.1"])
        #expect(found.homes == ["/home/alice/project/.venv", "/home/alice/.pyenv/versions/3.12.1"])
    }

    @Test func pyenvsShimIsTheInterpreterItWouldChoose() throws {
        var view = Self.pyenv()
        let path = "/home/alice/.pyenv/shims:/usr/bin"
        #expect(try resolve("python3", in: view, path: path).path == "/home/alice/.pyenv/versions/3.12.1/bin/python3")
        #expect(try resolve("python3", in: view, path: path, version: "3.11.7").prefixes == ["/home/alice/.pyenv/versions/3.11.7"])
        view.file("/home/alice/project/.python-version", "3.11.7\n")
        #expect(try resolve("python3", in: view, path: path).prefixes == ["/home/alice/.pyenv/versions/3.11.7"])
        // The file may be the agent's own: a version is a name, not a way out of the folder.
        view.file("/home/alice/project/.python-version", "../../elsewhere\n")
        view.program("/home/alice/.pyenv/versions/../../elsewhere/bin/python3")
        #expect(try resolve("python3", in: view, path: path).path != "/home/alice/.pyenv/versions/../../elsewhere/bin/python3")
    }

    @Test func nodesScriptBringsNodesPrefix() throws {
        var view = FakeView.debian()
        let prefix = "/home/alice/.nvm/versions/node/v20"
        view.program("\(prefix)/bin/node")
        view.program("\(prefix)/lib/node_modules/agent/cli.js", "#!/usr/bin/env node\n")
        view.link("\(prefix)/bin/agent", "../lib/node_modules/agent/cli.js")
        let found = try resolve("agent", in: view, path: "\(prefix)/bin:/usr/bin")
        #expect(found.path == "\(prefix)/bin/agent")
        #expect(found.prefixes == [prefix])
    }

    @Test func scriptWithEnvFollowsIt() throws {
        var view = Self.pyenv()
        view.program("/home/alice/project/run", "#!/usr/bin/env -S python3 -u\n")
        let found = try resolve("./run", in: view, path: "/home/alice/.pyenv/versions/3.12.1/bin:/usr/bin")
        #expect(found.path == "/home/alice/project/run" || found.path == "/home/alice/project/./run")
        #expect(found.prefixes == ["/home/alice/.pyenv/versions/3.12.1"])
    }

    @Test func staticBinaryIsOneFile() throws {
        var view = FakeView.debian()
        view.program("/opt/tools/bin/agent")
        view.file("/opt/tools/secret")
        let found = try resolve("/opt/tools/bin/agent", in: view)
        #expect(found == ResolvedCommand(path: "/opt/tools/bin/agent", files: ["/opt/tools/bin/agent"]))
    }

    @Test func homeAndRootAreNeverPrefixes() throws {
        var view = FakeView.debian()
        // What would prove a prefix anywhere else.
        view.folder("/home/alice/lib/python3.12")
        view.file("/home/alice/pyvenv.cfg", "home = /bin\n")
        view.folder("/lib/node_modules")
        view.program("/home/alice/bin/tool")
        view.program("/xbin")
        let found = try resolve("/home/alice/bin/tool", in: view)
        #expect(found.prefixes.isEmpty)
        #expect(found.files == ["/home/alice/bin/tool"])
    }

    @Test func linkFromAFolderOutsideIsRunByItsTarget() throws {
        var view = FakeView.debian()
        view.program("/opt/x/bin/agent")
        view.link("/home/alice/bin/agent", "/opt/x/bin/agent")
        #expect(try resolve("/home/alice/bin/agent", in: view).path == "/opt/x/bin/agent")
    }

    @Test func statusesOfEnv() throws {
        var view = FakeView.debian()
        view.file("/usr/bin/plain")
        view.program("/home/alice/project/broken", "#!/no/such/interpreter\n")
        let cases: [(String, Int32)] = [
            ("", 127), ("nothing", 127), ("./nothing", 127), ("plain", 126), ("/usr/bin", 126), ("./broken", 126),
        ]
        for (word, status) in cases {
            let failure = #expect(throws: CommandFailure.self) { try resolve(word, in: view) }
            #expect(failure?.status == status, "\(word)")
        }
        view.link("/home/alice/project/circle", "circle")
        #expect(throws: CommandFailure.self) { try resolve("./circle", in: view) }
    }
}
