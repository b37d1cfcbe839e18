// Packets: messages with descriptors over a sequenced-packet socket; one packet is one message.

import CLinux
import Glibc

/// Descriptors that came with a packet. Those not taken are closed with it.
public struct ReceivedFDs: ~Copyable, Sendable {
    private var numbers: [Int32]
    private var next = 0
    init(_ numbers: [Int32]) { self.numbers = numbers }
    public var count: Int { numbers.count - next }

    /// The next one, in the order they were sent.
    public mutating func take() -> OwnedFD? {
        guard next < numbers.count else { return nil }
        defer { next += 1 }
        return OwnedFD(owning: numbers[next])
    }

    deinit { for number in numbers[next...] { _ = close(number) } }
}

/// The two ends of one socket. Frozen, so that each end can go its own way.
@frozen
public struct PacketPair: ~Copyable, Sendable {
    public let ours: OwnedFD
    public let theirs: OwnedFD
}

public enum Packets {
    /// Both ends, close-on-exec.
    public static func pair() throws(SysError) -> PacketPair {
        var pair: [Int32] = [-1, -1]
        try syscall("socketpair") { akios_socketpair_seqpacket(&pair) }
        return PacketPair(ours: OwnedFD(owning: pair[0]), theirs: OwnedFD(owning: pair[1]))
    }

    public static func send(_ bytes: [UInt8], with fd: Int32? = nil, over socket: borrowing OwnedFD) throws(SysError) {
        let number = socket.raw
        let fds = fd.map { [$0] } ?? []
        let count = try syscall("sendmsg") { akios_send_fds(number, bytes, bytes.count, fds, fds.count) }
        guard count == bytes.count else { throw SysError("sendmsg", EMSGSIZE) }
    }

    /// What a packet said, who sent it, and what came with it.
    public struct Packet: ~Copyable, Sendable {
        public var bytes: [UInt8]
        /// The sender's process id in this namespace; 0 unless `identifySenders` was called.
        public var sender: Int32
        public var fds: ReceivedFDs
    }

    /// nil at the other end's end; EAGAIN where `blocking` is false and nothing waits.
    public static func receive(limit: Int, blocking: Bool, from socket: borrowing OwnedFD) throws(SysError) -> Packet? {
        let number = socket.raw
        var bytes = [UInt8](repeating: 0, count: limit)
        var fds = [Int32](repeating: -1, count: 32)
        var count = fds.count
        var sender: Int32 = 0
        func once() throws(SysError) -> Int {
            try syscall("recvmsg") { () -> Int in
                count = fds.count
                return akios_receive_fds(number, &bytes, bytes.count, &fds, &count, &sender, blocking ? 0 : Int32(MSG_DONTWAIT))
            }
        }
        let got: Int
        do throws(SysError) { got = try once() } catch {
            // Said once, and before what the other end had sent: it closed with packets of ours unread.
            guard error.number == ECONNRESET else { throw error }
            got = try once()
        }
        let received = ReceivedFDs(Array(fds.prefix(count)))
        if got == 0 { return nil }
        return Packet(bytes: Array(bytes.prefix(got)), sender: sender, fds: received)
    }

    /// Every packet from now on names its sender (SO_PASSCRED), translated into this process' namespace by the kernel.
    public static func identifySenders(on socket: borrowing OwnedFD) throws(SysError) {
        let number = socket.raw
        var on: Int32 = 1
        try syscall("setsockopt") { setsockopt(number, SOL_SOCKET, SO_PASSCRED, &on, socklen_t(MemoryLayout<Int32>.size)) }
    }
}
