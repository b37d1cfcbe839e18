// The jail of egress, judged from outside by /proc and from inside by a program that tries.

import Glibc
import LinuxSys
import Testing

@testable import Launcher

/// Root tries both ways of being born; a user has one, and needs user namespaces for it.
private let identities: [EgressIdentity] = isRoot ? [.unique(pid: 4711), .caller] : [.caller]
private let canIsolate = isRoot || testsMustRun || (try? runProgram(["unshare", "-Urm", "true"])) == 0

@Suite(.enabled(if: canIsolate, "needs root or user namespaces"), .serialized)
struct EgressJailTests {
    @Test(arguments: identities)
    func everyThreadIsWithoutPrivilege(identity: EgressIdentity) throws {
        var jail = try Jail(identity: identity, filter: try EgressFilter.program())
        defer { _ = jail.end() }
        try jail.listen(until: "hello")
        #expect(jail.said["filter"] == 0)
        let threads = threads(of: jail.process.pid)
        #expect(threads.count == 3)
        let id = if case .own(let uid, _) = identity { "\(uid)" } else { "\(getuid())" }
        for thread in threads {
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] { #expect(thread[set] == "0000000000000000", "\(set)") }
            #expect(thread["NoNewPrivs"] == "1")
            #expect(thread["Seccomp"] == "2")
            #expect(thread["Uid"] == "\(id) \(id) \(id) \(id)")
            #expect(thread["Gid"] == "\(id) \(id) \(id) \(id)")
            if identity != .caller { #expect(thread["Groups"] == "") }
        }
        // What was passed and the standard three, nothing that leaked.
        #expect(jail.said["descriptors"] == 6)
        #expect(jail.said["arguments"] == 1)
        #expect(jail.said["environment"] == 0)
        #expect(jail.said["group"] == 1)
        jail.goOn()
        try jail.listen(until: "done")
        #expect(jail.said["vsock"] == -Int(EPERM))
        #expect(jail.said["inet"] == 1)
        #expect(jail.said["exec"] == -Int(EPERM))
        #expect(jail.said["after.passwd"] == -Int(EPERM))
    }

    @Test(arguments: identities)
    func rootHoldsLibrariesAndThenNothing(identity: EgressIdentity) throws {
        // Without a filter, so that what is seen is the root's own doing.
        var jail = try Jail(identity: identity, filter: [])
        defer { _ = jail.end() }
        try jail.listen(until: "hello")
        #expect(jail.said["before.library"].map { $0 > 2 } == true, "the probe can see what is there")
        #expect(jail.said["before.passwd"] == -Int(ENOENT))
        #expect(jail.said["before.proc"] == -Int(ENOENT))
        #expect(jail.said["before.write"] == -Int(EROFS) || jail.said["before.write"] == -Int(EACCES))
        try jail.process.detachRoot()
        jail.goOn()
        try jail.listen(until: "done")
        #expect(jail.said["after.library"] == 2, "an empty folder")
        #expect(jail.said["exec"] == -Int(ENOENT))
        #expect(jail.said["before.cache"] == 1)
        #expect(jail.said["after.cache"] == -Int(EACCES))
        // The one file is what the loader's cache was bound on: empty, and nobody's to open.
        #expect(files(below: "/proc/\(jail.process.pid)/root") == ["/proc/\(jail.process.pid)/root/etc/ld.so.cache"])
    }

    @Test func aProgramThatCannotRunIsAnError() throws {
        let program = try memoryFile([])
        #expect(throws: (any Error).self) { try EgressRoot(program: program) }
        #expect(throws: EgressProcess.Failure(what: "its program", error: SysError("execveat", EACCES))) {
            let process = try EgressProcess.start(
                program: program, descriptors: [], identity: identities[0], root: EgressRoot(entries: [.bind("/usr/lib")]))
            _ = process.pid
        }
    }

    @Test func aMissingLibraryFolderIsAnError() throws {
        let program = try openProbe("jailed.c")
        #expect(throws: EgressProcess.Failure(what: "its libraries", error: SysError("move_mount", ENOENT))) {
            let process = try EgressProcess.start(
                program: program, descriptors: [], identity: identities[0], root: EgressRoot(entries: [.bind("/no/such/folder")]))
            _ = process.pid
        }
    }

    /// Everything below that is not a folder or a link.
    private func files(below path: String) -> [String] {
        guard let folder = opendir(path) else { return ["cannot open \(path)"] }
        defer { closedir(folder) }
        var found: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name == "." || name == ".." || entry.pointee.d_type == UInt8(DT_LNK) { continue }
            found += entry.pointee.d_type == UInt8(DT_DIR) ? files(below: "\(path)/\(name)") : ["\(path)/\(name)"]
        }
        return found
    }
}
