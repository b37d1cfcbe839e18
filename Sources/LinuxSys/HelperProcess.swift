// HelperProcess: a program of the operator's beside us: bytes on its standard input, nothing else of ours, and an end.

import CSpawn
import Glibc

public struct HelperProcess: ~Copyable, Sendable {
    /// Readable when it has ended.
    public let process: OwnedFD
    private let pid: Int32

    /// - Parameters:
    ///   - words: an absolute path and its arguments.
    ///   - input: what it reads; at most what memory holds.
    ///   - identity: whose ids it gets, without any capability; nil: it stays who we are, who have none to lose.
    public init(_ words: [String], environment: [String], input: [UInt8], as identity: FileIdentity?) throws(SysError) {
        guard let program = words.first else { throw SysError("execve", EINVAL) }
        let file = try sealedMemory(named: "akios-alert", input)
        // Written, it stands at its end.
        try syscall("lseek") { lseek(file.raw, 0, SEEK_SET) }
        let null = OwnedFD(owning: try syscall("open", on: "/dev/null") { open("/dev/null", O_RDWR | O_CLOEXEC) })
        // Complete before the clone: the child allocates nothing.
        let arguments = words.map { strdup($0) } + [nil]
        let variables = environment.map { strdup($0) } + [nil]
        defer { for text in arguments + variables { free(text) } }
        let numbers = (file.raw, null.raw)
        var (pidfd, pid, code): (Int32, pid_t, Int32) = (-1, 0, 0)
        let result = program.withCString { path in
            arguments.withUnsafeBufferPointer { arguments in
                variables.withUnsafeBufferPointer { variables -> Int32 in
                    guard let first = arguments.baseAddress, let second = variables.baseAddress else { return -1 }
                    var request = akios_helper(
                        program: path, arguments: first, environment: second, input: numbers.0, null: numbers.1,
                        privileged: identity == nil ? 0 : 1, uid: identity?.uid ?? 0, gid: identity?.gid ?? 0)
                    let result = akios_helper_start(&request, &pidfd, &pid)
                    code = errno
                    return result
                }
            }
        }
        guard result == 0 else { throw SysError("clone3", code) }
        process = OwnedFD(owning: pidfd)
        self.pid = pid
    }

    /// Ends it and all it started. Its number is its own until it is collected.
    public borrowing func kill() {
        _ = Glibc.kill(-pid, SIGKILL)
        // It may not have come as far as a session of its own.
        try? ProcessFD.signal(process, SIGKILL)
    }

    /// Collects it, which has ended or is about to.
    public borrowing func wait() throws(SysError) -> ProcessEnd { try ProcessFD.wait(process) }
}
