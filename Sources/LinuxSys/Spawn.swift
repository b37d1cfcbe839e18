// Spawn: clone3 to exec, as CSpawn does it, with owned descriptors.

import CSpawn
import Glibc

/// A child that waits for its id maps, then becomes init.
public struct SpawnedInit: ~Copyable, Sendable {
    public let pid: Int32
    public let process: OwnedFD
    private let go: OwnedFD
    private let failed: OwnedFD

    /// Starts `program` with `control` and `plan` as descriptors 3 and 4 and `attached` from 5 on, in namespaces of its own.
    /// - Parameter attached: numbers the caller keeps open until this returns.
    public init(
        program: borrowing OwnedFD, control: borrowing OwnedFD, plan: borrowing OwnedFD, attached: [Int32], cgroup: Int32?
    ) throws(SysError) {
        let numbers = (program.raw, control.raw, plan.raw)
        var spawned = akios_spawned()
        var code: Int32 = 0
        let result = attached.withUnsafeBufferPointer { slots in
            var request = akios_spawn(
                program: numbers.0, control: numbers.1, plan: numbers.2, attached: slots.baseAddress, attached_count: slots.count,
                cgroup: cgroup ?? -1, namespaces: akios_cage_namespaces)
            let result = akios_spawn_init(&request, &spawned)
            code = errno
            return result
        }
        // Not through the funnel: a clone that was interrupted is an answer, and never repeated.
        guard result == 0 else { throw SysError("clone3", code) }
        pid = spawned.pid
        process = OwnedFD(owning: spawned.pidfd)
        go = OwnedFD(owning: spawned.go)
        failed = OwnedFD(owning: spawned.failed)
    }

    /// The maps stand: the child may exec. Returns when it has; its own error otherwise.
    public borrowing func proceed() throws(SysError) {
        let (start, report) = (go.raw, failed.raw)
        var byte: UInt8 = 1
        try syscall("write") { write(start, &byte, 1) }
        var code: Int32 = 0
        let count = try syscall("read") { read(report, &code, MemoryLayout<Int32>.size) }
        guard count == 0 else { throw SysError("execveat", count == MemoryLayout<Int32>.size ? code : EIO, on: "akios-init") }
    }
}
