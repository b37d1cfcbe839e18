// ProxyRoad: the operator's proxy as a way to hosts: where it is, what it is asked, and which hosts go through it.

import NIOCore
import NIOSSL
import Profile
import Vocabulary

/// How a connection reached its host, as the log has it.
enum Road: String, Sendable, Hashable {
    case direct
    case proxy
    /// Through the proxy, which alone knows the name's addresses: they could not be checked.
    case proxyNames = "proxy_names"

    /// What the record of an outcome says; nil: nothing to say.
    var via: String? { self == .direct ? nil : rawValue }
}

final class ProxyRoad {
    private let proxy: UpstreamProxy
    /// The value of Proxy-Authorization. It goes to the proxy and nowhere else.
    private var login: String? { proxy.user.map { "Basic " + Base64.encode(Array("\($0):\(password())".utf8)) } }
    /// Read when it is sent, from where it lies.
    private let password: () -> String
    private let hosts: [HostName: [IPAddress]]
    private let lookup: (HostName, @escaping LookupReply) -> Void
    private let loop: any EventLoop
    /// Looked up once: the proxy that was found is the one that is used.
    private var addresses: [IPAddress]?

    init(
        _ proxy: UpstreamProxy, password: @escaping () -> String, hosts: [HostName: [IPAddress]], loop: any EventLoop,
        lookup: @escaping (HostName, @escaping LookupReply) -> Void
    ) {
        self.proxy = proxy
        self.hosts = hosts
        self.loop = loop
        self.lookup = lookup
        self.password = password
    }

    var port: UInt16 { proxy.port }
    var usesTLS: Bool { proxy.usesTLS }
    /// For the certificate of a proxy that is asked over TLS; nil: its address is.
    var name: String? { if case .name(let name) = proxy.place { name.text } else { nil } }

    func covers(_ host: HostName) -> Bool { proxy.covers(host) }

    /// Where the proxy is. A private address is one that the operator named; metadata is nobody's proxy.
    func locate(_ done: @escaping (Result<[IPAddress], UpstreamFailure>) -> Void) {
        if let addresses { return done(.success(addresses)) }
        let found: (Result<[IPAddress], LookupFailure>) -> Void = { [self] result in
            switch result {
            case .success(let all):
                let usable = all.filter { $0.reach != .metadata && $0.reach != .multicast }
                guard !usable.isEmpty else {
                    return done(.failure(Self.lost("it has no address that may be dialled")))
                }
                addresses = usable
                done(.success(usable))
            case .failure(let failure): done(.failure(Self.lost("\(failure)")))
            }
        }
        switch proxy.place {
        case .address(let address): found(.success([address]))
        case .name(let name):
            if let known = hosts[name] { return found(.success(known)) }
            let bound = NIOLoopBound(found, eventLoop: loop)
            let loop = loop
            lookup(name) { result in loop.execute { bound.value(result) } }
        }
    }

    private static func lost(_ why: String) -> UpstreamFailure {
        UpstreamFailure(code: .upstreamProxy, reason: "the upstream proxy's name: \(why)")
    }

    /// Asks for `host` by its name: proxies have rules by name, and resolvers of their own.
    func tunnel(to host: HostName, port: UInt16, context: NIOSSLContext) -> ProxyTunnel {
        var request = "CONNECT \(host):\(port) HTTP/1.1\r\nHost: \(host):\(port)\r\n"
        if let login { request += "Proxy-Authorization: \(login)\r\n" }
        return ProxyTunnel(request: Array((request + "\r\n").utf8), isSecured: usesTLS, host: host.text, context: context)
    }
}
