// ControlConnection: an operator's end of a running session's control.sock. What comes over it is bounded and checked like a
// stranger's, and never waited for longer than a person would.

import Events
import Glibc
import LinuxSys
import LogStore
import Wire

final class ControlConnection {
    enum Failure: Error {
        /// Nobody listens: the session has ended.
        case ended
        case notPermitted
        /// It answers nothing, or nonsense.
        case broken(String)
    }

    let session: SessionID
    private let descriptor: OwnedFD
    private var assembler = FrameAssembler()
    /// Milliseconds for one answer. A session that is stopped (Ctrl-Z) does not answer.
    private static let patience: Int32 = 5000

    /// Connects and says hello.
    init(_ session: SessionID, in base: String) throws(Failure) {
        self.session = session
        do throws(SysError) { descriptor = try RunFolder.connect(session, in: base) } catch {
            switch error.number {
            case ENOENT, ECONNREFUSED, ENOTDIR: throw .ended
            case EACCES, EPERM: throw .notPermitted
            default: throw .broken("\(error)")
            }
        }
        try send(.hello(version: ControlLimits.version))
        switch try next() {
        case .hello(ControlLimits.version, session.text)?: break
        case .failed(.notPermitted)?: throw .notPermitted
        case nil: throw .broken("it does not answer")
        default: throw .broken("it speaks another version")
        }
    }

    /// For poll(2).
    var number: Int32 { descriptor.raw }

    func send(_ request: ControlRequest) throws(Failure) {
        var rest: [UInt8]
        do throws(WireError) { rest = try request.frame() } catch { throw .broken("\(error)") }
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            let code = errno
            if count < 0, code == EINTR { continue }
            // Let go before it was read to the end, its last words may still be there to read.
            if count < 0, code == EPIPE || code == ECONNRESET { return }
            guard count > 0 else { throw .broken(SysError.words(code)) }
            rest.removeFirst(count)
        }
    }

    /// The next reply; nil: none within the time.
    func next(within milliseconds: Int32 = patience) throws(Failure) -> ControlReply? {
        while true {
            do throws(WireError) {
                if let payload = try assembler.next() { return try ControlReply(payload: payload) }
            } catch { throw .broken("\(error)") }
            guard try receive(within: milliseconds) else { return nil }
        }
    }

    private func receive(within milliseconds: Int32) throws(Failure) -> Bool {
        var polled = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        guard poll(&polled, 1, milliseconds) > 0 else { return false }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = buffer.withUnsafeMutableBytes { recv(descriptor.raw, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT)) }
        let code = errno
        if count < 0, code == EAGAIN || code == EINTR { return true }
        if count < 0, code != ECONNRESET { throw .broken(SysError.words(code)) }
        guard count > 0 else { throw .ended }
        assembler.feed(buffer[..<count])
        return true
    }

    /// What waits now.
    func list() throws(Failure) -> [OpenQuestion] {
        try send(.list)
        var open: [OpenQuestion] = []
        while true {
            switch try next() {
            case .waiting(let question)? where open.count < 1024: open.append(question)
            case .done?: return open
            case nil: throw .broken("it does not answer")
            default: throw .broken("an answer to another question")
            }
        }
    }

    /// Says `word` to `question`; nil: it is done.
    func decide(_ question: OpenQuestion, _ word: OperatorWord) throws(Failure) -> ControlReply.Failure? {
        try send(.decide(id: question.id, digest: question.question.digest, word))
        while true {
            switch try next() {
            case .done?: return nil
            case .failed(let why)?: return why
            case .waiting?, .over?: continue  // of a watch; asked for again
            case nil: throw .broken("it does not answer")
            case .hello?: throw .broken("an answer to another question")
            }
        }
    }
}
