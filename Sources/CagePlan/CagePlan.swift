// CagePlan: everything a cage will be, decided before anything is done. Facts in, ordered steps out; the same values are
// shown by --plan and encoded for init, so what is shown is what happens.

public import Profile
public import Vocabulary

/// What a plan is made from, beside the file system.
public struct CageFacts: Sendable {
    public var sandbox: Sandbox
    public var identity: Identity
    /// The caller's home, which `~` in the profile means. HOME in the cage is the identity's.
    public var callerHome: String
    /// Absolute; nil where the profile grants none.
    public var workspace: String?
    /// Where the caller stands. The agent stands there too if that is in the workspace, else in the workspace's own folder.
    public var directory: String?
    public var command: ResolvedCommand
    /// The command's words, the program's own name first.
    public var arguments: [String]
    /// The caller's environment, to pick from.
    public var callerEnvironment: [String: String]
    public var placeholders: [String: String] = [:]
    /// False lets the cage stand on a kernel without Landlock, and says so: the mounts still hold.
    public var requiresLandlock = true
    /// Limits are a cgroup's; without one, limits of single processes stand in.
    public var hasCgroup = false
    public var hasIPv6 = true
    /// The batch that holds `cage.nft`; empty leaves the namespace with a dead `lo`.
    public var ruleset: [UInt8] = []
    /// BPF, eight bytes an instruction.
    public var agentFilter: [UInt8] = []
    /// Judges sockets where `agentFilter` leaves them out; empty where it does not.
    public var socketFilter: [UInt8] = []
    public var initFilter: [UInt8] = []
    /// The filter lets memory files be made, so the kernel must forbid to execute them.
    public var memoryFiles = false
    /// Folders of our own records and keys, canonical: hidden in whatever is granted, and not to be moved.
    public var records: [String] = []
    /// Egress shows certificates of an authority of its own, which the cage's runtimes must trust.
    public var intercepts = false
    public var takesTerminal = false
    /// The host's device behind descriptor 0, `/dev/pts/3`; nil if it is no terminal.
    public var terminal: String?
    public var ignoredSignals: UInt64 = 0
    public var umask: UInt32 = 0o022

    public init(
        sandbox: Sandbox, identity: Identity, callerHome: String, workspace: String?, command: ResolvedCommand, arguments: [String],
        callerEnvironment: [String: String]
    ) {
        self.sandbox = sandbox
        self.identity = identity
        self.callerHome = callerHome
        self.workspace = workspace
        self.command = command
        self.arguments = arguments
        self.callerEnvironment = callerEnvironment
    }
}

/// A host tree that the supervisor opens, with the caller's ids, and clones for the cage.
public struct Attachment: Sendable, Hashable {
    public var path: String
    public var mark: FileMark
    /// Root's files in it become the agent's.
    public var mapped: Bool
}

public struct CagePlan: Sendable {
    public let identity: Identity
    public let steps: [Step]
    /// In the order of their slots. Empty without privilege: init binds by path then, and compares the marks.
    public let attachments: [Attachment]
    /// What clone, exec and init have room for (`most_attached`).
    static let mostAttachments = 64
    /// Protected paths that are not there. No mount can keep a name from being made; look for them afterwards.
    public let absentProtected: [String]
    /// Stores that the steps receive, in the order of their slots.
    public let stores: [TrustStore]

    public func encoded() -> [UInt8] { PlanEncoding.encode(steps) }

    /// What the plan runs in the end, as the agent's side sees it.
    public var programPath: String {
        for case .run(let program) in steps.reversed().map(\.action) { return program.path }
        return ""
    }

    /// Whether the agent may change what is at `path`: the innermost tree that holds it decides.
    public func grantsWriting(_ path: String) -> Bool {
        var writable = false
        for step in steps {
            switch step.action {
            case .attach(_, let at, _, let rights), .bind(_, let at, let rights, _, _):
                if Paths.isWithin(path, at) { writable = !rights.contains(.readOnly) }
            case .readOnly(let at): if Paths.isWithin(path, at) { writable = false }
            default: break
            }
        }
        return writable
    }

    public static func make(_ facts: CageFacts, in view: some FileView) throws(Complaint) -> CagePlan {
        var maker = PlanMaker(facts: facts, view: view)
        return try maker.make()
    }
}

struct PlanMaker<View: FileView> {
    let facts: CageFacts
    let view: View
    var steps: [Step] = []
    var attachments: [Attachment] = []
    var landlock: [(path: String, rights: LandlockRights)] = []
    var stores: [TrustStore] = []
    var laysRoots = false

    init(facts: CageFacts, view: View) {
        var facts = facts
        // In what is covered there is nothing left to cover.
        let records = facts.records
        facts.records = records.filter { path in !records.contains { $0 != path && Paths.isWithin(path, $0) } }
        self.facts = facts
        self.view = view
    }

