// Cage: starts what a plan says and holds it. One thread; every descriptor has an owner, so that leaving early at any
// line undoes what was done: the trees detach, the child sees its pipe close and is gone.

public import CagePlan
import Glibc
public import LinuxSys
import Vocabulary

/// The sockets of the cage's network, opened in its namespace. Those that the plan did not ask for are nil.
public struct CageListeners: ~Copyable, Sendable {
    public var tcp4: OwnedFD?
    public var tcp6: OwnedFD?
    public var udp4: OwnedFD?
    public var udp6: OwnedFD?
    public var dnsTCP4: OwnedFD?
    public var dnsTCP6: OwnedFD?
    /// NFLOG group 1: heads of what the fence refused.
    public var log: OwnedFD?
}

/// A cage whose processes exist. Dropping it closes the control socket, which ends them.
public struct RunningCage: ~Copyable, Sendable {
    public let plan: CagePlan
    /// Init on the host.
    public let pid: Int32
    public let process: OwnedFD
    /// Readable when an event waits: for the poll loop.
    public let control: OwnedFD
    public var listeners = CageListeners()
    /// Readable when the agent asks for a socket that it is not given.
    public var socketNotices: OwnedFD?

    init(plan: CagePlan, pid: Int32, process: consuming OwnedFD, control: consuming OwnedFD) {
        self.plan = plan
        self.pid = pid
        self.process = process
        self.control = control
    }
}

extension CageRequest {
    /// Carries the plan out up to the first step that waits for us: content to receive, or the word to go.
    public func start(_ plan: CagePlan) throws(CageError) -> RunningCage { try start(plan, bytes: plan.encoded()) }

    /// With other bytes than the plan's, for tests of init alone.
    func start(_ plan: CagePlan, bytes: [UInt8]) throws(CageError) -> RunningCage {
        do {
            let trees = try TreeStack(plan, eyes: eyes)
            let program = try openProgram()
            let flat = try sealedMemory(named: "plan", bytes)
            let pair = try Packets.pair()
            // The kernel then says which process on the host speaks, so the agent's id need not be searched.
            try Packets.identifySenders(on: pair.ours)
            let spawned = try SpawnedInit(
                program: program, control: pair.theirs, plan: flat, attached: trees.numbers, cgroup: cgroup)
            try IdMap.write(
                pid: spawned.pid, users: plan.identity.uidMap, groups: plan.identity.gidMap,
                denyingGroups: !plan.identity.privileged)
            try spawned.proceed()
            // Our copy of init's end goes with `pair`: its end of file must mean that init is gone.
            return RunningCage(
                plan: plan, pid: spawned.pid, process: try spawned.process.duplicate(), control: try pair.ours.duplicate())
        } catch let error as SysError {
            throw CageError(Self.complaint(error))
        } catch let error as CageError {
            throw error
        } catch {
            throw CageError(Complaint("the cage could not be started: \(error)"))
        }
    }

    private func openProgram() throws(SysError) -> OwnedFD {
        OwnedFD(owning: try syscall("open", on: initProgram) { open(initProgram, O_RDONLY | O_CLOEXEC) })
    }

    /// In words; also for egress, whose namespaces are the first that are asked for.
    static func complaint(_ error: SysError) -> Complaint {
        switch (error.call, error.number) {
        case ("clone3", EPERM), ("clone3", ENOSYS), ("clone3", EUSERS), ("clone3", ENOSPC):
            Complaint(
                "no new namespaces: \(SysError.words(error.number))",
                hint:
                    "run it with sudo, or allow user namespaces (sysctl user.max_user_namespaces); `akios doctor` says what is missing"
            )
        case ("mount_setattr", EINVAL):
            Complaint(
                "the file system of \(error.subject ?? "the workspace") cannot be id-mapped",
                hint: "use a workspace that is not root's (chown it), or one on ext4, xfs or btrfs")
        default: Complaint("the cage could not be started: \(error)")
        }
    }
}

