// CageHarness: a cage started from a test in a folder of its own. The agent speaks through a file in the workspace.

import CagePlan
import Glibc
import LinuxSys
import Profile
import Vocabulary

@testable import Launcher

/// akios-init, compiled once from its sources as the package does: static, without Swift.
let initProgram: Result<String, TestFailure> = {
    let path = "/tmp/akios-init-\(getpid())"
    let sources = ["main", "mounts", "network", "confine", "agent"].map { "\(sourceRoot)/CShims/CInit/\($0).c" }
    guard (try? runProgram(["cc", "-std=c11", "-O1", "-static", "-o", path] + sources + ["-lcap"])) == 0 else {
        return .failure(TestFailure(reason: "cannot compile akios-init"))
    }
    chmod(path, 0o755)
    // Held open and removed at once, so that no end of a test run leaves it behind.
    let number = open(path, O_RDONLY | O_CLOEXEC)
    unlink(path)
    return number < 0 ? .failure(TestFailure(reason: "cannot open akios-init")) : .success("/proc/self/fd/\(number)")
}()

/// An empty folder, removed with all in it. TMPDIR names a disk where /tmp is memory: older kernels cannot id-map that.
struct Scratch: ~Copyable {
    let path: String

    init() throws {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/akios-cage-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestFailure(reason: "mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(path, 0o755)
    }

    func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws {
        let number = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, mode)
        guard number >= 0 else { throw TestFailure(reason: "open \(name)") }
        defer { close(number) }
        let bytes = Array(text.utf8)
        guard Glibc.write(number, bytes, bytes.count) == bytes.count else { throw TestFailure(reason: "write \(name)") }
    }

    func read(_ name: String) -> String? {
        (try? readFile("\(path)/\(name)", limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }
    }

    deinit { _ = try? runProgram(["rm", "-rf", path]) }
}

/// What one run said.
struct CageRun {
    var events: [CageEvent] = []
    var status: Int32? {
        for case .exited(let status) in events { return status }
        return nil
    }
}

func cageRequest(_ scratch: borrowing Scratch, _ command: [String], caller: Caller? = nil) throws -> CageRequest {
    var sandbox = Sandbox()
    sandbox.filesystem.hide = [".env", ".env.*"]
    sandbox.filesystem.protect = [".git/hooks", ".envrc"]
    sandbox.resources.openFiles = 256
    sandbox.environment.pass = ["LANG", "LD_PRELOAD"]
    var request = CageRequest(
        sandbox: sandbox,
        caller: caller ?? Caller(uid: getuid(), gid: getgid(), name: "tester", home: isRoot ? "/root" : "/home/tester"),
        privileged: geteuid() == 0, directory: scratch.path, command: command,
        environment: ["PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "LD_PRELOAD": "/x.so"],
        initProgram: try initProgram.get())
    let tables = try SyscallTables.embedded()
    let filters = try AgentFilter(base: .strict).watched(tables)
    request.agentFilter = filters.agent
    request.socketFilter = filters.sockets
    request.initFilter = try InitFilter.program()
    return request
}

/// Starts it, lets it go, and tells `watch` each event until the end.
@discardableResult
func runCage(_ request: CageRequest, watch: (CageEvent, borrowing RunningCage) throws -> Void = { _, _ in }) throws -> CageRun {
    var cage = try request.start(try request.plan())
    for slot in cage.plan.stores.indices { try cage.send(content: Array("content \(slot)\n".utf8), slot: slot) }
    var run = CageRun()
    while let event = try cage.readEvent(blocking: true) {
        if event == .ended { break }
        run.events.append(event)
        if event == .ready {
            // Nobody listens here: what the socket filter asks about must be refused all the same.
            cage.socketNotices = nil
            try cage.go()
        }
        try watch(event, cage)
    }
    cage.kill()
    return run
}

/// Runs a shell script in a cage; its standard output and error, and its status.
func runScript(_ script: String, in scratch: borrowing Scratch, change: (inout CageRequest) -> Void = { _ in }) throws -> (
    text: String, status: Int32?
) {
    var request = try cageRequest(scratch, ["/bin/sh", "-c", "exec >out 2>&1\n" + script])
    change(&request)
    let run = try runCage(request)
    return (scratch.read("out") ?? "", run.status)
}

/// Waits until a process is gone or dead, at most 10 s: the bound is a broken test's, not a promise.
func isGone(_ pid: Int32) -> Bool {
    for _ in 0..<1000 {
        guard let bytes = try? readFile("/proc/\(pid)/stat", limit: 4096) else { return true }
        if let state = String(decoding: bytes, as: UTF8.self).split(separator: ")").last,
            state.hasPrefix(" Z") || state.hasPrefix(" X")
        {
            return true
        }
        usleep(10_000)
    }
    return false
}
