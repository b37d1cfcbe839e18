// What cannot be meant of connections that nobody reads: a rule that asks for them and for something only a reader could do.

import Vocabulary

extension Contradictions {
    /// Keys of a rule that are about what is inside its connections.
    private static let readersKeys = ["methods", "paths", "redact", "content_types"]

    static func unread(_ spec: Spec, _ tree: Node?) throws(ProfileError) {
        let network = tree?["network_access"]
        for rule in network?["allowlist"]?.elements ?? [] where rule["tls"]?.text == "passthrough" {
            let limited = rule["limits"]?.entry("body")
            let asked = readersKeys.lazy.compactMap { rule.entry($0) }.first ?? limited
            if let asked {
                throw ProfileError(
                    asked.keyMark, "'\(asked.key)' needs a reader, and 'tls: passthrough' leaves its connections unread",
                    hint: "take one of them out")
            }
        }
        let endpoints = network?["tcp"]?.elements ?? []
        for (node, endpoint) in zip(endpoints, spec.network.tcp) {
            if endpoint.place == .localhost, [1, 53].contains(endpoint.port) {
                throw ProfileError(
                    node.mark, "port \(endpoint.port) of the cage's loopback is egress' own",
                    hint: "name another address of the host")
            }
            guard case .name(let name) = endpoint.place else { continue }
            if spec.network.allow.contains(where: { $0.host.matches(name) && $0.ports.contains(endpoint.port) }) {
                throw ProfileError(
                    node.mark, "'\(name)' port \(endpoint.port) is granted raw and by an allowlist rule, which reads it",
                    hint: "take one of them out")
            }
        }
        if spec.network.hostServices.count > NetworkAccess.mostHostServices, let node = network?["tcp"] {
            throw ProfileError(
                node.mark, "more than \(NetworkAccess.mostHostServices) ports of localhost",
                hint: "take out those that are not needed")
        }
        for node in tree?["credentials"]?.elements ?? [] {
            for host in node["hosts"]?.elements ?? [] {
                guard let name = host.text.flatMap({ HostName($0) }), isUnread(name, spec.network) else { continue }
                throw ProfileError(
                    host.mark, "'\(name)' is not read, so no key can be put in there",
                    hint: "tls: intercept, or leave the host out of the credential")
            }
        }
    }

    private static func isUnread(_ name: HostName, _ network: NetworkAccess) -> Bool {
        network.tcp.contains { $0.place == .name(name) }
            || network.allow.contains { $0.tls == .passthrough && $0.host.matches(name) }
    }
}
