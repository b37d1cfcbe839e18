// SideThread: the one thread beside the event loop. NIO can neither watch c-ares' descriptors nor answer a datagram
// from the address it was sent to, so one poll(2) loop does both, and reads the log of fenced packets.

import CEgress
import Glibc
import Synchronization
import Vocabulary

final class SideThread: Sendable {
    /// A descriptor that only this thread reads.
    struct Sockets: Sendable {
        var udp4, udp6, packets: Int32
    }

    private let sockets: Sockets
    let names: NameService
    private let onPacket: @Sendable ([UInt8]) -> Void
    private let wanted = Mutex<[(HostName, LookupReply)]>([])
    private let ended = Mutex(false)
    /// Written to when `wanted` or `ended` changed.
    private let wakeRead: Int32
    private let wakeWrite: Int32

    /// - Parameter onPacket: gets each datagram of the packet log, on this thread.
    init(sockets: Sockets, names: NameService, onPacket: @escaping @Sendable ([UInt8]) -> Void) throws(HandoverError) {
        var pair: [Int32] = [-1, -1]
        guard pipe(&pair) == 0 else { throw HandoverError("pipe", errno: errno) }
        for end in pair { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        (wakeRead, wakeWrite) = (pair[0], pair[1])
        self.sockets = sockets
        self.names = names
        self.onPacket = onPacket
        for (socket, family) in [(sockets.udp4, AF_INET), (sockets.udp6, AF_INET6)] where socket >= 0 {
            let code = akios_egress_want_destination(socket, family)
            guard code == 0 else { throw HandoverError("the resolver's socket gives no destination", errno: code) }
        }
    }

    func lookup(_ name: HostName, reply: @escaping LookupReply) {
        wanted.withLock { $0.append((name, reply)) }
        wake()
    }

    var hasEnded: Bool { ended.withLock { $0 } }

    func end() {
        ended.withLock { $0 = true }
        wake()
    }

    private func wake() {
        var byte: UInt8 = 1
        // A full pipe is as good as a written one: the thread wakes.
        _ = write(wakeWrite, &byte, 1)
    }

    /// Runs until `end()`. `servers` empty: every look-up fails at once. `ready` is called when no file will be opened
    /// any more: c-ares reads its configuration once.
    func run(servers: [IPAddress], ready: @Sendable () -> Void) {
        let lookups: HostLookup?
        do throws(LookupFailure) { lookups = servers.isEmpty ? nil : try HostLookup(servers: servers) } catch { lookups = nil }
        ready()
        serve(lookups)
    }

    private func serve(_ lookups: HostLookup?) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !hasEnded {
            var polls = [wakeRead, sockets.udp4, sockets.udp6, sockets.packets].map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            let own = polls.count
            var milliseconds: Int32 = -1
            lookups?.watch(&polls, milliseconds: &milliseconds)
            guard poll(&polls, nfds_t(polls.count), milliseconds) >= 0 || errno == EINTR else { return }
            if polls[0].revents != 0 { while read(wakeRead, &buffer, 64) > 0 {} }
            for poll in polls[1...2] where poll.revents != 0 { answerAll(on: poll.fd, &buffer) }
            if polls[3].revents != 0 { readPackets(&buffer) }
            for (name, reply) in wanted.withLock({ list in
                defer { list = [] }
                return list
            }) {
                guard lookups != nil else {
                    reply(.failure(LookupFailure(description: "no name server is configured", isUnknown: true)))
                    continue
                }
                lookups?.start(name, reply: reply)
            }
            lookups?.process(polls[own...])
        }
    }

    private func answerAll(on socket: Int32, _ buffer: inout [UInt8]) {
        // Bounded, so that a flood of questions cannot starve a look-up.
        for _ in 0..<64 {
            var about = akios_datagram()
            let count = akios_egress_receive_datagram(socket, &buffer, 1024, &about)
            if count == -Int(EMSGSIZE) { continue }
            guard count >= 0 else { return }
            names.asked(at: about.destination)
            guard let answer = names.reply(to: buffer[..<count]) else { continue }
            // A client that is gone, or a full socket, loses its answer and asks again.
            _ = akios_egress_send_datagram(socket, answer, answer.count, &about)
        }
    }

    private func readPackets(_ buffer: inout [UInt8]) {
        for _ in 0..<64 {
            let count = buffer.withUnsafeMutableBytes { recv(sockets.packets, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT)) }
            // ENOBUFS: the kernel dropped some. The next ones still come.
            guard count > 0 else { return }
            onPacket(Array(buffer[..<count]))
        }
    }
}

extension akios_datagram {
    /// The address that the sender wrote to.
    fileprivate var destination: IPAddress {
        withUnsafeBytes(of: local) { bytes in
            func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
            return family == AF_INET6
                ? .v6(high: number(0..<8), low: number(8..<16)) : .v4(UInt32(truncatingIfNeeded: number(0..<4)))
        }
    }
}
