// Peer: what is known of an agent's connection before its first request: where it dialled, which name that address
// stands for, which name it spoke, and whether any of that is allowed.

import Events
import NIOCore
import Policy
import Vocabulary

/// The address and port that the agent dialled (the local address of a transparently accepted socket).
struct Dialled: Sendable, Hashable {
    var address: IPAddress
    var port: UInt16

    init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    init?(_ socket: SocketAddress?) {
        guard let socket, let number = socket.port, let port = UInt16(exactly: number),
            let address = socket.withSockAddr({ pointer, _ in IPAddress(socketAddress: pointer) })
        else { return nil }
        self.init(address: address.unmapped, port: port)
    }
}

/// An agent's connection, judged.
struct Peer: Sendable {
    var dialled: Dialled
    /// The name that every request on it must be for; nil: a bare address.
    var name: HostName?
    /// What the leaf is made out to: what the client will compare with what it wanted.
    var leaf: LeafSubject
    var facts: ConnectionFacts
    var standing: Decision<ConnectionGrant>

    var shownHost: String { name?.text ?? leaf.text }

    /// The record of bytes on this connection that are no request.
    func fault(_ reason: String) -> ConnectionRefused { refused(.malformed, reason) }

    func refused(_ code: Refusal.Code, _ reason: String) -> ConnectionRefused {
        ConnectionRefused(
            code: code, reason: reason, host: name?.text, address: dialled.address.description, port: dialled.port)
    }

    /// - Parameter spoken: the name in the ClientHello; nil: none.
    static func judge(_ dialled: Dialled, name: HostName?, spoken: HostName?, isTLS: Bool, policy: PolicyEngine) -> Peer {
        let facts = ConnectionFacts(address: dialled.address, port: dialled.port, name: name, spoken: spoken, isTLS: isTLS)
        let leaf = (spoken ?? name).map { LeafSubject.name($0) } ?? .address(dialled.address)
        return Peer(dialled: dialled, name: name, leaf: leaf, facts: facts, standing: policy.connection(facts))
    }
}
