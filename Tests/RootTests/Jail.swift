// Jail: what the tests of egress' jail share: a program that stands in for egress, and a reader of /proc.

import Glibc
import LinuxSys

@testable import Launcher

struct TestFailure: Error { var reason: String }

/// Whether a missing privilege is a failure: continuous integration sets this, a laptop does not.
let testsMustRun = getenv("AKIOS_TESTS_MUST_RUN") != nil
let isRoot = geteuid() == 0

let sourceRoot = String(#filePath.dropLast("/Tests/RootTests/Jail.swift".count))

/// Runs a program to its end; its status.
func runProgram(_ arguments: [String]) throws -> Int32 {
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var pid: pid_t = 0
    let code = posix_spawnp(&pid, arguments[0], nil, nil, &words, environ)
    guard code == 0 else { throw TestFailure(reason: "\(arguments[0]): errno \(code)") }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    return status
}

/// Compiles a file of Tests/Probes, opens the result and removes it.
func openProbe(_ name: String, flags: [String] = []) throws -> OwnedFD {
    var path = Array("/tmp/akios-probe-XXXXXX".utf8CString)
    close(mkstemp(&path))
    let text = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unlink(text) }
    guard try runProgram(["cc", "-O1", "-pthread", "-o", text, "\(sourceRoot)/Tests/Probes/\(name)"] + flags) == 0 else {
        throw TestFailure(reason: "cannot compile \(name)")
    }
    chmod(text, 0o755)
    let number = open(text, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { throw TestFailure(reason: "cannot open the probe") }
    return OwnedFD(owning: number)
}

func memoryFile(_ bytes: [UInt8]) throws -> OwnedFD {
    var path = Array("/tmp/akios-bytes-XXXXXX".utf8CString)
    let number = mkstemp(&path)
    unlink(path)
    guard number >= 0, bytes.withUnsafeBytes({ pwrite(number, $0.baseAddress, $0.count, 0) }) == bytes.count else {
        throw TestFailure(reason: "temporary file")
    }
    return OwnedFD(owning: number)
}

/// The `Name:` lines of /proc/PID/task/TID/status for every thread.
func threads(of pid: Int32) -> [[String: String]] {
    guard let folder = opendir("/proc/\(pid)/task") else { return [] }
    defer { closedir(folder) }
    var found: [[String: String]] = []
    while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        guard Int32(name) != nil, let bytes = try? readProc("/proc/\(pid)/task/\(name)/status") else { continue }
        var lines: [String: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { lines[String(parts[0])] = parts[1].split { $0 == " " || $0 == "\t" }.joined(separator: " ") }
        }
        found.append(lines)
    }
    return found
}

private func readProc(_ path: String) throws -> [UInt8] {
    let file = try openForReading(path)
    var bytes = [UInt8](repeating: 0, count: 8192)
    let number = file.raw
    let count = bytes.withUnsafeMutableBytes { read(number, $0.baseAddress, $0.count) }
    return Array(bytes.prefix(max(count, 0)))
}

/// A stand-in for egress in its jail, and what it said.
struct Jail: ~Copyable {
    let process: EgressProcess
    private let channel: OwnedFD
    private(set) var said: [String: Int] = [:]

    init(identity: EgressIdentity, filter: [UInt8]) throws {
        let program = try openProbe("jailed.c")
        let root = try EgressRoot(program: program)
        let configuration = try memoryFile([])
        let bytes = try memoryFile(filter)
        var pair: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0 else { throw TestFailure(reason: "socketpair") }
        let theirs = OwnedFD(owning: pair[1])
        let ours = OwnedFD(owning: pair[0])
        let started = try EgressProcess.start(
            program: program, descriptors: [theirs.raw, configuration.raw, bytes.raw], identity: identity, root: root)
        channel = ours
        process = started
    }

    /// Reads lines up to `last`.
    mutating func listen(until last: String) throws {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !text.hasSuffix(last + "\n") {
            let count = buffer.withUnsafeMutableBytes { read(channel.raw, $0.baseAddress, $0.count) }
            guard count > 0 else { throw TestFailure(reason: "the probe ended after: \(text)") }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=")
            if parts.count == 2 { said[String(parts[0])] = Int(parts[1]) }
        }
    }

    func goOn() { _ = write(channel.raw, "g", 1) }

    func end() -> Int32 {
        kill(process.pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(process.pid, &status, 0) < 0 && errno == EINTR {}
        return status
    }
}
