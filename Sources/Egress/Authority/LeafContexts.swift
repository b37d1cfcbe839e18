// LeafContexts: TLS contexts by subject, most recently made kept. A context costs a signature and some 60 kB, so an
// agent that walks through names must not make the table grow without end.

import NIOSSL

struct LeafContexts {
    private static let most = 256
    private let authority: SessionAuthority
    private var contexts: [LeafSubject: NIOSSLContext] = [:]
    private var order: [LeafSubject] = []

    init(authority: SessionAuthority) { self.authority = authority }

    mutating func context(for subject: LeafSubject) throws -> NIOSSLContext {
        if let known = contexts[subject] { return known }
        if order.count >= Self.most { contexts[order.removeFirst()] = nil }
        let made = try authority.serverContext(for: subject)
        contexts[subject] = made
        order.append(subject)
        return made
    }
}
