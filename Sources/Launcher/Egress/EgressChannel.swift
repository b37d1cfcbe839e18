// EgressChannel: the supervisor's end of the stream to egress. Non-blocking; what cannot be written yet waits
// here. Every message passes the permit table before anyone looks at it.

import Glibc
import LinuxSys
import Wire

struct EgressChannel: ~Copyable {
    let fd: OwnedFD
    private(set) var permits = EgressPermits()
    private var assembler = FrameAssembler()
    private var unsent: [UInt8] = []
    private(set) var closed = false

    /// More than this unread by egress means that it no longer serves its channel.
    private static let maxUnsent = 4 << 20

    enum Failure: Error, CustomStringConvertible {
        case system(SysError)
        case wire(WireError)
        /// Egress closed its end, or died.
        case ended
        case stuck

        /// As in "egress …".
        var description: String {
            switch self {
            case .system(let error): "cannot be reached: \(error)"
            case .wire(let error): "said what it may not: \(error)"
            case .ended: "ended"
            case .stuck: "does not read what it is told"
            }
        }
    }

    init(fd: consuming OwnedFD) { self.fd = fd }

    var wantsWrite: Bool { !unsent.isEmpty }

    /// Everything that has arrived, in order, each permitted in the state the ones before it led to.
    mutating func receive(_ buffer: inout [UInt8]) throws(Failure) -> [FromEgress] {
        var messages: [FromEgress] = []
        let number = fd.raw
        let count = buffer.withUnsafeMutableBytes { recv(number, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT)) }
        if count < 0 {
            let code = errno
            if code == EAGAIN || code == EINTR { return [] }
            if code == ECONNRESET { closed = true } else { throw .system(SysError("recv", code, on: "egress channel")) }
        }
        if count == 0 { closed = true }
        guard count > 0 else { throw .ended }
        assembler.feed(buffer[..<count])
        do throws(WireError) {
            while let payload = try assembler.next() {
                let message = try FromEgress(payload: payload)
                try permits.receive(message)
                messages.append(message)
            }
        } catch { throw .wire(error) }
        return messages
    }

    mutating func queue(_ message: ToEgress) throws(Failure) {
        switch message {
        case .admitted(let id): permits.admitted(id)
        case .refused(let id, _, _): permits.refused(id)
        case .finish: permits.finishing()
        default: break
        }
        do throws(WireError) { unsent += try message.frame() } catch { throw .wire(error) }
        guard unsent.count <= Self.maxUnsent else { throw .stuck }
    }

    /// Writes what the socket takes. Called after a batch, so that many answers share one call.
    mutating func flush() throws(Failure) {
        guard !unsent.isEmpty, !closed else { return }
        let number = fd.raw
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        let count = unsent.withUnsafeBytes { Glibc.send(number, $0.baseAddress, $0.count, flags) }
        if count < 0 {
            let code = errno
            if code == EAGAIN || code == EINTR { return }
            closed = true
            if code == EPIPE || code == ECONNRESET { throw .ended }
            throw .system(SysError("send", code, on: "egress channel"))
        }
        unsent.removeFirst(count)
    }
}
