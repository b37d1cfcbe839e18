// Harness: egress in this process, between a supervisor that is a thread and an upstream that is a real TLS server.
// Everything is as in a run, but the seccomp filter (it would bind the test) and the transparent sockets (a hook says
// what was dialled).

import CData
import CEgress
import Glibc
import Metering
import NIOCore
import NIOPosix
import NIOSSL
import Profile
import Redaction
import Synchronization
import Testing
import Vocabulary
import Wire

@testable import Egress

final class Harness: Sendable {
    static let openai = "api.openai.com"
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    let supervisor: Supervisor
    let upstream: Upstream
    let port: Int
    private let side: SideThread
    private let clientTLS: TLSConfiguration
    private let clientContext: NIOSSLContext
    private let http2Context: NIOSSLContext
    private let ended: EventLoopFuture<Int32>

    struct Failure: Error { var what: String }

    init(
        _ change: (inout Spec) -> Void = { _ in }, secrets keys: [TestKey] = [], trusted: Bool = true,
        known: [HostName: [IPAddress]] = [:], roots: [String] = [], proxyPassword: String? = nil,
        upstreamSpeaks protocols: [String] = ["h2", "http/1.1"], answer: @escaping @Sendable (Upstream.Request) -> Upstream.Answer
    ) throws {
        func name(_ text: String) throws -> HostName { try #require(HostName(text)) }
        let hosts = try [
            "api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com", "ollama.com",
            "bedrock-runtime.us-east-1.amazonaws.com", "files.example", "evil.example",
        ].map(name)
        upstream = try Upstream(group: group, names: hosts, protocols: protocols, answer: answer)
        var spec = Spec()
        spec.name = "harness"
        spec.providers = [ProviderGrant(id: .openai), ProviderGrant(id: .anthropic)]
        for host in hosts { spec.network.resolve[host] = .init(address: .v4(0x7f00_0001), port: upstream.port) }
        spec.network.allow = [
            .init(
                host: .exact(try name("files.example")), methods: ["GET", "HEAD", "POST", "PUT"], paths: ["/**"], namesPaths: true)
        ]
        change(&spec)

        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0 else { throw Failure(what: "socketpair") }
        supervisor = Supervisor(descriptor: pair[0])
        let (web, port) = try Self.listener()
        self.port = port
        let listeners = Listeners(
            tcp4: web, tcp6: try Self.listener().0, udp4: -1, udp6: -1, dns4: try Self.listener().0, dns6: try Self.listener().0,
            packets: -1)
        let passwords =
            keys + (proxyPassword.map { [TestKey(variable: "", placeholder: "", value: $0, hosts: [])] } ?? [])
        let configuration = EgressConfiguration(
            session: "test", profileName: "harness", profile: [],
            hostRoots: trusted ? upstream.authority.pem : [],
            profileRoots: roots, nameServers: [], hosts: known, secrets: TestKey.secrets(keys),
            proxyPassword: proxyPassword.map { _ in TestKey.end(keys)..<TestKey.end(passwords) })
        let authority = try SessionAuthority()
        let start = EgressProcess.Start(
            configuration: configuration, secrets: try TestKey.store(passwords), spec: spec, authority: authority,
            engine: try Engine(database: EgressProcess.embeddedPatterns(), handling: spec.pii),
            prices: try PriceBook(tsv: EgressProcess.embeddedPrices()), filter: [], listeners: listeners)
        let holder = DialledHolder()
        let loop = group.next()
        let promise = loop.makePromise(of: Int32.self)
        ended = promise.futureResult
        let service = EgressService(
            start: start, loop: loop, ended: promise, dialledHook: { _ in holder.value.withLock { $0 } }, hide: { 0 })
        side = try service.startSideThread()
        let side = side
        let bound = try loop.submit { try service.assemble(side) }.wait()
        try bound.adopt(channel: pair[1]).wait()
        self.holder = holder
        var configurationTLS = TLSConfiguration.makeClientConfiguration()
        configurationTLS.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authority.pem))
        clientTLS = configurationTLS
        clientContext = try NIOSSLContext(configuration: configurationTLS)
        configurationTLS.applicationProtocols = ["h2", "http/1.1"]
        http2Context = try NIOSSLContext(configuration: configurationTLS)
        keep = service
        adopted = bound
        let supervisor = supervisor
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        pool.submit { _ in supervisor.run() }
        try loop.submit { bound.greet() }.wait()
        supervisor.say(.go)
    }

    private final class DialledHolder: Sendable { let value = Mutex(Dialled(address: .v4(0), port: 443)) }
    private let holder: DialledHolder
    /// The side thread's reports reach it weakly.
    private let keep: EgressService
    private let adopted: Adopted

    private static func listener() throws -> (Int32, Int) {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // sockaddr_in by its bytes: two C modules have the type, and which one a compiler finds first is chance.
        var address: [UInt8] = [UInt8(AF_INET), 0, 0, 0, 127, 0, 0, 1] + [UInt8](repeating: 0, count: 8)
        let bound = address.withUnsafeMutableBytes { bytes in
            guard let place = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
            var length = socklen_t(bytes.count)
            return bind(socket, place, length) == 0 && getsockname(socket, place, &length) == 0
        }
        guard bound, listen(socket, 64) == 0 else { throw Failure(what: "listener") }
        return (socket, Int(address[2]) << 8 | Int(address[3]))
    }

    /// What the resolver answers for a name, as an address; nil: none.
    func resolve(_ name: String) -> IPAddress? {
        guard let answer = side.names.reply(to: DNSPacket.query(name, type: 1)), answer.count > 16, answer[7] == 1 else {
            return nil
        }
        return .v4(answer.suffix(4).reduce(0) { $0 << 8 | UInt32($1) })
    }

    /// A TLS connection as an agent makes one: asks for the name, dials what it got.
    func connect(_ name: String, sni: String? = nil, port: UInt16 = 443) throws -> Client {
        let address = try #require(resolve(name))
        return try connect(address: address, port: port, sni: sni ?? name)
    }

    /// The same with a TLS of its own.
    func connect(_ name: String, change: (inout TLSConfiguration) -> Void) throws -> Client {
        let address = try #require(resolve(name))
        holder.value.withLock { $0 = Dialled(address: address, port: 443) }
        var configuration = clientTLS
        change(&configuration)
        let client = try Client(group: group, port: port, tls: (try NIOSSLContext(configuration: configuration), name))
        client.waitForTLS()
        return client
    }

    func connect(address: IPAddress, port dialledPort: UInt16 = 443, sni: String?) throws -> Client {
        holder.value.withLock { $0 = Dialled(address: address, port: dialledPort) }
        let client = try Client(group: group, port: port, tls: (clientContext, sni))
        client.waitForTLS()
        return client
    }

    /// An HTTP/2 connection as an agent makes one.
    func connectHTTP2(_ name: String) throws -> HTTP2Client {
        let address = try #require(resolve(name))
        holder.value.withLock { $0 = Dialled(address: address, port: 443) }
        return try HTTP2Client(group: group, port: port, context: http2Context, name: name)
    }

    /// A TLS client that knows other authorities only: the upstream's.
    func untrusting(_ name: String, sni: String? = nil) throws -> Client {
        let address = try #require(resolve(name))
        holder.value.withLock { $0 = Dialled(address: address, port: 443) }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(upstream.authority.pem))
        let client = try Client(group: group, port: port, tls: (try NIOSSLContext(configuration: configuration), sni ?? name))
        client.waitForTLS()
        return client
    }

    /// Bytes without TLS.
    func raw(_ name: String = Harness.openai, port dialledPort: UInt16 = 443) throws -> Client {
        try raw(address: try #require(resolve(name)), port: dialledPort)
    }

    func raw(address: IPAddress, port dialledPort: UInt16, staysHalfOpen: Bool = false, reads: Bool = true) throws -> Client {
        holder.value.withLock { $0 = Dialled(address: address, port: dialledPort) }
        return try Client(group: group, port: port, tls: nil, staysHalfOpen: staysHalfOpen, reads: reads)
    }

    private final class Weak {
        weak var connection: (any AgentConnection)?
        init(_ connection: any AgentConnection) { self.connection = connection }
    }

    /// How many of the agent's connections of now are still kept, by anybody.
    func watchConnections() throws -> () -> Int? {
        let (session, loop) = (adopted.session, adopted.loop)
        let watched = try loop.submit {
            NIOLoopBound(session.value.connections.values.map { Weak($0) }, eventLoop: loop)
        }.wait()
        return { try? loop.submit { watched.value.count { $0.connection != nil } }.wait() }
    }

    /// One request on a connection of its own; the whole answer as text.
    func exchange(_ name: String, _ request: String, until: (String) -> Bool = Answer.isWhole) throws -> String {
        let client = try connect(name)
        client.send(request)
        let text = client.wait(until)
        client.close()
        return text
    }

    func end() {
        supervisor.say(.finish)
        _ = try? ended.wait()
        side.end()
        try? upstream.channel.close().wait()
        // Not closed under the thread that reads it: the number would be somebody else's by then.
        if supervisor.wait({ $0.ended ? true : nil }) != nil { close(supervisor.descriptor) }
        try? group.syncShutdownGracefully()
    }
}

