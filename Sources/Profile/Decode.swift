// Decode: a checked canonical tree to a `Spec`. What a tree does not say has the row's default; grants default to none.

import Vocabulary

extension PIIHandling {
    /// Categories of types; secrets are on whatever a profile says.
    public static let categories: Set<String> = [
        "personal", "financial", "network", "secrets",
    ]
}

extension Spec {
    /// What `ResolvedProfile.canonicalJSON()` wrote, read back in another process.
    public init(canonicalJSON bytes: [UInt8]) throws(ProfileError) {
        let root = try CanonicalJSONReader.read(bytes)
        let document = try ProfileDocument(
            root, source: ProfileSource(id: "canonical", name: root.mark.file, trusted: false),
            folder: nil)
        try self.init(tree: document.tree)
    }

    init(tree: Node) throws(ProfileError) {
        self.init()
        if let name = tree[path: ["metadata", "name"]]?.text { self.name = name }
        description = tree[path: ["metadata", "description"]]?.text ?? ""
        let spec = tree["spec"]
        try read(spec?["require"], Tier.init(rawValue:)) { require = $0 }
        try sandbox.read(spec?["sandbox"])
        let governance = spec?["governance"]
        try network.read(governance?["network_access"])
        for entry in governance?["providers"]?.elements ?? [] {
            providers.append(try ProviderGrant(entry))
        }
        for entry in governance?["credentials"]?.elements ?? [] {
            credentials.append(try Credential(entry))
        }
        try pii.read(governance?["pii_handling"])
        try budget.read(governance?["budget"])
        try approvals.read(governance?["approvals"])
        let audit = spec?["audit"]
        try Profile.read(audit?["sync"], AuditSpec.Sync.init(rawValue:)) { self.audit.sync = $0 }
        try Profile.read(audit?["checkpoint_every"], { UInt32($0) }) { self.audit.checkpointEvery = $0 }
        for entry in audit?["alerts"]?.elements ?? [] { self.audit.alerts.append(try Alerting(entry)) }
    }
}

/// Reads a scalar where there is one. The table has checked the text already, so a failure here is the table's mistake.
private func read<Value>(_ node: Node?, _ parse: (String) -> Value?, _ put: (Value) -> Void)
    throws(ProfileError)
{
    guard let node else { return }
    put(try value(node, parse))
}

private func value<Value>(_ node: Node, _ parse: (String) -> Value?) throws(ProfileError) -> Value {
    guard let text = node.text, let value = parse(text) else {
        throw ProfileError(node.mark, "this value cannot be read")
    }
    return value
}

private func list<Value>(_ node: Node?, _ parse: (String) -> Value?) throws(ProfileError) -> [Value] {
    var values: [Value] = []
    for element in node?.elements ?? [] { values.append(try value(element, parse)) }
    return values
}

extension PathSpec {
    init(text: String) {
        let optional = text.hasSuffix("?")
        self.init(path: optional ? String(text.dropLast()) : text, optional: optional)
    }
}

extension FileGrant {
    init(text: String) {
        switch text {
        case "system": self = .system
        case "command": self = .command
        case "workspace": self = .workspace
        default: self = .path(PathSpec(text: text))
        }
    }
}