extension RunningCage {
    /// Ends of whatever init tells; never answers `nil` twice for one packet. EAGAIN (nothing waits) is `nil`.
    /// - Parameter blocking: false for a poll loop.
    public mutating func readEvent(blocking: Bool = false) throws(CageError) -> CageEvent? {
        while true {
            let packet: Packets.Packet?
            do {
                packet = try Packets.receive(limit: 64, blocking: blocking, from: control)
            } catch  where error.number == EAGAIN {
                return nil
            } catch {
                throw CageError(Complaint("the cage's init cannot be heard: \(error)"))
            }
            guard var packet else { return .ended }
            guard packet.bytes.count == Report.size else { throw protocolError }
            let kind = littleWord(packet.bytes, at: 0)
            let number = Int32(bitPattern: littleWord(packet.bytes, at: 4))
            let step = Int(littleWord(packet.bytes, at: 8))
            if kind == Report.listeners {
                try take(&packet.fds, mask: UInt64(UInt32(bitPattern: number)))
                continue
            }
            if kind == Report.watch {
                guard packet.fds.count == 1, socketNotices == nil else { throw protocolError }
                socketNotices = packet.fds.take()
                continue
            }
            return try event(kind, number, step: step, sender: packet.sender)
        }
    }

    private var protocolError: CageError {
        CageError(Complaint("the cage's init sent what no init sends", hint: "akios-exec and akios-init must be of one version"))
    }

    private func event(_ kind: UInt32, _ number: Int32, step: Int, sender: Int32) throws(CageError) -> CageEvent {
        func words() -> String { plan.steps.indices.contains(step) ? plan.steps[step].words : "read the plan" }
        switch kind {
        case Report.failed: return .failed(step: words(), errno: number)
        case Report.absent: return .absent(step: words(), errno: number)
        case Report.ready: return .ready
        case Report.agent: return .forked(pid: sender)
        case Report.started: return .started
        case Report.stopped: return .stopped(signal: number)
        case Report.continued: return .continued
        case Report.exited: return .exited(status: number)
        case Report.signalled: return .signalled(signal: number)
        case Report.notExecuted: return .notExecuted(errno: number)
        default: throw protocolError
        }
    }

    private mutating func take(_ fds: inout ReceivedFDs, mask: UInt64) throws(CageError) {
        guard mask.nonzeroBitCount == fds.count, mask < 128 else { throw protocolError }
        let came = Listeners(rawValue: mask)
        if came.contains(.tcp4) { listeners.tcp4 = fds.take() }
        if came.contains(.tcp6) { listeners.tcp6 = fds.take() }
        if came.contains(.udp4) { listeners.udp4 = fds.take() }
        if came.contains(.udp6) { listeners.udp6 = fds.take() }
        if came.contains(.dnsTCP4) { listeners.dnsTCP4 = fds.take() }
        if came.contains(.dnsTCP6) { listeners.dnsTCP6 = fds.take() }
        if came.contains(.log) { listeners.log = fds.take() }
    }

    /// Content of `plan.stores[slot]`; in the order of slots, each once. At most 4 MiB.
    public borrowing func send(content: [UInt8], slot: Int) throws(CageError) {
        let file: OwnedFD
        do { file = try sealedMemory(named: "content", content) } catch {
            throw CageError(Complaint("the cage's files cannot be handed over: \(error)"))
        }
        try tell(CageOrder.bytes(CageOrder.content, Int32(slot)), with: file.raw)
    }

    /// Lets the agent start. Only after `.ready`.
    public borrowing func go() throws(CageError) { try tell(CageOrder.bytes(CageOrder.go, 0)) }

    public borrowing func order(_ order: CageOrder) throws(CageError) { try tell(order.bytes) }

    private borrowing func tell(_ bytes: [UInt8], with file: Int32? = nil) throws(CageError) {
        do {
            try Packets.send(bytes, with: file, over: control)
        } catch  where error.number == EPIPE || error.number == ECONNRESET {
            // Init is gone; its last report, or `.ended`, says so to whoever reads events.
        } catch {
            throw CageError(Complaint("the cage's init cannot be told: \(error)"))
        }
    }

    /// Kills init, and by that everything in its pid namespace, and collects it. Safe to call again.
    public borrowing func kill() {
        try? ProcessFD.signal(process, SIGKILL)
        _ = try? ProcessFD.wait(process)
    }

    /// Protected paths that were not there at the start and are now.
    public borrowing func protectedThatAppeared() -> [String] {
        plan.absentProtected.filter { path in
            var facts = stat()
            return lstat(path, &facts) == 0
        }
    }
}