    private var identity: Identity { facts.identity }
    mutating func add(_ action: Action, optional: Bool = false) { steps.append(Step(action, optional: optional)) }

    mutating func make() throws(Complaint) -> CagePlan {
        let resolver = GrantResolver(
            view: view, filesystem: facts.sandbox.filesystem,
            workspace: facts.workspace.flatMap { view.canonical($0) }, callerHome: facts.callerHome)
        let grants = try grants(resolver)
        let protected = try resolver.protected()

        add(.hostname(SystemFiles.hostname))
        add(.root(options: "mode=0755,size=64m,nr_inodes=32k"))
        addSystem()
        addScratch(resolver)
        for grant in grants { add(grant) }
        let hidden = try resolver.hidden()
        addTrust(hiding: hidden)
        addProtection(of: protected.present, grants, resolver)
        addProc()
        // After every grant and cover, so that nothing lies over a hidden path.
        for path in hidden + facts.records.filter({ path in grants.contains { Paths.isWithin(path, $0.path) } }) {
            add(.mask(path))
        }
        add(.pivot)
        addNetwork()
        for (slot, store) in stores.enumerated() { add(.receive(slot: slot, into: store.path, limit: TrustStore.limit)) }
        layRoots()
        add(.seal)
        addLandlock()
        addLimits()
        add(.identity(uid: identity.uid, gid: identity.gid, dropsGroups: identity.privileged))
        add(.lockdown)
        // Needs no_new_privs. Before `await`, so that whether it is heard is known when the session's first record is written.
        if !facts.socketFilter.isEmpty { add(.socketFilter(facts.socketFilter)) }
        add(.await)
        add(.enforce)
        if !facts.initFilter.isEmpty { add(.initFilter(facts.initFilter)) }
        if !facts.agentFilter.isEmpty { add(.agentFilter(facts.agentFilter)) }
        let place = facts.directory.flatMap { view.canonical($0) }
        let inside = resolver.workspace.flatMap { workspace in place.flatMap { Paths.isWithin($0, workspace) ? $0 : nil } }
        add(.workingDirectory(inside ?? resolver.workspace ?? identity.home))
        add(.run(program(resolver)))
        return CagePlan(
            identity: identity, steps: steps, attachments: attachments, absentProtected: protected.absent, stores: stores)
    }

    // MARK: Files

    private func grants(_ resolver: GrantResolver<View>) throws(Complaint) -> [Grant] {
        let filesystem = facts.sandbox.filesystem
        var grants: [Grant] = []
        func take(_ grant: Grant) throws(Complaint) {
            try resolver.refuseBroad(grant)
            // The same path twice: the wider right stands, as the profile wrote both.
            if let index = grants.firstIndex(where: { Paths.same($0.path, grant.path) }) {
                grants[index].writable = grants[index].writable || grant.writable
                grants[index].executable = grants[index].executable || grant.executable
            } else {
                grants.append(grant)
            }
        }
        for entry in filesystem.read {
            switch entry {
            case .system, .workspace: break
            case .command:
                let executable = filesystem.exec.contains(.command)
                for path in facts.command.prefixes + facts.command.files {
                    try take(resolver.grant(path, writable: false, executable: executable, words: "command's"))
                }
            case .path(let spec):
                let path = resolver.absolute(spec.path)
                if spec.optional && view.resolved(path) == nil { continue }
                try take(resolver.grant(path, writable: false, words: "read"))
            }
        }
        for spec in filesystem.write {
            let path = resolver.absolute(spec.path)
            if spec.optional && view.resolved(path) == nil { continue }
            try take(resolver.grant(path, writable: true, words: "write"))
        }
        if filesystem.workspaceMode != .none, let workspace = resolver.workspace {
            try take(resolver.grant(workspace, writable: filesystem.workspaceMode == .rw, words: "workspace"))
        }
        guard !identity.privileged || grants.count <= CagePlan.mostAttachments else {
            throw Complaint(
                "\(grants.count) places of the host are granted, and a cage takes \(CagePlan.mostAttachments)",
                hint: "grant a folder that holds several of them")
        }
        // A folder before what lies in it, or the first would cover the second.
        return grants.sorted { ($0.path.utf8.count, $0.path) < ($1.path.utf8.count, $1.path) }
    }

    private mutating func add(_ grant: Grant) {
        if identity.privileged {
            attachments.append(Attachment(path: grant.path, mark: grant.mark, mapped: identity.mapsRoot && grant.owner == 0))
            add(.attach(slot: attachments.count - 1, at: grant.path, from: grant.path, grant.rights))
        } else {
            add(.bind(from: grant.path, at: grant.path, grant.rights, mark: grant.mark, inside: false))
        }
        var rights: LandlockRights = .read
        if grant.executable { rights.insert(.execute) }
        if grant.writable { rights.formUnion(.change) }
        if grant.writable && facts.sandbox.unixSockets { rights.insert(.makeSocket) }
        landlock.append((grant.path, rights))
    }