extension Sandbox {
    fileprivate mutating func read(_ node: Node?) throws(ProfileError) {
        let files = node?["filesystem"]
        try Profile.read(files?["workspace"]?["path"], { $0 }) { filesystem.workspace = $0 }
        filesystem.workspaceMode = .none
        try Profile.read(files?["workspace"]?["mode"], WorkspaceMode.init(rawValue:)) {
            filesystem.workspaceMode = $0
        }
        filesystem.read = try list(files?["read"], FileGrant.init(text:))
        filesystem.write = try list(files?["write"], PathSpec.init(text:))
        filesystem.exec = try list(files?["exec"], FileGrant.init(text:))
        filesystem.protect = try list(files?["protect"]) { $0 }
        filesystem.hide = try list(files?["hide"]) { $0 }
        try Profile.read(files?["tmp_size"], { ByteSize(text: $0) }) { filesystem.tmpSize = $0 }

        let calls = node?["syscalls"]
        try Profile.read(calls?["base"], SyscallBase.init(rawValue:)) { syscalls.base = $0 }
        syscalls.allow = try list(calls?["allow"]) { $0 }
        syscalls.deny = try list(calls?["deny"]) { $0 }

        let limits = node?["resources"]
        try Profile.read(limits?["memory"], { ByteSize(text: $0) }) { resources.memory = $0 }
        try Profile.read(limits?["swap"], { ByteSize(text: $0) }) { resources.swap = $0 }
        try Profile.read(limits?["cpu"], { CPUShare(text: $0) }) { resources.cpu = $0 }
        try Profile.read(limits?["pids"], { UInt32($0) }) { resources.pids = $0 }
        try Profile.read(limits?["open_files"], { UInt32($0) }) { resources.openFiles = $0 }
        try Profile.read(limits?["disk_write"], { ByteSize(text: $0) }) { resources.diskWrite = $0 }
        try Profile.read(limits?["wall_time"], { TimeSpan(text: $0) }) { resources.wallTime = $0 }

        environment.pass = try list(node?["environment"]?["pass"]) { $0 }
        for entry in node?["environment"]?["set"]?.entries ?? [] {
            environment.set[entry.key] = entry.value.text ?? ""
        }
    }
}

extension NetworkAccess {
    fileprivate mutating func read(_ node: Node?) throws(ProfileError) {
        for entry in node?["allowlist"]?.elements ?? [] { allow.append(try Rule(entry, deny: false)) }
        for entry in node?["denylist"]?.elements ?? [] { deny.append(try Rule(entry, deny: true)) }
        for entry in node?["tcp"]?.elements ?? [] { tcp.append(try Endpoint(entry)) }
        privateNetworks = try list(node?["private_networks"]) { IPNetwork($0) }
        for entry in node?["resolve"]?.entries ?? [] {
            guard let name = HostName(entry.key) else {
                throw ProfileError(entry.keyMark, "'\(entry.key.shown)' is not a host name")
            }
            resolve[name] = try value(entry.value, Resolution.init(text:))
        }
        trust = try list(node?["trust"]) { $0 }
        if let proxy = node?["upstream_proxy"], proxy.text != "none" { upstreamProxy = try UpstreamProxy(proxy) }
        try limits.read(node?["limits"])
    }
}

extension NetworkAccess.Endpoint {
    fileprivate init(_ node: Node) throws(ProfileError) {
        guard let host = node["host"], let port = node["port"] else {
            throw ProfileError(node.mark, "an endpoint needs a host and a port", hint: "{host: db.example.com, port: 5432}")
        }
        self.init(place: try value(host, Place.init), port: try value(port) { UInt16($0) })
    }
}

extension NetworkAccess.Rates {
    fileprivate mutating func read(_ node: Node?) throws(ProfileError) {
        try Profile.read(node?["requests_per_minute"], { UInt32($0) }) { requestsPerMinute = $0 }
        try Profile.read(node?["bytes_per_minute"], { ByteSize(text: $0) }) { bytesPerMinute = $0 }
        try Profile.read(node?["bandwidth"], { ByteRate(text: $0) }) { bandwidth = $0 }
    }
}

extension NetworkAccess.Limits {
    fileprivate mutating func read(_ node: Node?) throws(ProfileError) {
        try rates.read(node)
        try Profile.read(node?["connections"], { UInt32($0) }) { connections = $0 }
        try Profile.read(node?["body"], { ByteSize(text: $0) }) { body = $0 }
        try Profile.read(node?["header"], { ByteSize(text: $0) }) { header = min($0, header) }
        try Profile.read(node?["idle_timeout"], { TimeSpan(text: $0) }) { idleTimeout = $0 }
        try Profile.read(node?["request_timeout"], { TimeSpan(text: $0) }) { requestTimeout = $0 }
        guard let node = node?["circuit_breaker"] else { return }
        var found = NetworkAccess.Breaker()
        try Profile.read(node["failures"], { UInt32($0) }) { found.failures = $0 }
        try Profile.read(node["failure_percent"], { UInt32($0) }) { found.percent = $0 }
        try Profile.read(node["min_requests"], { UInt32($0) }) { found.requests = $0 }
        try Profile.read(node["window"], { TimeSpan(text: $0) }) { found.window = $0 }
        try Profile.read(node["open"], { TimeSpan(text: $0) }) { found.open = $0 }
        breaker = node["enabled"]?.text == "false" ? nil : found
    }
}

