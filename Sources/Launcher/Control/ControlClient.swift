// ControlClient: one connection to control.sock. What arrives is cut into requests, what leaves waits here; a client that sends
// nonsense or does not read is let go, and nobody waits for it.

import Glibc
import LinuxSys
import Wire

final class ControlClient {
    /// Of whoever connected, from the kernel.
    let user: UInt32
    private let descriptor: OwnedFD
    private var assembler = FrameAssembler()
    private var unsent: [UInt8] = []
    private var isGreeted = false
    /// What it has been told of and is not over; nil: it does not watch.
    var watched: Set<UInt64>?
    private(set) var isGone = false

    /// More than all open questions take, twice.
    private static let mostUnsent = 256 << 10

    /// - Parameter isWelcome: whether `user` may say anything here.
    init(owning number: Int32, user: UInt32, isWelcome: Bool) {
        descriptor = OwnedFD(owning: number)
        self.user = user
        guard !isWelcome else { return }
        say(.failed(.notPermitted))
        end()
    }

    var polled: pollfd {
        pollfd(fd: descriptor.raw, events: Int16(POLLIN | (unsent.isEmpty ? 0 : POLLOUT)), revents: 0)
    }

    /// What it asks for now, `hello` apart.
    func receive(_ buffer: inout [UInt8], session: String) -> [ControlRequest] {
        let number = descriptor.raw
        let count = buffer.withUnsafeMutableBytes { recv(number, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT)) }
        if count < 0 {
            let code = errno
            if code != EAGAIN, code != EINTR { isGone = true }
            return []
        }
        guard count > 0 else {
            isGone = true
            return []
        }
        assembler.feed(buffer[..<count])
        var requests: [ControlRequest] = []
        do throws(WireError) {
            while let payload = try assembler.next() {
                if let request = try read(payload, session: session) { requests.append(request) }
            }
        } catch { end() }
        return isGone ? [] : requests
    }

    private func read(_ payload: ArraySlice<UInt8>, session: String) throws(WireError) -> ControlRequest? {
        let request: ControlRequest
        do throws(WireError) { request = try ControlRequest(payload: payload) } catch {
            // A later version's; it may go on with what this one knows.
            guard case .unknownKind = error, isGreeted else { throw error }
            say(.failed(.unknown))
            return nil
        }
        switch request {
        case .hello(ControlLimits.version) where !isGreeted:
            isGreeted = true
            say(.hello(version: ControlLimits.version, session: session))
            return nil
        case .hello:
            say(.failed(.unknown))
            throw .notPermitted("hello")
        default:
            guard isGreeted else { throw .notPermitted("a request before hello") }
            return request
        }
    }

    func say(_ reply: ControlReply) {
        guard !isGone else { return }
        do throws(WireError) { unsent += try reply.frame() } catch { isGone = true }
        if unsent.count > Self.mostUnsent { isGone = true }
    }

    func flush() {
        guard !unsent.isEmpty, !isGone else { return }
        let number = descriptor.raw
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        let count = unsent.withUnsafeBytes { send(number, $0.baseAddress, $0.count, flags) }
        let code = errno
        if count >= 0 {
            unsent.removeFirst(count)
        } else if code != EAGAIN, code != EINTR {
            isGone = true
        }
    }

    /// Told as much as the socket takes, and let go.
    private func end() {
        flush()
        isGone = true
    }
}