/// A key of the broker's in a test.
struct TestKey {
    var variable: String
    var placeholder: String
    var value: String
    var hosts: [HostName]
    var header: String?
    var query: String?

    /// One after the other.
    static func secrets(_ keys: [TestKey]) -> [EgressConfiguration.Secret] {
        var end = 0
        return keys.map { key in
            defer { end += key.value.utf8.count }
            return .init(
                variable: key.variable, placeholder: key.placeholder, hosts: key.hosts, header: key.header, query: key.query,
                range: end..<end + key.value.utf8.count)
        }
    }

    static func end(_ keys: [TestKey]) -> Int { keys.reduce(0) { $0 + $1.value.utf8.count } }

    static func store(_ keys: [TestKey]) throws -> SecretStore {
        let bytes = keys.flatMap { Array($0.value.utf8) }
        return try SecretStore(size: bytes.count) { $0.copyBytes(from: bytes) }
    }
}

enum Answer {
    /// Whether the text holds a head and all of its body.
    static func isWhole(_ text: String) -> Bool {
        guard let gap = text.range(of: "\r\n\r\n") else { return false }
        let head = text[..<gap.lowerBound].lowercased()
        if head.contains("transfer-encoding: chunked") { return text.hasSuffix("0\r\n\r\n") }
        guard let field = head.range(of: "content-length: ") else { return false }
        let length = Int(head[field.upperBound...].prefix { $0.isNumber }) ?? 0
        return text[gap.upperBound...].utf8.count >= length
    }

    static func status(_ text: String) -> Int { Int(text.dropFirst(9).prefix(3)) ?? 0 }

    static func body(_ text: String) -> String { text.range(of: "\r\n\r\n").map { String(text[$0.upperBound...]) } ?? "" }

    /// The body with its chunks put together.
    static func dechunked(_ text: String) -> String {
        var rest = Array(body(text).utf8)[...]
        var out: [UInt8] = []
        while let end = rest.firstIndex(of: 13) {
            guard let size = Int(String(decoding: rest[..<end], as: UTF8.self), radix: 16), size > 0 else { break }
            let start = end + 2
            guard start + size <= rest.endIndex else { break }
            out += rest[start..<start + size]
            rest = rest[(start + size + 2)...]
        }
        return String(decoding: out, as: UTF8.self)
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<Index>? { firstRange(of: text) }
}

enum DNSPacket {
    static func query(_ name: String, type: UInt16, id: UInt16 = 7) -> [UInt8] {
        var out: [UInt8] = [UInt8(id >> 8), UInt8(id & 255), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        for label in name.split(separator: ".") { out += [UInt8(label.utf8.count)] + Array(label.utf8) }
        return out + [0, UInt8(type >> 8), UInt8(type & 255), 0, 1]
    }
}
