// Programs: runs a command for a test and collects what it printed. Fails the test with the command's own words.

import Glibc

struct ProgramResult {
    var status: Int32
    var output: String
    var errors: String
}

struct CannotRun: Error { var reason: String }

/// Runs `arguments` by PATH with `input` on stdin. Output goes over temporary files, so that no pipe can fill up.
func run(_ arguments: [String], input: [UInt8] = []) throws -> ProgramResult {
    let stdin = try temporary()
    let stdout = try temporary()
    let stderr = try temporary()
    defer { for file in [stdin, stdout, stderr] { close(file) } }
    guard input.withUnsafeBytes({ pwrite(stdin, $0.baseAddress, $0.count, 0) }) == input.count else {
        throw CannotRun(reason: "input")
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, file) in [stdin, stdout, stderr].enumerated() { posix_spawn_file_actions_adddup2(&actions, file, Int32(number)) }
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var pid: pid_t = 0
    let code = posix_spawnp(&pid, arguments[0], &actions, nil, &words, environ)
    guard code == 0 else { throw CannotRun(reason: "\(arguments[0]): errno \(code)") }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    let signal = status & 0x7f
    return ProgramResult(status: signal == 0 ? status >> 8 & 0xff : 128 + signal, output: text(stdout), errors: text(stderr))
}

/// Whether a missing program or privilege is a failure: continuous integration sets this, a laptop does not.
var testsMustRun: Bool { getenv("AKIOS_TESTS_MUST_RUN") != nil }

private func temporary() throws -> Int32 {
    var name = Array("/tmp/akios-test-XXXXXX".utf8CString)
    let file = mkstemp(&name)
    guard file >= 0 else { throw CannotRun(reason: "temporary file") }
    unlink(name)
    return file
}

private func text(_ file: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
    return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
}
