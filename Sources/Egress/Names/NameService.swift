// NameService: the table behind a lock, because UDP questions are answered on the side thread and connections are
// looked up on the event loop. The lock is held for a dictionary access, never over I/O.

import Synchronization
import Vocabulary

final class NameService: Sendable {
    private let table = Mutex(NameTable())
    /// Called once in a session, when the table is full.
    private let onFull: @Sendable (HostName) -> Void

    /// Called once for each server of the agent's own choice that it asked; the first `mostServers` of them.
    private let onForeignServer: @Sendable (IPAddress) -> Void
    private let foreignServers = Mutex<Set<IPAddress>>([])
    private static let mostServers = 64

    init(onFull: @escaping @Sendable (HostName) -> Void, onForeignServer: @escaping @Sendable (IPAddress) -> Void = { _ in }) {
        self.onFull = onFull
        self.onForeignServer = onForeignServer
    }

    /// A question that was sent to `address` reached us. The cage's own resolver is at a loopback address; any other is a
    /// try to ask somebody outside, which is answered here and goes on record.
    func asked(at address: IPAddress) {
        let address = address.unmapped
        guard address.reach != .loopback else { return }
        let isNew = foreignServers.withLock { $0.count < Self.mostServers && $0.insert(address).inserted }
        if isNew { onForeignServer(address) }
    }

    func name(for address: IPAddress) -> HostName? { table.withLock { $0.name(for: address) } }

    /// The answer's bytes; nil where silence is the answer.
    func reply(to packet: some Collection<UInt8>) -> [UInt8]? {
        switch DNSMessage.parse(packet) {
        case .ignore: return nil
        case .refuse(let id, let wanted, let code): return DNSMessage.refusal(id: id, recursionDesired: wanted, code: code)
        case .question(let question):
            switch table.withLock({ $0.answer(question) }) {
            case .address(let address): return DNSMessage.answer(question, code: .ok, address: address)
            case .noData: return DNSMessage.answer(question, code: .ok)
            case .nameError: return DNSMessage.answer(question, code: .nameError)
            case .notImplemented: return DNSMessage.answer(question, code: .notImplemented)
            case .full(let isFirst):
                if isFirst, let name = question.name { onFull(name) }
                return DNSMessage.answer(question, code: .refused)
            }
        }
    }
}
