// The cage from inside: what an agent is, has and can do. Each refused act is first shown to work outside, in throw-away
// namespaces, so that a probe that never works proves nothing.

import CagePlan
import Glibc
import LinuxSys
import Profile
import Testing
import Vocabulary

@testable import Launcher

/// A shell script that ends well exactly if the act succeeded.
struct Probe: CustomTestStringConvertible {
    var testDescription: String
    var script: String
    init(_ name: String, _ script: String) {
        testDescription = name
        self.script = script
    }
}

private let ptrace = """
    /usr/bin/python3 -c 'import ctypes, os, signal, sys
    libc = ctypes.CDLL(None)
    child = os.fork()
    if child == 0: signal.pause()
    code = libc.ptrace(16, child, 0, 0)
    os.kill(child, 9)
    sys.exit(0 if code == 0 else 1)'
    """

private let probes = [
    Probe("reads shadow", "head -c 1 /etc/shadow"),
    Probe("mounts", "mount -t tmpfs none /mnt"),
    Probe("makes a user namespace", "unshare -U true"),
    Probe("traces", ptrace),
    Probe("sets a set-id bit", "touch set && chmod u+s set"),
    Probe("makes a set-id folder", "mkdir -m 2755 folder"),
    Probe("makes a device", "mknod device c 1 3"),
    Probe("opens a raw socket", "/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)'"),
    Probe("opens a Unix socket", "/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX)'"),
    Probe("opens vsock", "/usr/bin/python3 -c 'import socket; socket.socket(40, socket.SOCK_STREAM)'"),
    Probe("becomes root", "/usr/bin/python3 -c 'import os; os.setuid(0)'"),
    Probe("names the host", "echo other >/proc/sys/kernel/hostname"),
    Probe("sees init", "cat /proc/1/status"),
    Probe("runs what it puts in /dev/shm", "cp /bin/true /dev/shm/true && /dev/shm/true"),
]

@Suite(.enabled(if: isRoot || testsMustRun, "needs root"), .serialized)
struct CageTests {
    @Test(arguments: probes)
    func isRefused(_ probe: Probe) throws {
        let outside = try Scratch()
        let inUnshared = [
            "unshare", "-m", "-p", "-f", "-n", "-i", "-u", "--mount-proc", "sh", "-c",
            "mount -t tmpfs none /dev/shm && cd \(outside.path) && exec >/dev/null 2>&1\n" + probe.script,
        ]
        #expect(try runProgram(inUnshared) == 0, "the probe does not work outside either")
        let inside = try Scratch()
        let (text, status) = try runScript(probe.script, in: inside)
        #expect(status != nil && status != 0, "it worked: \(text)")
    }

