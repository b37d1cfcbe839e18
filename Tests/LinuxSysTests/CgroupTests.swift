// Choice of a place for the session's group, limits and counters, over a folder that plays the hierarchy. The VM suite
// does the same with a kernel.

import Glibc
import Testing

@testable import LinuxSys

/// A folder with files; removed with the test.
private final class FakeTree {
    let path: String

    init() throws {
        var name = Array("/tmp/akios-cgroup-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { throw CannotRun(reason: "mkdtemp") }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { _ = try? run(["rm", "-rf", path]) }

    func folder(_ name: String, _ files: [String: String]) throws {
        mkdir("\(path)\(name)", 0o755)
        for (file, text) in files {
            guard let stream = fopen("\(path)\(name)/\(file)", "w") else { throw CannotRun(reason: "fopen \(file)") }
            defer { fclose(stream) }
            fputs(text, stream)
        }
    }

    func text(_ name: String) -> String? {
        (try? readFile("\(path)\(name)", limit: 4096)).map { String(decoding: $0, as: UTF8.self) }
    }
}

private let all = "cpuset cpu io memory pids\n"

@Suite struct CgroupTests {
    private func host(_ tree: FakeTree, own: String? = nil, systemd: Bool = false, privileged: Bool = true) -> CgroupHost {
        CgroupHost(mount: tree.path, own: own, systemdIsInit: systemd, privileged: privileged)
    }

    @Test func topWhereSystemdIsNotInit() throws {
        let tree = try FakeTree()
        try tree.folder("", ["cgroup.controllers": all])
        let parent = try CgroupParent.choose(host(tree))
        #expect(parent.origin == .top)
        #expect(parent.folder.path == "\(tree.path)/akios")
    }

    @Test func systemdsTreeIsLeftAlone() throws {
        let tree = try FakeTree()
        try tree.folder("", ["cgroup.controllers": all])
        #expect(throws: SysError.self) { _ = try CgroupParent.choose(host(tree, systemd: true)).origin }
        #expect(throws: SysError.self) { _ = try CgroupParent.choose(host(tree, privileged: false)).origin }
        #expect(access("\(tree.path)/akios", F_OK) != 0, "nothing was made")
    }

    @Test func missingControllersAreNamed() throws {
        let tree = try FakeTree()
        try tree.folder("", ["cgroup.controllers": "pids\n"])
        do throws(SysError) {
            _ = try CgroupParent.choose(host(tree)).origin
            Issue.record("a hierarchy without memory was chosen")
        } catch {
            #expect(error.number == ENOTSUP)
            #expect(error.subject?.hasSuffix("cpu, memory missing") == true)
        }
    }

    @Test func anOwnGroupThatWasGivenToUsComesFirst() throws {
        let tree = try FakeTree()
        try tree.folder("", ["cgroup.controllers": all])
        try tree.folder("/mine", ["cgroup.controllers": all, "cgroup.procs": "\(getpid())\n"])
        // Ordinary users: the folder belongs to them.
        let parent = try CgroupParent.choose(host(tree, own: "/mine", systemd: true, privileged: false))
        #expect(parent.origin == .own)
        // Root owns everything: only the mark says that it was delegated, and this one has none.
        #expect(throws: SysError.self) { _ = try CgroupParent.choose(host(tree, own: "/mine", systemd: true)).origin }
        try tree.folder("/mine", ["cgroup.procs": "1\n\(getpid())\n"])
        #expect(throws: SysError.self) {
            _ = try CgroupParent.choose(host(tree, own: "/mine", systemd: true, privileged: false)).origin
        }
    }

    @Test func aNamedPlaceIsTakenOrRefused() throws {
        let tree = try FakeTree()
        try tree.folder("", ["cgroup.controllers": "pids\n"])
        try tree.folder("/good", ["cgroup.controllers": all])
        #expect(try CgroupParent.choose(host(tree), named: "\(tree.path)/good").origin == .named)
        #expect(throws: SysError.self) { _ = try CgroupParent.choose(host(tree), named: tree.path).origin }
        // Of a caller's: it must be a cgroup and theirs, for root writes in it.
        let caller = FileIdentity(uid: geteuid(), gid: getegid())
        #expect(throws: SysError.self) {
            _ = try CgroupParent.choose(host(tree), named: "\(tree.path)/good", caller: caller).origin
        }
        #expect(throws: SysError.self) { _ = try CgroupParent.choose(host(tree), named: "\(tree.path)/none").origin }
    }

    @Test func limitsAreWrittenAndReadBack() throws {
        let tree = try FakeTree()
        let files = ["memory.max": "", "memory.oom.group": "", "memory.swap.max": "", "cpu.max": "", "pids.max": ""]
        try tree.folder("/session", files)
        let folder = try CgroupFolder(path: "\(tree.path)/session")
        try folder.apply(CgroupLimits(memory: 2 << 30, swap: 0, cpu: 150, pids: 256))
        #expect(tree.text("/session/memory.max") == "2147483648")
        #expect(tree.text("/session/memory.oom.group") == "1")
        #expect(tree.text("/session/memory.swap.max") == "0")
        #expect(tree.text("/session/cpu.max") == "150000 100000")
        #expect(tree.text("/session/pids.max") == "256")
    }

    @Test func aLimitThatDoesNotStickIsAnError() throws {
        let tree = try FakeTree()
        try tree.folder("/session", ["pids.max": "a longer old text"])
        let folder = try CgroupFolder(path: "\(tree.path)/session")
        // The file keeps the tail of the old text, as a kernel that holds another value would.
        #expect(throws: SysError("read back", EIO, on: "\(tree.path)/session/pids.max")) {
            try folder.apply(CgroupLimits(pids: 256))
        }
        #expect(throws: SysError.self) { try folder.apply(CgroupLimits(cpu: 100)) }
    }

    @Test func countersAreRead() throws {
        let tree = try FakeTree()
        try tree.folder(
            "/session",
            [
                "memory.events": "low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\noom_group_kill 1\n",
                "cpu.stat": "usage_usec 4711\nuser_usec 1\n",
            ])
        let folder = try CgroupFolder(path: "\(tree.path)/session")
        #expect(folder.count("oom_kill", in: "memory.events") == 3)
        #expect(folder.count("usage_usec", in: "cpu.stat") == 4711)
        #expect(folder.count("max", in: "pids.events") == 0, "a file that is not there")
    }

    @Test func sweepTakesOnlyWhatACrashLeft() throws {
        let tree = try FakeTree()
        try tree.folder("", ["cgroup.controllers": all])
        try tree.folder("/akios", [:])
        for name in ["akios-dead.111", "akios-alive.222", "strange"] { try tree.folder("/akios/\(name)", [:]) }
        try tree.folder("/akios/akios-dead.111/cage", [:])
        let parent = try CgroupParent.choose(host(tree))
        #expect(parent.sweep { $0 == 222 } == ["akios-dead.111"])
        #expect(parent.sweep { $0 == 222 } == [])
        #expect(parent.folder.children() == ["akios-alive.222", "strange"])
    }
}
