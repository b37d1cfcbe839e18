// Words: each step as one line for --plan and for the sentence about a step that failed. No secret: an environment is
// shown by its names only.

extension CagePlan {
    /// One line a step, in order, without numbers.
    public func describe() -> [String] {
        steps.map { $0.optional ? $0.words + " (optional)" : $0.words }
    }
}

extension Step {
    public var words: String {
        switch action {
        case .hostname(let name): "name the host \(name)"
        case .root: "make an empty root, private to the cage"
        case .mount(let type, let path, _, let rights): "mount a new \(type) on \(path)\(rights.words)"
        case .bind(let source, let path, let rights, _, let inside):
            inside || source != path ? "show \(source) as \(path)\(rights.words)" : "show \(path)\(rights.words)"
        case .attach(_, let path, _, let rights): "show \(path)\(rights.words)"
        case .directory(let path, _): "make the folder \(path)"
        case .file(let path, _, _): "write \(path)"
        case .link(let path, let target): "link \(path) to \(target)"
        case .mask(let path): "hide \(path)"
        case .readOnly(let path): "make \(path) read-only"
        case .hold(let path): "keep \(path) in its place"
        case .sysctl(let name, let value): "set \(name.replacing("/", with: ".")) to \(value)"
        case .pivot: "leave the host's file tree"
        case .loopback(let address, let ipv6):
            "bring lo up with \(address) and make every IPv4\(ipv6 ? " and IPv6" : "") address local"
        case .ruleset: "load the packet rules: TCP to the proxy, port 53 to the resolver, the rest refused"
        case .listeners: "open the proxy's and the resolver's sockets and hand them out"
        case .receive(_, let path, _): "fill \(path) with the host's roots and the session's"
        case .seal: "make the root read-only"
        case .landlock: "make a Landlock ruleset"
        case .allow(let path, let rights): "allow by Landlock \(rights.words) below \(path)"
        case .allowStandardStreams: "allow by Landlock the standard streams"
        case .limit(let resource, let value): "limit \(resource.words) to \(value)"
        case .identity(let uid, let gid, let drops):
            "become user \(uid), group \(gid)\(drops ? ", no other groups" : ""), without capabilities, and try to get them back"
        case .lockdown: "no new privileges, no dump, die with the supervisor"
        case .socketFilter(let program):
            "load the filter that tells of refused sockets (\(program.count / 8) instructions)"
        case .await: "wait for the word to go"
        case .enforce: "enforce Landlock"
        case .initFilter(let program): "load init's system-call filter (\(program.count / 8) instructions)"
        case .agentFilter(let program): "load the agent's system-call filter (\(program.count / 8) instructions)"
        case .workingDirectory(let path): "stand in \(path)"
        case .run(let program):
            "run \(program.path) with \(program.environment.compactMap { $0.split(separator: "=", maxSplits: 1).first }.joined(separator: " "))"
        }
    }
}

extension MountRights {
    var words: String {
        var words = [contains(.readOnly) ? "read-only" : "writable"]
        if contains(.noExec) { words.append("noexec") }
        if contains(.noDevices) { words.append("nodev") }
        return " (" + words.joined(separator: ", ") + ")"
    }
}

extension LandlockRights {
    var words: String {
        var words = ["reading"]
        if isSuperset(of: .change) { words.append("changing") } else if contains(.writeFile) { words.append("writing") }
        if contains(.execute) { words.append("executing") }
        return words.joined(separator: ", ")
    }
}

extension ResourceLimit {
    var words: String {
        switch self {
        case .fileSize: "the size of a file in bytes"
        case .data: "the data of a process in bytes"
        case .core: "core dumps"
        case .processes: "processes"
        case .openFiles: "open files"
        case .realTimePriority: "real-time priority"
        }
    }
}

// An environment may hold what was meant for the agent alone: neither a log nor a debugger's dump of a plan shows it.

extension Program: CustomStringConvertible, CustomReflectable {
    public var description: String { "run \(path), \(arguments.count) arguments, \(environment.count) variables" }
    public var customMirror: Mirror { Mirror(self, children: ["path": path]) }
}

extension CagePlan: CustomStringConvertible, CustomReflectable {
    public var description: String { "plan of \(steps.count) steps" }
    public var customMirror: Mirror { Mirror(self, children: ["steps": steps.count]) }
}
