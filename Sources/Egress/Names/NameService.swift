// NameService: the table behind a lock, because UDP questions are answered on the side thread and connections are
// looked up on the event loop. The lock is held for a dictionary access, never over I/O.

import Synchronization
import Vocabulary

final class NameService: Sendable {
    private let table = Mutex(NameTable())
    /// Called once in a session, when the table is full.
    private let onFull: @Sendable (HostName) -> Void

    init(onFull: @escaping @Sendable (HostName) -> Void) { self.onFull = onFull }

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
