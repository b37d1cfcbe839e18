// Contradictions: rules that cannot all be meant. A profile that says yes and no at once is refused, not interpreted.

import Vocabulary

enum Contradictions {
    static func check(_ spec: Spec, _ tree: Node) throws(ProfileError) {
        try hosts(tree[path: ["spec", "governance", "network_access"]])
        try unread(spec, tree[path: ["spec", "governance"]])
        try files(spec.sandbox.filesystem, tree[path: ["spec", "sandbox", "filesystem"]])
        try credentials(tree[path: ["spec"]])
        try budget(tree[path: ["spec", "governance", "budget"]])
        let calls = tree[path: ["spec", "sandbox", "syscalls"]]
        for allowed in calls?["allow"]?.elements ?? [] {
            if let denied = calls?["deny"]?.elements?.first(where: { $0.means(allowed) }) {
                throw ProfileError(
                    allowed.mark, "'\(allowed.text ?? "")' is allowed and denied",
                    hint: "it is denied at \(denied.mark)")
            }
        }
    }

    private static func hosts(_ network: Node?) throws(ProfileError) {
        for allowed in network?["allowlist"]?.elements ?? [] {
            if let denied = network?["denylist"]?.elements?.first(where: { $0.means(allowed) }) {
                throw ProfileError(
                    allowed.mark, "'\(allowed["host"]?.text ?? "")' is allowed and denied by the same rule",
                    hint: "it is denied at \(denied.mark); deny wins, so take one of them out")
            }
        }
    }

    private static func files(_ files: Sandbox.Filesystem, _ tree: Node?) throws(ProfileError) {
        let readable = files.read + files.write.map { .path($0) }
        for node in tree?["exec"]?.elements ?? [] {
            guard let text = node.text else { continue }
            let grant = FileGrant(text: text)
            let within =
                switch grant {
                case .workspace: true  // with mode none there is nothing to start there
                case .system, .command: files.read.contains(grant)
                case .path(let path):
                    readable.contains { grant in
                        guard case .path(let outer) = grant else {
                            return grant == .system && isSystem(path.path)
                        }
                        return path.path == outer.path || path.path.lies(below: outer.path)
                    }
                }
            if !within {
                throw ProfileError(
                    node.mark, "'\(text.shown)' may be executed but not read",
                    hint: "grant it in sandbox.filesystem.read, or take it out of exec")
            }
        }
        for node in tree?["hide"]?.elements ?? [] {
            guard let text = node.text, files.read.contains(.system) else { continue }
            let bare = text.count > 1 && text.hasSuffix("/") ? String(text.dropLast()) : text
            if bare == "/"
                || ["/usr", "/bin", "/lib", "/lib64", "/sbin", "/etc", "/usr/bin", "/usr/lib"].contains(
                    bare)
            {
                throw ProfileError(
                    node.mark, "'\(text.shown)' is hidden and granted by 'system'",
                    hint: "what is not granted is not there; of /etc 'system' shows only harmless files")
            }
        }
    }

    private static func isSystem(_ path: String) -> Bool {
        ["/usr/", "/bin/", "/sbin/", "/lib"].contains { path.hasPrefix($0) }
    }

    private static func credentials(_ spec: Node?) throws(ProfileError) {
        let environment = spec?["sandbox"]?["environment"]
        for node in spec?["governance"]?["credentials"]?.elements ?? [] {
            guard let name = node["env"]?.text else { continue }
            let passed = environment?["pass"]?.elements?.first { $0.text == name }?.mark
            if let mark = passed ?? environment?["set"]?.entry(name)?.keyMark {
                throw ProfileError(
                    mark, "'\(name)' is a credential's placeholder and would hold the caller's value too",
                    hint: "the credential stands at \(node.mark); take one of them out")
            }
            if let query = node["query"], node["header"] != nil || isAWS(name) {
                throw ProfileError(
                    query.mark, "'\(name)' has a place already: \(isAWS(name) ? "a signature" : "its header")",
                    hint: "take 'query' out")
            }
            if let header = node["header"], isAWS(name) {
                throw ProfileError(header.mark, "'\(name)' has a place already: a signature", hint: "take 'header' out")
            }
        }
        try signatures(spec?["governance"]?["credentials"]?.elements ?? [])
        let sources =
            (spec?["governance"]?["credentials"]?.elements ?? []).map { $0["from"] }
            + [spec?[path: ["governance", "network_access", "upstream_proxy", "password"]]]
        for source in sources {
            guard let node = source?["env"], let name = node.text,
                let passed = environment?["pass"]?.elements?.first(where: { $0.text == name })
            else { continue }
            throw ProfileError(
                passed.mark, "'\(name)' holds a secret of egress and would be the agent's too",
                hint: "it is named at \(node.mark); take one of them out")
        }
    }

    private static func isAWS(_ variable: String) -> Bool {
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].contains(variable)
    }

    /// The parts of an AWS key sign together: each is for the same hosts.
    private static func signatures(_ credentials: [Node]) throws(ProfileError) {
        func hosts(_ node: Node) -> Set<String> { Set(node["hosts"]?.elements?.compactMap(\.text) ?? []) }
        let parts = credentials.filter { isAWS($0["env"]?.text ?? "") }
        for part in parts {
            let name = part["env"]?.text ?? ""
            for other in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] where other != name {
                guard let found = parts.first(where: { $0["env"]?.text == other }), hosts(found) == hosts(part) else {
                    throw ProfileError(
                        part.mark, "'\(name)' has no '\(other)' for the same hosts", hint: "the parts of an AWS key sign together")
                }
            }
        }
    }

    private static func budget(_ budget: Node?) throws(ProfileError) {
        if let action = budget?["per_session"]?["action_on_exceed"], action.text == "throttle" {
            throw ProfileError(
                action.mark, "'per_session' cannot throttle: a session's window never refills",
                hint: "terminate, or alert to only record it")
        }
    }
}