extension Approvals {
    fileprivate mutating func read(_ node: Node?) throws(ProfileError) {
        try Profile.read(node?["mode"], Mode.init(rawValue:)) { mode = $0 }
        // "critical" is no rule's risk.
        if let text = node?["ask_at"]?.text { askAt = NetworkAccess.Risk(rawValue: text) }
        try Profile.read(node?["timeout"], { TimeSpan(text: $0) }) { timeout = $0 }
    }
}

extension NetworkAccess.Rule {
    init(_ node: Node, deny: Bool) throws(ProfileError) {
        guard let host = node["host"]?.text.flatMap({ HostPattern($0) }) else {
            throw ProfileError(node.mark, "a rule without a host")
        }
        self.init(host: host)
        if deny { (ports, methods, paths) = ([], [], []) }
        if node["ports"] != nil { ports = try list(node["ports"]) { UInt16($0) } }
        if node["methods"] != nil { methods = try list(node["methods"]) { $0 } }
        if node["paths"] != nil {
            paths = try list(node["paths"]) { $0 }
            namesPaths = true
        }
        try read(node["redact"]?["in"], NetworkAccess.InboundRedaction.init(rawValue:)) {
            redactInbound = $0
        }
        try read(node["unmetered"], { $0 == "allow" }) { unmeteredAllowed = $0 }
        try read(node["tls"], TLSMode.init(rawValue:)) { tls = $0 }
        if node["content_types"] != nil { contentTypes = try list(node["content_types"]) { $0 } }
        try read(node["limits"]?["body"], { ByteSize(text: $0) }) { body = $0 }
        try rates.read(node["limits"])
        try read(node["risk"], NetworkAccess.Risk.init(rawValue:)) { risk = $0 }
        try read(node["approval"], { $0 == "ask" }) { needsApproval = $0 }
    }
}

extension ProviderGrant {
    fileprivate init(_ node: Node) throws(ProfileError) {
        guard let name = node["name"]?.text else {
            throw ProfileError(node.mark, "a provider without a name")
        }
        self.init(id: ProviderID(rawValue: name))
        if let models = node["models"]?.elements { self.models = models.compactMap(\.text) }
        try read(node["server_tools"], { $0 == "allow" }) { serverTools = $0 }
        try read(node["keys"], Keys.init(rawValue:)) { keys = $0 }
    }
}

extension Credential {
    fileprivate init(_ node: Node) throws(ProfileError) {
        guard let name = node["env"]?.text else { throw ProfileError(node.mark, "a credential without a variable") }
        let source = try Source(node["from"], key: "from", mark: node.mark)
        let hosts = try list(node["hosts"]) { HostName($0) }
        self.init(
            variable: name, source: source, hosts: hosts, optional: node["optional"]?.text == "true",
            header: node["header"]?.text?.lowercased(), query: node["query"]?.text)
    }
}

extension Credential.Source {
    fileprivate init(_ node: Node?, key: String, mark: Mark) throws(ProfileError) {
        guard let node, node.entries?.count == 1 else {
            throw ProfileError(
                node?.mark ?? mark, "'\(key)' needs one of 'file', 'env', 'systemd' and 'command'",
                hint: "\(key): {file: /path/of/key}")
        }
        if let path = node["file"]?.text {
            self = .file(path)
        } else if let variable = node["env"]?.text {
            self = .environment(variable)
        } else if let credential = node["systemd"]?.text {
            self = .systemd(credential)
        } else {
            let words = node["command"]?.elements ?? []
            guard let program = words.first?.text, program.hasPrefix("/") || !program.contains("/") else {
                throw ProfileError(
                    words.first?.mark ?? node.mark, "'command' needs a program: a bare name or an absolute path",
                    hint: "no shell reads it; a word each: command: [pass, show, openai]")
            }
            self = .command(words.compactMap(\.text))
        }
    }
}