    /// Read-only mounts in writable trees, and over our own records nothing at all. The folders on the way there are held in
    /// their place: `mv .git away; mkdir .git` would else leave the mount behind, and the host with another `.git`.
    private mutating func addProtection(of paths: [String], _ grants: [Grant], _ resolver: GrantResolver<View>) {
        var held: [String] = []
        var covered: [String] = []
        for path in paths + facts.records {
            guard let grant = grants.last(where: { Paths.isWithin(path, $0.path) }), grant.writable else { continue }
            covered.append(path)
            var folder = Paths.parent(path)
            while folder != grant.path, Paths.isWithin(folder, grant.path) {
                if !held.contains(folder) { held.append(folder) }
                folder = Paths.parent(folder)
            }
        }
        // The outer ones first: a later mount would cover what is below it.
        for folder in held.sorted(by: { ($0.utf8.count, $0) < ($1.utf8.count, $1) }) { add(.hold(folder)) }
        for path in covered where paths.contains(path) { add(.readOnly(path)) }
    }

    private mutating func addSystem() {
        let filesystem = facts.sandbox.filesystem
        add(.directory("/etc", mode: 0o755))
        for (path, text) in SystemFiles.generated(identity, shell: shell) {
            add(.file(path, content: Array(text.utf8), mode: 0o444))
        }
        if filesystem.read.contains(.system) {
            let executable = filesystem.exec.contains(.system)
            let rights: MountRights = executable ? [.readOnly, .noSetID, .noDevices] : [.readOnly, .noSetID, .noDevices, .noExec]
            for path in ["/usr"] + SystemFiles.topLevel {
                guard let entry = view.entry(path) else { continue }
                if entry.kind == .link, let target = view.linkTarget(path) { add(.link(path, to: target)) }
                guard entry.kind == .directory else { continue }
                add(.bind(from: path, at: path, rights, mark: nil, inside: false))
                landlock.append((path, executable ? [.read, .execute] : .read))
            }
            addEtc()
        }
        for (path, target) in [("/etc/mtab", "../proc/self/mounts"), ("/var/run", "../run"), ("/var/tmp", "../tmp")] {
            add(.link(path, to: target))
        }
        for path in ["/run", "/sys", "/root"] { add(.directory(path, mode: 0o755)) }
        for name in SystemFiles.devices {
            add(.bind(from: "/dev/" + name, at: "/dev/" + name, [.noSetID, .noExec], mark: nil, inside: false))
        }
        for (name, target) in [
            ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"),
            ("ptmx", "pts/ptmx"),
        ] {
            add(.link("/dev/" + name, to: target))
        }
        // Under this name ttyname(3) finds the terminal; by its own it is not in the cage's /dev/pts.
        if let terminal = facts.terminal {
            add(.bind(from: terminal, at: "/dev/console", [.noSetID, .noExec], mark: nil, inside: false), optional: true)
        }
        add(.mount(type: "devpts", at: "/dev/pts", options: "newinstance,ptmxmode=0666,mode=0620", [.noSetID, .noExec]))
        landlock.append(("/dev", [.read, .writeFile, .truncate, .deviceControl]))
    }

    private mutating func addEtc() {
        let prefixed = (view.names(in: "/etc") ?? []).filter { name in SystemFiles.harmlessPrefixes.contains { name.hasPrefix($0) }
        }
        // Without these PHP has none of its extensions; what its servers are given stays hidden.
        let php = (view.names(in: "/etc/php") ?? []).sorted().flatMap { ["php/\($0)/cli", "php/\($0)/mods-available"] }
        for name in SystemFiles.harmless + prefixed.sorted() + php + ["ssl/openssl.cnf", "pki/tls/openssl.cnf"] {
            let path = "/etc/" + name
            guard let entry = view.entry(path), let real = view.canonical(path), let behind = view.resolved(path) else { continue }
            if entry.kind == .link && Paths.isWithin(real, "/usr"), let target = view.linkTarget(path) {
                add(.link(path, to: target))
            } else if behind.kind == .file || behind.kind == .directory {
                add(.bind(from: real, at: path, [.readOnly, .noSetID, .noDevices, .noExec], mark: nil, inside: false))
            }
        }
    }

