// HostLookup: c-ares as a value that one thread drives. Lookups by DNS only: with /etc/hosts or a service name c-ares
// would open files, and egress has none. Not thread-safe, on purpose: only the side thread calls it.

import CAres
import Glibc
import Vocabulary

struct LookupFailure: Error, Sendable, Hashable, CustomStringConvertible {
    var description: String
    /// Nobody whom the host asks knows an address of the name: an answer, and not the lack of one.
    var isUnknown = false
}

typealias LookupReply = @Sendable (Result<[IPAddress], LookupFailure>) -> Void

// A class, because the optimizer of Swift 6.3.1 crashes (SimplifyCFG) on a borrowed optional of a noncopyable value.
final class HostLookup {
    private let channel: ares_channel

    /// - Parameter servers: asked in this order.
    init(servers: [IPAddress]) throws(LookupFailure) { channel = try Self.open(servers) }

    private static func open(_ servers: [IPAddress]) throws(LookupFailure) -> ares_channel {
        var options = ares_options()
        options.flags = Int32(ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES)
        options.timeout = 2000
        options.tries = 3
        options.ndomains = 0
        var made: ares_channel?
        var code = "b".withCString { lookups in
            // c-ares copies the text.
            options.lookups = UnsafeMutablePointer(mutating: lookups)
            let mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS
            return ares_init_options(&made, &options, Int32(mask))
        }
        guard code == ARES_SUCCESS, let made else { throw LookupFailure(code) }
        let list = servers.map { server in if case .v6 = server { "[\(server)]" } else { server.description } }.joined(
            separator: ",")
        code = ares_set_servers_ports_csv(made, list)
        guard code == ARES_SUCCESS else {
            ares_destroy(made)
            throw LookupFailure(code)
        }
        return made
    }

    deinit { ares_destroy(channel) }

    /// `reply` is called exactly once, on this thread, from here or from `process`.
    func start(_ name: HostName, reply: @escaping LookupReply) {
        let box = Unmanaged.passRetained(ReplyBox(reply))
        var hints = ares_addrinfo_hints()
        hints.ai_family = AF_UNSPEC
        // Sorting would open sockets to each address just to see which source it gets.
        hints.ai_flags = Int32(ARES_AI_NOSORT)
        ares_getaddrinfo(
            channel, name.text, nil, &hints,
            { argument, status, _, result in
                guard let argument else { return }
                let reply = Unmanaged<ReplyBox>.fromOpaque(argument).takeRetainedValue().reply
                defer { ares_freeaddrinfo(result) }
                guard status == ARES_SUCCESS else { return reply(.failure(LookupFailure(status))) }
                reply(.success(HostLookup.addresses(result)))
            }, box.toOpaque())
    }

    private static func addresses(_ result: UnsafeMutablePointer<ares_addrinfo>?) -> [IPAddress] {
        var found: [IPAddress] = []
        var node = result?.pointee.nodes
        while let current = node {
            if let address = current.pointee.ai_addr.flatMap({ IPAddress(socketAddress: $0) }) { found.append(address) }
            node = current.pointee.ai_next
        }
        // IPv4 first: many hosts have an IPv6 address and no way out with it.
        return found.filter { if case .v4 = $0 { true } else { false } } + found.filter { if case .v6 = $0 { true } else { false } }
    }

    /// Appends what poll(2) has to watch; `milliseconds` is lowered to the next time-out.
    func watch(_ polls: inout [pollfd], milliseconds: inout Int32) {
        var sockets = [ares_socket_t](repeating: -1, count: Int(ARES_GETSOCK_MAXNUM))
        let bits = ares_getsock(channel, &sockets, Int32(sockets.count))
        for (index, socket) in sockets.enumerated() {
            // ARES_GETSOCK_READABLE and _WRITABLE are macros with arguments: bit i and bit i + 16.
            var events: Int16 = 0
            if bits & (1 << Int32(index)) != 0 { events |= Int16(POLLIN) }
            if bits & (1 << Int32(index + Int(ARES_GETSOCK_MAXNUM))) != 0 { events |= Int16(POLLOUT) }
            if events != 0 { polls.append(pollfd(fd: socket, events: events, revents: 0)) }
        }
        var next = timeval()
        if ares_timeout(channel, nil, &next) != nil {
            milliseconds = min(
                milliseconds < 0 ? .max : milliseconds, Int32(clamping: next.tv_sec * 1000 + next.tv_usec / 1000 + 1))
        }
    }

    /// Handles what poll(2) found among `polls`, and time-outs.
    func process(_ polls: ArraySlice<pollfd>) {
        var handled = false
        for poll in polls where poll.revents != 0 {
            handled = true
            let readable = poll.revents & Int16(POLLIN | POLLERR | POLLHUP) != 0
            ares_process_fd(channel, readable ? poll.fd : -1, poll.revents & Int16(POLLOUT) != 0 ? poll.fd : -1)
        }
        if !handled { ares_process_fd(channel, -1, -1) }
    }

    private final class ReplyBox {
        let reply: LookupReply
        init(_ reply: @escaping LookupReply) { self.reply = reply }
    }
}

extension LookupFailure {
    init(_ code: Int32) {
        self.init(description: String(cString: ares_strerror(code)), isUnknown: code == ARES_ENOTFOUND || code == ARES_ENODATA)
    }
}

extension IPAddress {
    /// From a sockaddr of the family it says it is. By offsets (netinet/in.h), because two modules define the structures.
    init?(socketAddress: UnsafePointer<sockaddr>) {
        let raw = UnsafeRawPointer(socketAddress)
        switch Int32(socketAddress.pointee.sa_family) {
        case AF_INET: self = .v4(UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        case AF_INET6:
            let high = raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            let low = raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
            self = .v6(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
        default: return nil
        }
    }
}
