// PolicyEngine: the one place where the network is decided. Rules have no order: a deny wins, and among
// allows the strictest of each attribute holds.

public import Profile
public import Providers
public import Vocabulary

public struct PolicyEngine: Sendable {
    let spec: Spec
    private let presets: [HostName: ProviderPreset]
    /// Those below whose domains every customer has a host of its own.
    private let shared: [ProviderPreset]
    /// By the domain that a provider's hosts stand in.
    private let families: [String: ProviderPreset]
    let grants: [ProviderID: [ProviderGrant]]
    let allow: RuleTable
    let deny: RuleTable

    public init(spec: Spec, presets: [ProviderPreset] = Providers.presets) {
        self.spec = spec
        var byHost: [HostName: ProviderPreset] = [:]
        var families: [String: ProviderPreset] = [:]
        for preset in presets {
            for host in preset.hosts {
                byHost[host] = preset
                families[host.text.split(separator: ".").suffix(2).joined(separator: ".")] = preset
            }
        }
        self.presets = byHost
        shared = presets.filter { !$0.tenants.isEmpty }
        self.families = families
        grants = Dictionary(grouping: spec.providers, by: \.id)
        allow = RuleTable(spec.network.allow, list: "allowlist", isDeny: false)
        deny = RuleTable(spec.network.deny, list: "denylist", isDeny: true)
    }

    /// The provider whose wire format a host speaks, however the host was granted.
    func preset(_ host: HostName) -> ProviderPreset? { presets[host] ?? shared.first { $0.speaks(host) } }

    /// The provider that has further hosts in this one's domain.
    func family(of host: HostName) -> ProviderPreset? {
        families[host.text.split(separator: ".").suffix(2).joined(separator: ".")]
    }

    /// Whether naming the provider is enough to reach the host: not where anybody may have one.
    func grants(endpointsOf preset: ProviderPreset, at host: HostName) -> Bool { grants[preset.id] != nil && preset.isOwn(host) }

    func words(_ host: String) -> RefusalWords { RefusalWords(host: host, profile: spec.name) }

    /// Whether anything could be allowed on this connection. Asked before a name is resolved.
    public func connection(_ facts: ConnectionFacts) -> Decision<ConnectionGrant> {
        // A name that was only spoken proves nothing: the address must have been handed out for it.
        if let name = facts.name, let spoken = facts.spoken, name != spoken {
            return .deny(
                words(spoken.text).refusal(
                    .identityMismatch, reason: "address of \(name), TLS name \(spoken)",
                    what: "the address dialled and the TLS server name are of two hosts"))
        }
        if case .deny(let refusal) = tcp(facts) { return .deny(refusal) }
        guard let host = facts.name else {
            return .deny(
                words(facts.address.description).refusal(
                    .rawAddress, reason: "\(facts.address) was dialled without a name",
                    what: "connections to bare addresses are not allowed"))
        }
        let port = facts.port
        let words = words(host.text)
        let denied = deny.rules(for: host).flatMap(\.rules).filter { $0.covers(port: port) }
        if let rule = denied.first(where: \.deniesAll) {
            return .deny(
                words.refusal(.hostDenied, reason: "\(rule.name) denies \(host)", what: "this host is denied", rule: rule.name))
        }
        let preset = preset(host)
        let rules = allow.rules(for: host)
        let granted = preset.map { grants(endpointsOf: $0, at: host) } ?? false
        guard !rules.isEmpty || granted else {
            return .deny(words.refusal(.hostNotAllowed, reason: "no rule names \(host)", what: "this host is not allowed"))
        }
        let usable = rules.flatMap(\.rules).filter { $0.covers(port: port) }
        guard !usable.isEmpty || (granted && port == 443) else {
            return .deny(
                words.refusal(.portNotAllowed, reason: "no rule grants \(host) port \(port)", what: "port \(port) is not allowed"))
        }
        let unread = passthrough(
            facts, host: host, rules: usable, isDenied: !denied.isEmpty, isMetered: granted && port == 443)
        if case .deny(let refusal) = unread { return .deny(refusal) }
        let resolution = spec.network.resolve[host]
        return .allow(
            ConnectionGrant(
                host: host, port: port, unread: unread?.grant, provider: preset?.id, resolved: resolution?.address,
                dialPort: resolution?.port ?? port))
    }

    /// Whether an address that a granted name resolved to may be dialled. The address given is the one to dial.
    public func dial(_ address: IPAddress, host: HostName) -> Decision<IPAddress> {
        func refuse(_ reason: String) -> Decision<IPAddress> {
            .deny(
                words(host.text).refusal(
                    .addressNotAllowed, reason: "\(host) leads to \(address): \(reason)",
                    what: "this name leads to an address that is not allowed"))
        }
        let reach = address.reach
        if reach == .metadata { return refuse("cloud metadata is never granted") }
        if let resolution = spec.network.resolve[host] {
            return resolution.address == address ? .allow(address) : refuse("the profile resolves it to \(resolution.address)")
        }
        switch reach {
        case .global: return .allow(address)
        case .private, .loopback, .linkLocal, .reserved:
            guard spec.network.privateNetworks.contains(where: { $0.contains(address) }) else {
                return refuse("a \(reach.rawValue) address that private_networks does not list")
            }
            return .allow(address)
        case .multicast, .metadata: return refuse("a \(reach.rawValue) address is never granted")
        }
    }
}