    @Test func statusShowsNoPower() throws {
        let scratch = try Scratch()
        let (text, status) = try runScript(
            "cat /proc/self/status; cat /proc/self/fdinfo/0 >/dev/null; echo fds; ls /proc/$$/fd", in: scratch)
        #expect(status == 0)
        for line in [
            "CapInh:\t0000000000000000", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000",
            "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "Uid:\t1000\t1000\t1000\t1000",
            "Gid:\t1000\t1000\t1000\t1000",
            "Groups:\t \n",
        ] { #expect(text.contains(line), "\(line)") }
        #expect(text.hasSuffix("fds\n0\n1\n2\n"), "descriptors beyond the standard three")
    }

    @Test func aProtectedFolderCannotBeMovedAwayWithTheOneAboveIt() throws {
        let attack = "mv .git away && mkdir -p .git/hooks && echo evil >.git/hooks/pre-commit"
        let outside = try Scratch()
        #expect(try runProgram(["sh", "-c", "cd \(outside.path) && mkdir -p .git/hooks && " + attack]) == 0)
        let inside = try Scratch()
        #expect(try runProgram(["mkdir", "-p", inside.path + "/.git/hooks"]) == 0)
        let (text, status) = try runScript("echo fine >.git/HEAD && ! (\(attack)) && ! (\(attack))", in: inside)
        #expect(status == 0, "\(text)")
        #expect(inside.read(".git/HEAD") == "fine\n")
        #expect(inside.read(".git/hooks/pre-commit") == nil)
    }

    @Test func aSignalEndsTheStart() throws {
        let scratch = try Scratch()
        let request = try cageRequest(scratch, ["/bin/true"])
        var pair: [Int32] = [-1, -1]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0)
        let silent = OwnedFD(owning: pair[1])
        var channel = EgressChannel(fd: OwnedFD(owning: pair[0]))
        var mask = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &mask)
        defer { pthread_sigmask(SIG_SETMASK, &mask, nil) }
        let signals = try SignalQueue()
        var cage = try request.start(try request.plan())
        let pid = cage.pid
        raise(SIGTERM)
        var status: Int32 = 0
        do throws(CageError) { _ = try Preparation.complete(&cage, &channel, signals, trust: TrustStores([], roots: [])) } catch {
            status = error.status
        }
        #expect(status == 128 + SIGTERM)
        cage.kill()
        #expect(isGone(pid))
        withExtendedLifetime(silent.raw) {}
    }

    @Test func ourRecordsAreNotTheAgentsToSeeOrMove() throws {
        let scratch = try Scratch()
        let path = scratch.path
        #expect(try runProgram(["mkdir", "-p", scratch.path + "/logs/session"]) == 0)
        try scratch.write("logs/session/audit.jsonl", "{}")
        let (text, status) = try runScript(
            "test -z \"$(ls -A logs/session)\" && ! mv logs else && ! mv logs/session else && ! rm -rf logs && echo more >logs/more",
            in: scratch
        ) { $0.records = [path + "/logs/session"] }
        #expect(status == 0, "\(text)")
        #expect(scratch.read("logs/session/audit.jsonl") == "{}")
    }

    @Test func standardInputIsNotReopenedForWriting() throws {
        let scratch = try Scratch()
        let outside = try Scratch()
        try outside.write("in", "as it was")
        let path = outside.path + "/in"
        // Whoever the agent is, only the cage keeps it from writing.
        chmod(path, 0o666)
        let before = fcntl(0, F_DUPFD_CLOEXEC, 10)
        defer {
            dup2(before, 0)
            close(before)
        }
        let file = open(path, O_RDONLY | O_CLOEXEC)
        dup2(file, 0)
        close(file)
        let (text, status) = try runScript("cat /dev/stdin && ! echo changed >/proc/self/fd/0", in: scratch)
        #expect(status == 0 && text.hasPrefix("as it was"), "\(text)")
        #expect((try? readFile(path, limit: 100)).map { String(decoding: $0, as: UTF8.self) } == "as it was")
    }

    @Test func filesBelongToRootOnDisk() throws {
        let scratch = try Scratch()
        let (_, status) = try runScript("echo made >file && mkdir folder && test -O file", in: scratch)
        #expect(status == 0)
        for name in ["file", "folder"] {
            var facts = stat()
            #expect(lstat("\(scratch.path)/\(name)", &facts) == 0)
            #expect(facts.st_uid == 0 && facts.st_gid == 0)
        }
    }

    @Test func ownersFolderIsTheOwners() throws {
        let scratch = try Scratch()
        chown(scratch.path, 4242, 4243)
        let (text, status) = try runScript("id -u; id -g; echo x >file", in: scratch)
        #expect(status == 0)
        #expect(text == "4242\n4243\n")
        var facts = stat()
        #expect(lstat("\(scratch.path)/file", &facts) == 0)
        #expect(facts.st_uid == 4242)
    }

    @Test func sudosCallerGetsNothingOfRoots() throws {
        let scratch = try Scratch()
        try scratch.write("roots", "secret\n", mode: 0o600)
        let caller = Caller(uid: 4242, gid: 4242, name: "alice", home: "/home/alice")
        // Root's folder is not the caller's to write, and no id map makes it so.
        var request = try cageRequest(scratch, ["/bin/sh", "-c", "cat roots || echo x >made || exit 3"], caller: caller)
        #expect(try runCage(request).status == 3)
        #expect(scratch.read("made") == nil)
        // A path that the caller cannot see cannot be granted, though root could.
        #expect(try runProgram(["sh", "-c", "mkdir -p \(scratch.path)/closed/inner && chmod 0700 \(scratch.path)/closed"]) == 0)
        request.sandbox.filesystem.read.append(.path(.init(path: "closed/inner")))
        let refused: Bool
        do throws(CageError) {
            _ = try request.plan()
            refused = false
        } catch {
            refused = true
        }
        #expect(refused)
        request.caller = Caller(uid: 0, gid: 0, name: "root", home: "/root")
        #expect(try request.plan().attachments.contains { $0.path.hasSuffix("/closed/inner") })
    }

    @Test func homeIsEmptyAndHiddenFilesAre() throws {
        let scratch = try Scratch()
        try scratch.write(".env", "KEY=1\n")
        try scratch.write(".env.local", "KEY=2\n")
        try scratch.write("plain", "seen\n")
        #expect(try runProgram(["sh", "-c", "mkdir -p \(scratch.path)/.git/hooks"]) == 0)
        let script = """
            cat .env .env.local plain
            ls -A /root "$HOME"
            mv .env other || ln .env other || rm .env || echo kept
            touch .git/hooks/pre-commit || echo protected
            touch "$HOME/mine" && echo home
            """
        let (text, _) = try runScript(script, in: scratch)
        #expect(!text.contains("KEY="))
        #expect(text.hasPrefix("seen\n/home/agent:\n\n/root:\n"))
        for word in ["kept", "protected", "home"] { #expect(text.contains(word + "\n"), "\(word): \(text)") }
        #expect(scratch.read(".env") == "KEY=1\n")
    }

    @Test func aProjectBelowHomeIsAllOfHomeThatShows() throws {
        let scratch = try Scratch()
        let home = scratch.path
        try scratch.write("secret", "KEY\n")
        #expect(try runProgram(["sh", "-c", "mkdir -p \(home)/project/deep \(home)/.ssh && chown -R 4242:4242 \(home)"]) == 0)
        let script =
            "ls -A \(home); ls \(home)/project; cat \(home)/secret; echo x >\(home)/mine && rmdir \(home)/project || echo stays"
        var request = try cageRequest(
            scratch, ["/bin/sh", "-c", "exec >out 2>/dev/null\n" + script],
            caller: Caller(uid: 4242, gid: 4242, name: "alice", home: home))
        request.directory = home + "/project"
        #expect(try runCage(request).status == 0)
        #expect(scratch.read("project/out") == "project\ndeep\nout\nstays\n")
        #expect(scratch.read("mine") == nil)
    }

    @Test func environmentIsTheListedOne() throws {
        let scratch = try Scratch()
        let (text, _) = try runScript("env", in: scratch)
        #expect(text.contains("LANG=C.UTF-8\n"))
        #expect(text.contains("HOME=/home/agent\n"))
        #expect(!text.contains("LD_PRELOAD"))
    }

    @Test func contentArrivesUnderEveryName() throws {
        let scratch = try Scratch()
        let (text, status) = try runScript(
            "cat /etc/ssl/cert.pem /etc/pki/tls/certs/ca-bundle.crt; echo x >>$SSL_CERT_FILE", in: scratch
        ) {
            $0.intercepts = true
        }
        #expect(text.hasPrefix("content 0\ncontent 0\n"))
        #expect(status != 0, "the bundle could be changed")
    }

    @Test func orphansAreReaped() throws {
        let scratch = try Scratch()
        let script = """
            (sh -c 'echo $$ >orphan' &)
            while ! test -s orphan; do :; done
            pid=$(cat orphan)
            while test -e /proc/$pid; do :; done
            echo reaped
            """
        let (text, status) = try runScript(script, in: scratch)
        #expect(status == 0)
        #expect(text == "reaped\n")
    }

    @Test func stopsContinuesAndEnds() throws {
        let scratch = try Scratch()
        let request = try cageRequest(scratch, ["/bin/sleep", "1000"])
        let run = try runCage(request) { event, cage in
            switch event {
            case .started: try cage.order(.signal(SIGSTOP))
            case .stopped: try cage.order(.signal(SIGCONT))
            case .continued: try cage.order(.signal(SIGTERM))
            default: break
            }
        }
        let expected: [CageEvent] = [.started, .stopped(signal: SIGSTOP), .continued, .signalled(signal: SIGTERM)]
        #expect(Array(run.events.suffix(4)) == expected)
    }

    @Test func killAllEndsTheCage() throws {
        let scratch = try Scratch()
        var agent: Int32 = 0
        try runCage(try cageRequest(scratch, ["/bin/sleep", "1000"])) { event, cage in
            if case .forked(let pid) = event { agent = pid }
            if event == .started {
                #expect(kill(agent, 0) == 0)
                try cage.order(.killAll)
            }
        }
        #expect(agent > 0)
        #expect(isGone(agent))
    }

    @Test func exitStatusesOfEnv() throws {
        let scratch = try Scratch()
        try scratch.write("plain", "text")
        let cases: [(String, Int32)] = [("./missing", 127), ("no-such-command", 127), ("./plain", 126), ("/usr", 126)]
        for (word, status) in cases {
            let error = #expect(throws: CageError.self) { try cageRequest(scratch, [word]).plan() }
            #expect(error?.status == status, "\(word)")
        }
        // An interpreter that is there for us and not in the cage: exec itself says so.
        let tool = try Scratch()
        try tool.write("tool", "#!/bin/true\n", mode: 0o755)
        var request = try cageRequest(scratch, ["\(tool.path)/tool"])
        #expect(try runCage(request).status == 0)
        request.sandbox.filesystem.read = [.system]
        #expect(try runCage(request).events.last == .notExecuted(errno: ENOENT))
    }

    @Test func aFailedStepNamesItself() throws {
        let scratch = try Scratch()
        var request = try cageRequest(scratch, ["/bin/true"])
        // A batch in which nothing asks to be acknowledged proves nothing, and is refused.
        request.ruleset = [20, 0, 0, 0] + [UInt8](repeating: 0, count: 16)
        let run = try runCage(request)
        #expect(
            run.events.last
                == .failed(
                    step: "load the packet rules: TCP to the proxy, port 53 to the resolver, the rest refused", errno: EINVAL))
    }

    /// Init believes no length: each of these plans is refused as a whole, before its first step.
    @Test func bentPlansAreRefused() throws {
        let scratch = try Scratch()
        let request = try cageRequest(scratch, ["/bin/true"])
        let plan = try request.plan()
        let whole = plan.encoded()
        // Offsets of the head's version, count and size, and of a record's size and three text lengths.
        var bent: [[UInt8]] = [Array(whole.dropLast()), whole + [0], Array(whole.prefix(24)), Array(whole.prefix(20)), [0]]
        for (offset, value) in [(0, 0), (8, 2), (12, 255), (13, 255), (16, 0), (19, 255)] as [(Int, UInt8)] {
            var bytes = whole
            bytes[offset] = value
            bent.append(bytes)
        }
        for offset in [32, 36, 40, 44] {
            for value in [1, 7, 64, 255] as [UInt8] {
                for byte in [0, 3] {
                    var bytes = whole
                    bytes[offset + byte] = value
                    if bytes != whole { bent.append(bytes) }
                }
            }
        }
        for bytes in bent {
            var cage = try request.start(plan, bytes: bytes)
            #expect(try cage.readEvent(blocking: true) == .failed(step: "read the plan", errno: EINVAL))
            cage.kill()
        }
    }

    @Test func connectionsToAnywhereReachTheListener() throws {
        let scratch = try Scratch()
        let program = "import socket\ns = socket.create_connection((\"203.0.113.5\", 443))\nprint(s.recv(9).decode())"
        try scratch.write("dial.py", program)
        var request = try cageRequest(scratch, ["/bin/sh", "-c", "exec >out 2>&1; exec /usr/bin/python3 dial.py"])
        request.ruleset = try CageRuleset.batch()
        var dialled = ""
        let run = try runCage(request) { event, cage in
            guard event == .started, let listener = cage.tcp4 else { return }
            var watch = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            guard poll(&watch, 1, 10_000) == 1 else { return }
            let connection = OwnedFD(owning: accept(listener, nil, nil))
            var name = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let number = connection.raw
            let code = withUnsafeMutableBytes(of: &name) { bytes in
                bytes.withMemoryRebound(to: sockaddr.self) { getsockname(number, $0.baseAddress, &length) }
            }
            #expect(code == 0)
            dialled = String(cString: inet_ntoa(name.sin_addr)) + ":\(UInt16(bigEndian: name.sin_port))"
            #expect(write(number, "captured", 8) == 8)
        }
        #expect(run.status == 0)
        #expect(dialled == "203.0.113.5:443")
        #expect(scratch.read("out") == "captured\n")
    }

    /// Root's pipe is no stranger's to open, and `>/dev/stderr` opens it.
    @Test func aPipeOfTheCallersCanBeOpenedAnew() async throws {
        let scratch = try Scratch()
        let path = scratch.path
        _ = try initProgram.get()
        await #expect(processExitsWith: .success) { [path = path as String] in
            var pair: [Int32] = [-1, -1]
            guard pipe(&pair) == 0, dup2(pair[1], 2) == 2 else { exit(9) }
            let request = CageRequest(
                sandbox: .init(), caller: Caller(uid: 0, gid: 0, name: "root", home: "/root"), privileged: true, directory: path,
                command: ["/bin/sh", "-c", "echo anew >/dev/stderr"], environment: ["PATH": "/bin"],
                initProgram: try initProgram.get())
            let status = try runCage(request).status
            var bytes = [UInt8](repeating: 0, count: 16)
            let count = read(pair[0], &bytes, bytes.count)
            exit(status == 0 && count == 5 ? 0 : 1)
        }
    }

    @Test func supervisorsDeathIsTheAgents() async throws {
        let scratch = try Scratch()
        let path = scratch.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            var request = CageRequest(
                sandbox: .init(), caller: Caller(uid: 0, gid: 0, name: "root", home: "/root"), privileged: true, directory: path,
                command: ["/bin/sleep", "1000"], environment: ["PATH": "/bin"], initProgram: try initProgram.get())
            request.initFilter = try InitFilter.program()
            try runCage(request) { event, _ in
                if case .forked(let pid) = event {
                    let number = open("\(path)/pid", O_WRONLY | O_CREAT, 0o644)
                    let text = Array("\(pid)".utf8)
                    _ = write(number, text, text.count)
                    close(number)
                }
                if event == .started { kill(getpid(), SIGKILL) }
            }
        }
        let pid = try #require(scratch.read("pid").flatMap { Int32($0) })
        #expect(isGone(pid))
    }

    @Test func withoutPrivilegeTheSameCage() async throws {
        let scratch = try Scratch()
        let path = scratch.path
        chown(path, 4242, 4242)
        _ = try initProgram.get()
        await #expect(processExitsWith: .success) { [path = path as String] in
            let program = try initProgram.get()
            setgroups(0, nil)
            guard setgid(4242) == 0, setuid(4242) == 0 else { exit(9) }
            // The kernel made us non-dumpable with the ids, and /proc/self root's with it.
            try setDumpable(true)
            var request = CageRequest(
                sandbox: .init(), caller: Caller(uid: 4242, gid: 4242, name: "alice", home: "/home/alice"), privileged: false,
                directory: path,
                command: [
                    "/bin/sh", "-c", "exec >out 2>&1; id -un; grep CapEff /proc/self/status; mount -t tmpfs x /tmp || exit 7",
                ],
                environment: ["PATH": "/bin:/usr/bin"], initProgram: program)
            request.agentFilter = try AgentFilter(base: .strict).program(try SyscallTables.embedded())
            request.initFilter = try InitFilter.program()
            request.ruleset = try CageRuleset.batch()
            exit(try runCage(request).status == 7 ? 0 : 1)
        }
        #expect(scratch.read("out")?.hasPrefix("alice\nCapEff:\t0000000000000000\n") == true)
    }
}

extension RunningCage {
    /// The listener's number, for a test that accepts by hand.
    fileprivate var tcp4: Int32? {
        switch listeners.tcp4 {
        case .some(let listener): listener.raw
        case .none: nil
        }
    }
}
