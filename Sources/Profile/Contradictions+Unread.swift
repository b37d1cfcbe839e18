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
        try besideProxy(spec.network, network)
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

    /// Who speaks with the proxy itself asks it for any host, and nobody reads that.
    private static func besideProxy(_ network: NetworkAccess, _ tree: Node?) throws(ProfileError) {
        guard let proxy = network.upstreamProxy?.endpoint else { return }
        /// As it is named, and where the profile says that the name leads.
        func isProxy(_ endpoint: NetworkAccess.Endpoint) -> Bool {
            if endpoint == proxy { return true }
            guard case .name(let name) = endpoint.place, let resolved = network.resolve[name] else { return false }
            return proxy == .init(place: .at(resolved.address), port: resolved.port ?? endpoint.port)
        }
        var names = Array(network.resolve.keys)
        if case .name(let name) = proxy.place { names.append(name) }
        let raw = zip(tree?["tcp"]?.elements ?? [], network.tcp).first { isProxy($1) }?.0
        let passed = zip(tree?["allowlist"]?.elements ?? [], network.allow).first { _, rule in
            rule.tls == .passthrough
                && names.contains { name in
                    rule.host.matches(name) && rule.ports.contains { isProxy(.init(place: .name(name), port: $0)) }
                }
        }?.0
        guard let node = raw ?? passed else { return }
        throw ProfileError(
            node.mark, "this leads to upstream_proxy itself, which connects the agent to any host, unread",
            hint: "take it out; requests leave by the proxy without it")
    }

    private static func isUnread(_ name: HostName, _ network: NetworkAccess) -> Bool {
        network.tcp.contains { $0.place == .name(name) }
            || network.allow.contains { $0.tls == .passthrough && $0.host.matches(name) }
    }
}

extension NetworkAccess.Endpoint.Place {
    /// Every loopback address is the host's own.
    fileprivate static func at(_ address: IPAddress) -> Self {
        address.reach == .loopback ? .localhost : .address(address.unmapped)
    }
}

extension UpstreamProxy {
    fileprivate var endpoint: NetworkAccess.Endpoint {
        switch place {
        case .address(let address): .init(place: .at(address), port: port)
        case .name(let name): .init(place: name.text == "localhost" ? .localhost : .name(name), port: port)
        }
    }
}