extension UpstreamProxy {
    fileprivate init(_ node: Node) throws(ProfileError) {
        // Its place's mark, and none of its text: there may be a password in it.
        do throws(Fault) { try self.init(url: node["url"]?.text ?? "") } catch {
            throw ProfileError(node.mark, "'upstream_proxy' is set, not a proxy's URL", hint: error.rawValue)
        }
        except = try list(node["except"]) { HostPattern($0) }
        guard let from = node["password"] else { return }
        password = try Credential.Source(from, key: "password", mark: node.mark)
        if user == nil {
            throw ProfileError(from.mark, "'upstream_proxy' has a password and no user", hint: "http://USER@proxy:3128")
        }
    }
}

extension Alerting {
    fileprivate init(_ node: Node) throws(ProfileError) {
        if node.text == "syslog" {
            self = .syslog
        } else if node.entries?.count == 1, let url = node["webhook"]?.text {
            guard url.hasPrefix("https://") else {
                throw ProfileError(
                    node.mark, "'webhook' is not an https address", hint: "what it is told of is nobody else's business")
            }
            self = .webhook(url)
        } else if node.entries?.count == 1, node["command"] != nil {
            let words: [String] = try list(node["command"]) { $0 }
            guard words.first?.hasPrefix("/") == true, words.allSatisfy({ !$0.utf8.contains(0) }) else {
                throw ProfileError(
                    node.mark, "'command' needs a program's absolute path", hint: "command: [/usr/local/bin/tell, ARG]")
            }
            self = .command(words)
        } else {
            throw ProfileError(
                node.mark, "an alert needs one of 'webhook' and 'command'", hint: "alerts: [syslog, {command: [/path]}]")
        }
    }
}

extension PIIHandling {
    fileprivate mutating func read(_ node: Node?) throws(ProfileError) {
        try Profile.read(node?["mode"], Mode.init(rawValue:)) { mode = $0 }
        try Profile.read(node?["direction"], Direction.init(rawValue:)) { direction = $0 }
        try Profile.read(node?["binary"], Binary.init(rawValue:)) { binary = $0 }
        if node?["types"] != nil {
            let named = Set(try list(node?["types"]) { $0 })
            types = named.contains("all") ? nil : named
        }
    }
}

extension Budget {
    fileprivate mutating func read(_ node: Node?) throws(ProfileError) {
        try Profile.read(node?["unknown_model"], UnknownModel.init(rawValue:)) { unknownModel = $0 }
        try Profile.read(node?["per_call"]?["max_tokens"], { Int64($0) }) { perCallMaxTokens = $0 }
        try perSession.read(node?["per_session"])
        try perMinute.read(node?["per_minute"])
        if let day = node?["per_day"] {
            var window = Window()
            try window.read(day)
            perDay = window
        }
    }
}

extension Budget.Window {
    fileprivate mutating func read(_ node: Node?) throws(ProfileError) {
        try Profile.read(node?["max_cost_usd"], { Money(decimal: $0) }) { maxCost = $0 }
        try Profile.read(node?["max_tokens"], { Int64($0) }) { maxTokens = $0 }
        try Profile.read(node?["max_requests"], { Int64($0) }) { maxRequests = $0 }
        // An action that this release does not have is listed as unenforced, and nothing starts with it.
        try Profile.read(node?["action_on_exceed"], { Budget.Action(rawValue: $0) ?? .terminate }) {
            action = $0
        }
        try Profile.read(node?["grace"], { TimeSpan(text: $0) }) { grace = $0 }
    }
}
