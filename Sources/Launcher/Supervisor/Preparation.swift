// Preparation: from two started processes to a cage that waits for the go byte. Init and egress work side by side;
// what one makes the other needs crosses here: the session CA's certificate one way, the cage's sockets the other.

import CLinux
import CagePlan
import Glibc
import LinuxSys
import Vocabulary
import Wire

enum Preparation {
    /// Longer than any start measured under load; shorter than anybody's patience.
    private static let patienceMilliseconds: Int32 = 30_000

    /// What became of the optional steps: words and errno of those that could not be done.
    struct Result {
        var caPEM: [UInt8] = []
        var absent: [(step: String, errno: Int32)] = []
    }

    /// Returns once init has said `ready` and egress has said `ready`.
    /// - Throws: what failed; with 128 and its number for a signal that asked us to end meanwhile.
    static func complete(
        _ cage: inout RunningCage, _ channel: inout EgressChannel, _ signals: borrowing SignalQueue,
        trust: TrustStores
    ) throws(CageError) -> Result {
        var result = Result()
        var cageReady = false
        var egressReady = false
        var listenersSent = false
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while !cageReady || !egressReady {
            var polled = [
                pollfd(fd: cage.control.raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: channel.fd.raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: signals.fd.raw, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&polled, nfds_t(polled.count), patienceMilliseconds)
            let code = errno
            if count < 0, code == EINTR { continue }
            if count < 0 { throw CageError(Complaint("poll: \(SysError.words(code))")) }
            if count == 0 {
                throw CageError(
                    Complaint(
                        "the \(cageReady ? "proxy" : "cage") was not ready within \(patienceMilliseconds / 1000) s",
                        hint: "akios doctor; on a very busy machine try again"))
            }
            if polled[2].revents != 0 { try interrupt(signals) }
            do throws(Complaint) {
                if polled[1].revents != 0 {
                    for message in try receive(&channel, &buffer) {
                        switch message {
                        case .hello(_, let caPEM):
                            result.caPEM = caPEM
                            do throws(CageError) {
                                for (slot, content) in trust.contents(authority: caPEM).enumerated() {
                                    try cage.send(content: content, slot: slot)
                                }
                            } catch { throw error.complaint }
                        case .ready: egressReady = true
                        case .fatal(let text):
                            throw Complaint("akios-egress: \(RefusalDigest.printable(text))", hint: "akios doctor")
                        default: break
                        }
                    }
                }
                if polled[0].revents != 0 { try take(&cage, &result, &cageReady) }
                if !listenersSent, !result.caPEM.isEmpty, cage.listeners.tcp4 != nil {
                    try handOver(&cage, channel)
                    listenersSent = true
                }
            } catch { throw CageError(error) }
        }
        return result
    }

    /// Nothing runs yet, so there is nothing to pass a signal on to: the start is given up.
    private static func interrupt(_ signals: borrowing SignalQueue) throws(CageError) {
        let signal: Int32?
        do throws(SysError) { signal = try signals.ending() } catch {
            throw CageError(Complaint("signals cannot be read: \(error)"))
        }
        guard let signal else { return }
        throw CageError(status: 128 + signal, Complaint("told to end by signal \(signal); nothing was run"))
    }

    private static func receive(_ channel: inout EgressChannel, _ buffer: inout [UInt8]) throws(Complaint) -> [FromEgress] {
        do throws(EgressChannel.Failure) { return try channel.receive(&buffer) } catch {
            throw Complaint(
                "akios-egress ended before it was ready (\(error))", hint: "akios doctor; journalctl may say why it was killed")
        }
    }

    private static func take(_ cage: inout RunningCage, _ result: inout Result, _ ready: inout Bool) throws(Complaint) {
        do throws(CageError) {
            while let event = try cage.readEvent() {
                switch event {
                case .ready: ready = true
                case .absent(let step, let number): result.absent.append((step, number))
                case .failed(let step, let number):
                    throw CageError(
                        Complaint(
                            "the cage cannot be built: \(step): \(SysError.words(number)); nothing was run", hint: "akios doctor"))
                case .ended:
                    throw CageError(Complaint("akios-init ended before the cage stood; nothing was run", hint: "akios doctor"))
                default: break
                }
            }
        } catch { throw error.complaint }
    }

    /// The sockets made in the cage's network namespace, in the order egress takes them; our copies close with the sending.
    private static func handOver(_ cage: inout RunningCage, _ channel: borrowing EgressChannel) throws(Complaint) {
        var numbers: [Int32] = []
        func add(_ socket: consuming OwnedFD?) throws(Complaint) {
            guard let socket else {
                for number in numbers { close(number) }
                throw Complaint(
                    "the cage's network lacks a socket", hint: "akios doctor; IPv6 must not be disabled by ipv6.disable=1")
            }
            numbers.append(socket.take())
        }
        try add(cage.listeners.tcp4.take())
        try add(cage.listeners.tcp6.take())
        try add(cage.listeners.udp4.take())
        try add(cage.listeners.udp6.take())
        try add(cage.listeners.dnsTCP4.take())
        try add(cage.listeners.dnsTCP6.take())
        try add(cage.listeners.log.take())
        defer { for number in numbers { close(number) } }
        let socket = channel.fd.raw
        do throws(SysError) {
            try syscall("sendmsg", on: "egress channel") { akios_send_fds(socket, [UInt8(ascii: "L")], 1, numbers, numbers.count) }
        } catch { throw Complaint("the listeners cannot be handed to egress: \(error)") }
    }
}