    /// Private, empty, limited: /tmp, HOME and shared memory.
    private mutating func addScratch(_ resolver: GrantResolver<View>) {
        let size = facts.sandbox.filesystem.tmpSize.bytes
        let own = "uid=\(identity.uid),gid=\(identity.gid)"
        var places: [(path: String, options: String)] = [
            ("/tmp", "mode=1777,size=\(size)"), ("/dev/shm", "mode=1777,size=\(size)"),
        ]
        if !Paths.isWithin(identity.home, "/tmp") { places.append((identity.home, "mode=0700,size=\(size),\(own)")) }
        for (path, options) in places {
            let executable = resolver.executable(path)
            add(
                .mount(
                    type: "tmpfs", at: path, options: options,
                    executable ? [.noSetID, .noDevices] : [.noSetID, .noDevices, .noExec]))
            var rights: LandlockRights = [.read, .change]
            if executable { rights.insert(.execute) }
            if facts.sandbox.unixSockets { rights.insert(.makeSocket) }
            landlock.append((path, rights))
        }
        if Paths.isWithin(identity.home, "/tmp"), identity.home != "/tmp" { add(.directory(identity.home, mode: 0o777)) }
    }

    private mutating func addProc() {
        // Before the pivot: the kernel gives a user namespace a new /proc only while an uncovered one is in sight.
        add(.mount(type: "proc", at: "/proc", options: "hidepid=invisible", [.noSetID, .noDevices, .noExec]))
        // In the namespaces of whoever writes, hence here, before /proc/sys becomes read-only.
        add(.sysctl("vm/memfd_noexec", "2"), optional: !facts.memoryFiles)
        add(.sysctl("net/ipv4/ip_unprivileged_port_start", "1024"))
        // Ping sockets need no word: a new network namespace grants them to no group, and its 1 cannot be written where
        // group 1 is not mapped.
        add(.sysctl("net/mptcp/enabled", "0"), optional: true)
        // Counted in the namespace of whoever writes: no user namespace, and so no second root, below the cage's own.
        add(.sysctl("user/max_user_namespaces", "0"))
        for name in SystemFiles.maskedInProc { add(.mask("/proc/" + name)) }
        for name in SystemFiles.readOnlyInProc where name == "sys" || view.entry("/proc/" + name) != nil {
            add(.readOnly("/proc/" + name), optional: name != "sys")
        }
        landlock.append(("/proc", [.read, .writeFile, .truncate]))
    }

    private mutating func addNetwork() {
        guard !facts.ruleset.isEmpty else { return }
        add(.loopback(address: "198.18.0.1", ipv6: facts.hasIPv6))
        add(.ruleset(facts.ruleset))
        let wanted: Listeners = facts.hasIPv6 ? [.ipv4, .ipv6, .log] : [.ipv4, .log]
        add(.listeners(wanted, mayLack: .log))
    }

    // MARK: Powers

    private mutating func addLandlock() {
        // Scopes: 1 abstract Unix sockets, 2 signals. Rules before the ids change: they open paths.
        add(.landlock(handled: .all, scopes: 3, leastABI: 1), optional: !facts.requiresLandlock)
        // What is readable the tree itself decides; Landlock decides who writes and starts what.
        add(.allow("/", .read))
        for rule in landlock { add(.allow(rule.path, rule.rights)) }
        add(.allowStandardStreams([.read, .writeFile, .truncate, .deviceControl]))
    }

    private mutating func addLimits() {
        let resources = facts.sandbox.resources
        // Not 0, which a handler behind a pipe in core_pattern is started for all the same; 1 asks for none (core(5)).
        add(.limit(.core, 1))
        add(.limit(.realTimePriority, 0))
        if let files = resources.openFiles { add(.limit(.openFiles, UInt64(files))) }
        if let size = resources.diskWrite { add(.limit(.fileSize, size.bytes)) }
        // Counted per user namespace; one for init.
        if let count = resources.pids { add(.limit(.processes, UInt64(count) + 1)) }
        if !facts.hasCgroup, let memory = resources.memory { add(.limit(.data, memory.bytes)) }
    }

    private var shell: String { view.isFile("/bin/bash") ? "/bin/bash" : "/bin/sh" }

    private func program(_ resolver: GrantResolver<View>) -> Program {
        let own = facts.command.prefixes.map { $0 + "/bin" }
        let system = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        // The command's own folder first: a venv's `python` must be the one its children find.
        let first = Paths.name(Paths.parent(facts.command.path)) == "bin" ? [Paths.parent(facts.command.path)] : []
        var search: [String] = []
        for folder in first + own + system where !search.contains(folder) { search.append(folder) }
        let environment = AgentEnvironment.make(
            facts.sandbox.environment, caller: facts.callerEnvironment, identity: identity,
            searchPath: search.joined(separator: ":"),
            shell: shell, placeholders: facts.placeholders, bundle: stores.contains(.bundle) ? TrustStore.bundle.path : nil)
        return Program(
            path: facts.command.path, arguments: facts.arguments, environment: environment, takesTerminal: facts.takesTerminal,
            ignoredSignals: facts.ignoredSignals, umask: facts.umask)
    }
}
