// Routes: where to dial for a granted host: its own checked addresses, or the operator's proxy, which is asked for the name.

import NIOCore
import Policy
import Vocabulary

struct Route {
    var addresses: [IPAddress]
    var port: UInt16
    var road: Road
    /// Asked to connect before TLS with the host begins; nil: the addresses are the host's own.
    var proxy: ProxyRoad?
}

final class Routes {
    typealias Done = (Result<Route, UpstreamFailure>) -> Void

    /// How long a name that the resolver did not know is not asked for again.
    private static let oblivion = TimeAmount.seconds(60)
    private static let mostRemembered = 1024

    private let loop: any EventLoop
    private let policy: PolicyEngine
    private let hosts: [HostName: [IPAddress]]
    private let proxy: ProxyRoad?
    private let lookup: (HostName, @escaping LookupReply) -> Void
    private var unknown: [HostName: NIODeadline] = [:]

    /// - Parameter proxy: nil: every host is dialled.
    init(
        loop: any EventLoop, policy: PolicyEngine, hosts: [HostName: [IPAddress]], proxy: ProxyRoad?,
        lookup: @escaping (HostName, @escaping LookupReply) -> Void
    ) {
        self.loop = loop
        self.policy = policy
        self.hosts = hosts
        self.proxy = proxy
        self.lookup = lookup
    }

    /// A name that the profile resolves is at that address, which nobody else is asked for.
    func isProxied(_ grant: ConnectionGrant) -> Bool { grant.resolved == nil && proxy?.covers(grant.host) == true }

    /// `done` is called exactly once, on the loop.
    func find(_ grant: ConnectionGrant, _ done: @escaping Done) {
        let found: (Result<[IPAddress], LookupFailure>) -> Void
        if let proxy, isProxied(grant) {
            found = { [self] in byProxy(proxy, grant.host, $0, done) }
            if let until = unknown[grant.host], until > .now() {
                return found(.failure(LookupFailure(description: "not known a moment ago", isUnknown: true)))
            }
        } else {
            found = { [self] in done(direct(grant, $0)) }
        }
        if let resolved = grant.resolved { return found(.success([resolved])) }
        if let known = hosts[grant.host] { return found(.success(known)) }
        let bound = NIOLoopBound(found, eventLoop: loop)
        let loop = loop
        lookup(grant.host) { result in loop.execute { bound.value(result) } }
    }

    private func direct(_ grant: ConnectionGrant, _ result: Result<[IPAddress], LookupFailure>) -> Result<Route, UpstreamFailure> {
        switch result {
        case .failure(let failure):
            return .failure(UpstreamFailure(code: .resolveFailed, reason: "\(grant.host): \(failure)"))
        case .success(let addresses):
            let verdicts = addresses.map { policy.dial($0, host: grant.host) }
            let allowed = verdicts.compactMap(\.grant)
            if !allowed.isEmpty { return .success(Route(addresses: allowed, port: grant.dialPort, road: .direct)) }
            return .failure(UpstreamFailure(verdicts.compactMap(\.refusal).first, host: grant.host))
        }
    }

    /// Which of a name's addresses the proxy takes is not ours to say, so all that are known have to be allowed.
    private func byProxy(
        _ proxy: ProxyRoad, _ host: HostName, _ result: Result<[IPAddress], LookupFailure>, _ done: @escaping Done
    ) {
        var road = Road.proxyNames
        switch result {
        case .success(let addresses):
            if let refusal = addresses.compactMap({ policy.dial($0, host: host).refusal }).first {
                return done(.failure(UpstreamFailure(refusal, host: host)))
            }
            road = .proxy
        case .failure(let failure) where !failure.isUnknown:
            let reason = "\(host): \(failure): whether its addresses are allowed is not known, so upstream_proxy is not asked"
            return done(.failure(UpstreamFailure(code: .resolveFailed, reason: reason)))
        case .failure:
            if unknown.count >= Self.mostRemembered { unknown = [:] }
            unknown[host] = .now() + Self.oblivion
        }
        proxy.locate { result in
            done(result.map { Route(addresses: $0, port: proxy.port, road: road, proxy: proxy) })
        }
    }
}

extension UpstreamFailure {
    fileprivate init(_ refusal: Refusal?, host: HostName) {
        self.init(code: refusal?.code ?? .resolveFailed, reason: refusal?.reason ?? "\(host) has no address")
    }
}
