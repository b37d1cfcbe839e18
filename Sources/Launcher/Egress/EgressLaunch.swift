// EgressLaunch: what egress is born with: its channel, as descriptor 3; and what it is given later.

import CLinux
import Glibc
import LinuxSys
import Vocabulary

/// A started proxy and our end of its channel.
struct LaunchedEgress: ~Copyable {
    var process: EgressProcess
    var channel: EgressChannel

    /// Starts it with nothing but its channel; it makes its keys and waits for `configure`.
    static func start(program path: String, privileged: Bool) throws(Complaint) -> LaunchedEgress {
        do throws(SysError) {
            let program = try openForReading(path)
            var pair: [Int32] = [-1, -1]
            try syscall("socketpair") { socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) }
            let ours = OwnedFD(owning: pair[0])
            let theirs = OwnedFD(owning: pair[1])
            let root = try EgressRoot(program: program)
            return try start(program, [theirs.raw], privileged: privileged, root: root, ours)
        } catch {
            if error.call == "clone3" { throw CageRequest.complaint(error) }
            throw Complaint("the proxy cannot be started: \(error); nothing was run", hint: "akios doctor")
        }
    }

    private static func start(
        _ program: borrowing OwnedFD, _ descriptors: [Int32], privileged: Bool, root: EgressRoot, _ ours: consuming OwnedFD
    ) throws(SysError) -> LaunchedEgress {
        do throws(EgressProcess.Failure) {
            let process = try EgressProcess.begin(
                program: program, descriptors: descriptors, identity: privileged ? .unique(pid: getpid()) : .caller, root: root)
            return LaunchedEgress(process: process, channel: EgressChannel(fd: ours))
        } catch { throw error.error }
    }
}

extension LaunchedEgress {
    /// The filter that egress locks itself in with.
    static func filter() throws(Complaint) -> [UInt8] {
        do { return try EgressFilter.program() } catch {
            throw Complaint("the proxy's filter cannot be made: \(error); nothing was run", hint: "akios doctor")
        }
    }

    /// Returns once it has been executed and has been sent its configuration.
    /// - Parameters:
    ///   - configuration: `EgressConfiguration.encoded()`.
    ///   - filter: `filter()`.
    ///   - secrets: shared with it, not copied.
    borrowing func configure(
        _ configuration: [UInt8], filter: [UInt8], secrets: borrowing SecretPages
    ) throws(Complaint) {
        let shared = secrets.raw
        do {
            try process.awaitExec()
            let file = try sealedMemory(named: "akios-config", configuration)
            let bpf = try sealedMemory(named: "akios-filter", filter)
            let (socket, numbers) = (channel.fd.raw, [file.raw, bpf.raw, shared])
            try syscall("sendmsg", on: "egress channel") { akios_send_fds(socket, [UInt8(ascii: "C")], 1, numbers, numbers.count) }
        } catch {
            let why = (error as? EgressProcess.Failure)?.error.description ?? "\(error)"
            throw Complaint("the proxy cannot be started: \(why); nothing was run", hint: "akios doctor")
        }
    }

    /// No path opens in egress any more. Before its first network byte, and after its hello.
    borrowing func detachRoot() throws(Complaint) {
        do throws(EgressProcess.Failure) { try process.detachRoot() } catch {
            throw Complaint("the proxy's root cannot be taken away: \(error.error); nothing was run", hint: "akios doctor")
        }
    }
}

extension EgressProcess {
    borrowing func kill() { try? ProcessFD.signal(process, SIGKILL) }

    /// Collects it, ending it first if it has not.
    borrowing func reap() {
        kill()
        _ = try? ProcessFD.wait(process)
    }
}
