// CageRequest: all a cage is made from, and the plan it becomes. Nothing is started here, so --plan stops after it.

public import CagePlan
import Glibc
import LinuxSys
public import Profile
public import Vocabulary

public struct CageRequest: Sendable {
    public var sandbox: Sandbox
    /// Who called; under sudo the person. Their eyes open every path.
    public var caller: Caller
    /// Effective id 0.
    public var privileged: Bool
    /// The folder the command was called in, absolute.
    public var directory: String
    /// Absolute, or relative to `directory`.
    public var workspace: String
    public var command: [String]
    public var environment: [String: String]
    public var placeholders: [String: String] = [:]
    /// BPF of the kernel's `struct sock_filter`, eight bytes each. Empty: none.
    public var agentFilter: [UInt8] = []
    /// Of the same profile, where `agentFilter` leaves sockets to it. Empty: it does not.
    public var socketFilter: [UInt8] = []
    public var initFilter: [UInt8] = []
    /// Whether `agentFilter` lets memory files be made.
    public var memoryFiles = false
    /// Folders of our own records and keys; those that are not there yet do not matter.
    public var records: [String] = []
    /// A netlink batch. Empty: no network at all.
    public var ruleset: [UInt8] = []
    /// Egress reads what is encrypted: the cage trusts its authority. The plan's stores are then sent, slot by slot.
    public var intercepts = false
    /// Borrowed: an open cgroup v2 folder.
    public var cgroup: Int32?
    /// False where the profile runs below the tier that promises Landlock.
    public var requiresLandlock = true
    public var takesTerminal = false
    public var ignoredSignals: UInt64 = 0
    public var umask: UInt32 = 0o022
    /// akios-init's path.
    public var initProgram: String

    public init(
        sandbox: Sandbox, caller: Caller, privileged: Bool, directory: String, command: [String], environment: [String: String],
        initProgram: String
    ) {
        self.sandbox = sandbox
        self.caller = caller
        self.privileged = privileged
        self.directory = directory
        workspace = sandbox.filesystem.workspace
        self.command = command
        self.environment = environment
        self.initProgram = initProgram
    }

    /// Whose ids open the caller's paths; nil: this process is the caller.
    var eyes: FileIdentity? { privileged && caller.uid != 0 ? FileIdentity(uid: caller.uid, gid: caller.gid) : nil }
}

/// Why there is no cage, and the exit status for it: 125, 126 or 127.
public struct CageError: Error, Sendable, Hashable {
    public var status: Int32
    public var complaint: Complaint
    public init(status: Int32 = 125, _ complaint: Complaint) {
        self.status = status
        self.complaint = complaint
    }
}

extension CageRequest {
    /// Looks at the host and decides; changes nothing.
    public func plan() throws(CageError) -> CagePlan {
        let view = HostView(eyes: eyes)
        let wantsWorkspace = sandbox.filesystem.workspaceMode != .none
        let path = workspace.hasPrefix("/") ? workspace : directory + "/" + workspace
        let real = view.canonical(path)
        if wantsWorkspace && real.flatMap({ view.resolved($0)?.kind }) != .directory {
            throw CageError(Complaint("workspace \(path): no such folder", hint: "name one with --workspace"))
        }
        let place = wantsWorkspace ? real : nil
        let owner = place.flatMap { view.resolved($0) }
        let identity: Identity
        do {
            identity = try Identity.choose(
                privileged: privileged, caller: caller, owner: owner.map { ($0.owner, $0.group) }, pid: UInt32(getpid()))
        } catch {
            throw CageError(error)
        }
        guard let word = command.first else {
            throw CageError(Complaint("no command given", hint: "write it after the options: akios-exec -- python agent.py"))
        }
        let system = ["/usr", "/bin", "/sbin", "/lib", "/lib64"].compactMap { view.canonical($0) }
        let finder = CommandFinder(
            view: view, directory: directory, searchPath: environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin", home: caller.home,
            pyenvVersion: environment["PYENV_VERSION"], granted: system + [place].compactMap { $0 })
        let found: ResolvedCommand
        do {
            found = try finder.resolve(word)
        } catch {
            throw CageError(status: error.status, error.complaint)
        }
        var facts = CageFacts(
            sandbox: sandbox, identity: identity, callerHome: caller.home, workspace: place, command: found, arguments: command,
            callerEnvironment: environment)
        facts.directory = directory
        facts.placeholders = placeholders
        facts.requiresLandlock = requiresLandlock
        facts.hasCgroup = cgroup != nil
        facts.hasIPv6 = view.entry("/proc/sys/net/ipv6") != nil
        facts.ruleset = ruleset
        facts.agentFilter = agentFilter
        facts.socketFilter = socketFilter
        facts.initFilter = initFilter
        facts.memoryFiles = memoryFiles
        facts.records = Set(records.compactMap { view.canonical($0.hasPrefix("/") ? $0 : directory + "/" + $0) }).sorted()
        facts.intercepts = intercepts
        facts.takesTerminal = takesTerminal
        if isatty(0) == 1, let name = view.linkTarget("/proc/self/fd/0"), name.hasPrefix("/dev/") { facts.terminal = name }
        facts.ignoredSignals = ignoredSignals
        facts.umask = umask
        do {
            return try CagePlan.make(facts, in: view)
        } catch {
            throw CageError(error)
        }
    }
}
