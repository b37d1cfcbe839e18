// Handover: what happens on the descriptors that egress was born with before NIO starts: take the configuration,
// greet, take the listeners. Blocking and single-threaded on purpose; no network byte is read here.

import CEgress
import Glibc
import Wire

/// The descriptor that the supervisor starts egress with.
enum Inherited {
    static let channel: Int32 = 3
}

/// The sockets made inside the agent's network namespace, in the order in which they are sent.
struct Listeners: Sendable {
    static let count = 7
    var tcp4, tcp6, udp4, udp6, dns4, dns6, packets: Int32
}

struct HandoverError: Error, CustomStringConvertible {
    var description: String
    init(_ what: String, errno code: Int32 = 0) {
        description = code == 0 ? what : "\(what): \(String(cString: strerror(code)))"
    }
}

enum Handover {
    /// A configuration holds the host's root bundle, some 250 kB.
    private static let configurationLimit = 16 << 20

    /// The whole of a memfd, from its start; closes it.
    static func contents(of descriptor: Int32, called what: String) throws(HandoverError) -> [UInt8] {
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = chunk.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(bytes.count)) }
            let code = errno
            if count < 0, code == EINTR { continue }
            guard count >= 0 else { throw HandoverError("cannot read the \(what)", errno: code) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= configurationLimit else { throw HandoverError("the \(what) is over \(configurationLimit) bytes") }
        }
    }

    static func say(_ message: FromEgress, on descriptor: Int32) throws(HandoverError) {
        let frame: [UInt8]
        do throws(WireError) { frame = try message.frame() } catch { throw HandoverError("\(error)") }
        var sent = 0
        while sent < frame.count {
            let count = frame[sent...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            let code = errno
            if count < 0, code == EINTR { continue }
            guard count > 0 else { throw HandoverError("cannot write to the supervisor", errno: code) }
            sent += count
        }
    }

    /// The supervisor sends it when the cage has been cloned. The seccomp filter and the pages of keys come with it.
    static func takeConfiguration(
        on descriptor: Int32
    ) throws(HandoverError) -> (configuration: [UInt8], filter: [UInt8], secrets: SecretStore) {
        var files: [Int32] = [-1, -1, -1]
        let code = akios_egress_receive_fds(descriptor, UInt8(ascii: "C"), &files, files.count)
        guard code == 0 else { throw HandoverError("the configuration did not arrive", errno: code) }
        let secrets = try SecretStore(descriptor: files[2])
        return (
            try contents(of: files[0], called: "configuration"), try contents(of: files[1], called: "seccomp filter"), secrets
        )
    }

    static func takeListeners(on descriptor: Int32) throws(HandoverError) -> Listeners {
        var fds = [Int32](repeating: -1, count: Listeners.count)
        let code = akios_egress_receive_fds(descriptor, UInt8(ascii: "L"), &fds, fds.count)
        guard code == 0 else { throw HandoverError("the listeners did not arrive", errno: code) }
        return Listeners(tcp4: fds[0], tcp6: fds[1], udp4: fds[2], udp6: fds[3], dns4: fds[4], dns6: fds[5], packets: fds[6])
    }

    /// Every thread of the process obeys `filter` from here on.
    static func lockIn(_ filter: [UInt8]) throws(HandoverError) {
        let code = filter.withUnsafeBytes { bytes in
            bytes.baseAddress.map { akios_egress_seccomp($0, bytes.count) } ?? EINVAL
        }
        guard code == 0 else { throw HandoverError("the seccomp filter could not be loaded", errno: code) }
    }
}
