// EgressProcess: the proxy's process, from its birth without privilege to its end. The supervisor calls
// `detachRoot()` when egress has said hello: by then it has opened all it will ever open.

import CSpawn
import Glibc
import LinuxSys

/// Whose ids egress gets.
enum EgressIdentity: Equatable {
    /// Root gives it an id that nobody else has.
    case own(uid: UInt32, gid: UInt32)
    /// The user who runs this, inside a user namespace that maps only that id.
    case caller

    /// An id of this session alone, far above those of people, services and containers: two sessions' proxies must not
    /// be able to signal or trace each other. `pid` is the supervisor's and unique while it lives.
    static func unique(pid: Int32) -> EgressIdentity {
        let id = 0x7A00_0000 + UInt32(bitPattern: pid & 0x3F_FFFF)
        return .own(uid: id, gid: id)
    }
}

struct EgressProcess: ~Copyable {
    /// On the host.
    let pid: Int32
    /// Readable when it has ended.
    let process: OwnedFD
    /// Open as long as we live: a child that finds it closed was born after its parent's death and ends at once.
    private let alive: OwnedFD
    /// Says why it could not be executed; closes when it was.
    private let report: OwnedFD
    private let root: EgressRoot
    private let identity: EgressIdentity

    struct Failure: Error, Equatable {
        /// Words for `error: cannot start the proxy: …`.
        var what: String
        var error: SysError
    }

    /// Starts `program` and returns once it has been executed.
    static func start(
        program: borrowing OwnedFD, descriptors: [Int32], errorOutput: Int32? = nil, identity: EgressIdentity, root: EgressRoot,
        isolated: Bool = true
    ) throws(Failure) -> EgressProcess {
        let begun = try begin(
            program: program, descriptors: descriptors, errorOutput: errorOutput, identity: identity, root: root, isolated: isolated
        )
        try begun.awaitExec()
        return begun
    }

    /// Starts `program`; `awaitExec` says whether that succeeded.
    ///
    /// The child has no capability (bounding set included), no new privileges, no supplementary group, a process group of its
    /// own, an empty environment, a read-only root that holds only ``EgressRoot``, and the descriptors named here.
    /// - Parameters:
    ///   - program: opened for reading, close-on-exec. Its interpreter and libraries are found through `root`.
    ///   - descriptors: become 3, 4, 5, … in the child; at most 16. They stay the caller's.
    ///   - errorOutput: becomes the child's standard error; without it that is /dev/null, as input and output are.
    ///   - isolated: false only where the host refuses namespaces (tier `contained`).
    static func begin(
        program: borrowing OwnedFD, descriptors: [Int32], errorOutput: Int32? = nil, identity: EgressIdentity, root: EgressRoot,
        isolated: Bool = true
    ) throws(Failure) -> EgressProcess {
        var spawned = akios_egress_spawned()
        var code: Int32 = 0
        let file = program.raw
        let result = root.withEntries { entries in
            descriptors.withUnsafeBufferPointer { numbers in
                var request = akios_egress_spawn()
                request.program = file
                request.fds = numbers.baseAddress
                request.fd_count = numbers.count
                request.error_output = errorOutput ?? -1
                if case .own(let uid, let gid) = identity {
                    request.privileged = 1
                    request.uid = uid
                    request.gid = gid
                }
                request.isolated = isolated ? 1 : 0
                request.entries = entries.baseAddress
                request.entry_count = entries.count
                let result = akios_egress_spawn(&request, &spawned)
                code = errno
                return result
            }
        }
        guard result == 0 else { throw Failure(what: "its namespaces", error: SysError("clone3", code)) }
        return EgressProcess(
            pid: spawned.pid, process: OwnedFD(owning: spawned.pidfd), alive: OwnedFD(owning: spawned.alive),
            report: OwnedFD(owning: spawned.failed), root: isolated ? root : EgressRoot(entries: []), identity: identity)
    }

    /// Takes the libraries out of egress' root: from here on no path opens in it. What is mapped stays mapped.
    func detachRoot() throws(Failure) {
        guard !root.entries.isEmpty else { return }
        let file = process.raw
        var code: Int32 = 0
        let result = root.withEntries { entries -> Int32 in
            guard let first = entries.baseAddress else { return 0 }
            let result = akios_egress_detach(file, identity == .caller ? 0 : 1, first, entries.count)
            code = errno
            return result
        }
        guard result == 0 else { throw Failure(what: "taking its root away", error: SysError("umount2", code)) }
    }

    /// Returns once it has been executed; throws where it failed before that, and has collected it then.
    borrowing func awaitExec() throws(Failure) {
        var failure = akios_egress_failure()
        let number = report.raw
        let size = MemoryLayout<akios_egress_failure>.size
        var count = 0
        do throws(SysError) {
            count = try syscall("read") { read(number, &failure, size) }
        } catch {
            throw Failure(what: "its first report", error: error)
        }
        if count == 0 { return }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        let (what, call) = EgressProcess.words(failure.stage)
        throw Failure(what: what, error: SysError(call, count == size ? failure.number : EIO))
    }

    private static func words(_ stage: Int32) -> (what: String, call: String) {
        switch akios_egress_stage(rawValue: UInt32(bitPattern: stage)) {
        case akios_egress_idmap: ("its id map", "write")
        case akios_egress_mounts: ("its root file system", "mount")
        case akios_egress_bind: ("its libraries", "move_mount")
        case akios_egress_pivot: ("its root file system", "pivot_root")
        case akios_egress_ids: ("its ids and capabilities", "setresuid")
        case akios_egress_descriptors: ("its descriptors", "dup2")
        default: ("its program", "execveat")
        }
    }
}
