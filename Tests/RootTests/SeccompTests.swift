// The agent's filter under a kernel: forbidden calls that succeed without it, and everyday programs that run with it.

import Glibc
import LinuxSys
import Testing

/// A file on disk for as long as the value lives.
private final class ProbeFile {
    let path: String
    init(_ bytes: [UInt8] = []) throws {
        var name = Array("/tmp/akios-filter-XXXXXX".utf8CString)
        let file = mkstemp(&name)
        guard file >= 0 else { throw TestFailure(reason: "temporary file") }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        _ = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        close(file)
    }
    deinit { unlink(path) }
    var text: String { (try? readFile(path, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? "" }
}

private func filter(_ filter: AgentFilter) throws -> ProbeFile { try ProbeFile(filter.program(try SyscallTables.embedded())) }

private func compileProbe() throws -> ProbeFile {
    let program = try ProbeFile()
    let status = try runProgram(["cc", "-O1", "-o", program.path, "\(sourceRoot)/Tests/Probes/syscalls.c"])
    guard status == 0 else { throw TestFailure(reason: "cannot compile syscalls.c") }
    chmod(program.path, 0o755)
    return program
}

private func isThere(_ program: String) -> Bool { (try? runProgram(["sh", "-c", "command -v \(program) >/dev/null"])) == 0 }

/// Words of a shell, each an everyday use of threads, children, sockets or files.
private let everyday: [(program: String, script: String)] = [
    (
        "bash",
        "for i in 1 2 3; do echo $i | cat; done | sort -n | tail -1 >/dev/null; umask 022; mkdir -p \"$D/a/b\"; chmod 755 \"$D/a\""
    ),
    (
        "python3",
        "python3 -c 'import threading, subprocess, socket, multiprocessing as m, tempfile, ssl, sqlite3, asyncio\nt=threading.Thread(target=print); t.start(); t.join()\nsubprocess.check_output([\"true\"])\nsocket.socket().close(); socket.socketpair()\np=m.get_context(\"fork\").Process(target=print); p.start(); p.join(); assert p.exitcode==0\nsqlite3.connect(\":memory:\").execute(\"select 1\")\nasyncio.run(asyncio.sleep(0))\ntempfile.TemporaryFile().write(b\"x\")'"
    ),
    (
        "node",
        "node -e 'const c=require(\"child_process\"),w=require(\"worker_threads\"),f=require(\"fs\");c.execFileSync(\"true\");f.writeFileSync(process.env.D+\"/n\",\"x\");new w.Worker(\"1\",{eval:true}).on(\"exit\",e=>process.exit(e))'"
    ),
    (
        "java",
        "printf 'class P { public static void main(String[] a) throws Exception { new Thread(() -> {}).start(); if (new ProcessBuilder(\"true\").start().waitFor() != 0) System.exit(1); } }' > \"$D/P.java\" && java \"$D/P.java\""
    ),
    (
        "git",
        "cd \"$D\" && git init -q . && echo x > f && git add f && git -c user.name=n -c user.email=e@x commit -qm m && git gc -q && git log -1 >/dev/null"
    ),
    ("curl", "curl --version >/dev/null; curl -s --max-time 2 http://127.0.0.1:1/; [ $? -eq 7 ]"),
]

@Suite(.serialized) struct SeccompTests {
    @Test(
        .enabled(if: isRoot || testsMustRun, "needs root: without it most of these fail anyway"),
        arguments: AgentFilter.Base.allCases)
    func forbiddenCallsWorkWithoutTheFilterOnly(base: AgentFilter.Base) throws {
        let probe = try compileProbe()
        let bytes = try filter(AgentFilter(base: base))
        let output = try ProbeFile()
        // The probes themselves make namespaces and mounts: in a mount namespace that ends with them.
        let status = try runProgram(["unshare", "-m", "sh", "-c", "'\(probe.path)' '\(bytes.path)' > '\(output.path)'"])
        try #require(status == 0)
        let lines = output.text.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.count == 30)
        let absent: Set<Substring> = ["openat2", "clone3", "uring", "unknown"]
        for line in lines where line.count == 3 {
            let (name, before, after) = (line[0], Int32(line[1]), Int32(line[2]))
            #expect(after == (absent.contains(name) ? ENOSYS : EPERM), "\(name) with the filter")
            // A kernel may lack a call or a family altogether; then there is nothing to refuse, and the number must say so.
            let lacking = [ENOSYS, EAFNOSUPPORT, EPROTONOSUPPORT, ENOENT, EOPNOTSUPP]
            #expect(before == 0 || lacking.contains(before ?? 0), "\(name) without it: \(before ?? -1)")
            if name == "setuid_chmod" || name == "userns_clone" || name == "raw" {
                #expect(before == 0, "\(name) must work without it")
            }
        }
    }

    @Test(arguments: everyday.filter { testsMustRun || isThere($0.program) }.map(\.program))
    func everydayProgramsRun(program: String) throws {
        let probe = try compileProbe()
        let bytes = try filter(AgentFilter(base: .strict))
        let script = try #require(everyday.first { $0.program == program }?.script)
        let folder = try ProbeFile()
        let around = "rm -f '\(folder.path)'; mkdir '\(folder.path)' && export D='\(folder.path)' && trap 'rm -rf \"$D\"' EXIT"
        let inside = try ProbeFile(Array(script.utf8))
        #expect(try runProgram(["sh", "-c", "\(around); sh '\(inside.path)' >/dev/null"]) == 0, "it works without the filter")
        #expect(try runProgram(["sh", "-c", "\(around); '\(probe.path)' '\(bytes.path)' sh '\(inside.path)' >/dev/null"]) == 0)
    }
}
