// Upstream: one request's way to a real host, whichever protocol it takes. Nothing here knows of policy: who uses it
// gets the answer's parts as they come and says when to hold.

import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOSSL
import Vocabulary

/// What a connection may be shared for: never another name, place or key.
struct UpstreamKey: Sendable, Hashable {
    var name: HostName
    var port: UInt16
    /// Which credential's requests travel on it; nil: the agent's own.
    var credential: String?
    /// Through the operator's proxy.
    var isProxied = false
}

/// A request as it leaves, before framing.
struct UpstreamRequest {
    var method: String
    var target: String
    /// With `host` first; none of a connection's own.
    var headers: HTTPHeaders
    /// nil: none. Its length is in the headers.
    var body: ByteBuffer?
    /// The agent reads trailers (HTTP/2 only).
    var takesTrailers: Bool
}

protocol Upstream: AnyObject {
    var road: Road { get }
    func send(_ request: UpstreamRequest, for user: any UpstreamUser)
    /// Back-pressure: `false` while the agent does not take what was read already.
    func setReading(_ on: Bool)
    /// Ends it at once; the user hears nothing more.
    func abandon()

    // After a 101 that was asked for; a connection that cannot be asked for one ignores these.

    /// From here on bytes go both ways as they are.
    func becomeSocket()
    func writeSocket(_ bytes: ByteBuffer)
    /// Closes when what was written has gone out.
    func endSocket()
}

/// Gets the parts of one answer. Exactly one of `upstreamEnd`, `upstreamFailed` and `upstreamUnsent` is called, last.
protocol UpstreamUser: AnyObject {
    func upstreamHead(_ head: HTTPResponseHead)
    func upstreamBody(_ bytes: ByteBuffer)
    func upstreamEnd(_ trailers: HTTPHeaders?)
    func upstreamFailed(_ reason: String)
    /// The connection was found closed before one byte of the request was written: another one may be asked.
    func upstreamUnsent()
    func upstreamSocketBytes(_ bytes: ByteBuffer)
    /// False: the host does not take what was written.
    func upstreamTakes(_ on: Bool)
}

/// Why no connection came about. The words come from us or the TLS library, never from the peer.
struct UpstreamFailure: Error, Sendable {
    var code: Refusal.Code
    var reason: String
    /// Whether another address of the same name may do better.
    var isOfOneAddress: Bool

    init(code: Refusal.Code, reason: String) {
        self.code = code
        self.reason = reason
        isOfOneAddress = code == .upstreamUnreachable
    }

    /// No connection to the operator's proxy.
    static func noProxy(_ error: any Error) -> UpstreamFailure {
        var failure = UpstreamFailure(code: .upstreamProxy, reason: "the upstream proxy cannot be reached: \(words(error))")
        failure.isOfOneAddress = true
        return failure
    }

    init(_ error: any Error) {
        if let known = error as? UpstreamFailure {
            self = known
            return
        }
        let isTLS = error is NIOSSLError || error is NIOSSLExtraError || error is BoringSSLError
        self.init(code: isTLS ? .upstreamCertificate : .upstreamUnreachable, reason: Self.words(error))
    }

    /// The host speaks none of the protocols that were offered (RFC 7301 §3.2).
    var refusesProtocols: Bool { code != .upstreamProxy && reason.contains("NO_APPLICATION_PROTOCOL") }

    static func words(_ error: any Error) -> String {
        switch error {
        case let error as NIOSSLExtraError: return "TLS: \(error.description.prefix(200))"
        case let error as NIOSSLError: return "TLS: \(String(describing: error).prefix(200))"
        case let error as IOError: return "connect: \(String(describing: error).prefix(200))"
        case let error as any NIOHTTP2Error: return "HTTP/2: \(String(describing: type(of: error)).prefix(100))"
        case let error as HTTPParserError: return "answer is not HTTP: \(String(describing: error).prefix(100))"
        default: return String(describing: error).prefix(200).description
        }
    }
}
