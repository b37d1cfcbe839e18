// What crosses at the start: the listeners by descriptor, the configuration as a file without a name; and the resolver's datagrams,
// whose answers must leave from the address that was asked.

import CEgress
import Glibc
import NIOPosix
import Synchronization
import Testing
import Vocabulary
import Wire

@testable import Egress

@Suite struct HandoverTests {
    private func pair() throws -> (Int32, Int32) {
        var pair: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        return (pair[0], pair[1])
    }

    @Test func listenersArriveInOrderAndNothingBehindThemIsRead() throws {
        let (ours, theirs) = try pair()
        defer { for end in [ours, theirs] { close(end) } }
        let sent = (0..<Int32(Listeners.count)).map { _ in open("/dev/null", O_RDONLY) }
        try #require(akios_egress_send_fds(ours, UInt8(ascii: "L"), sent, sent.count) == 0)
        try Handover.say(.ready, on: ours)
        let listeners = try Handover.takeListeners(on: theirs)
        let got = [
            listeners.tcp4, listeners.tcp6, listeners.udp4, listeners.udp6, listeners.dns4, listeners.dns6, listeners.packets,
        ]
        #expect(Set(got).count == Listeners.count && got.allSatisfy { fcntl($0, F_GETFD) & FD_CLOEXEC != 0 })
        var frame = [UInt8](repeating: 0, count: 64)
        let count = read(theirs, &frame, frame.count)
        #expect(Array(frame.prefix(count)) == (try FromEgress.ready.frame()))
        for fd in sent + got { close(fd) }
    }

    @Test func aWrongMessageKeepsNoDescriptor() throws {
        for (marker, count) in [(UInt8(ascii: "X"), Listeners.count), (UInt8(ascii: "L"), 3)] {
            let (ours, theirs) = try pair()
            let sent = (0..<count).map { _ in open("/dev/null", O_RDONLY) }
            try #require(akios_egress_send_fds(ours, marker, sent, sent.count) == 0)
            #expect(throws: HandoverError.self) { try Handover.takeListeners(on: theirs) }
            for fd in sent + [ours, theirs] { close(fd) }
        }
    }

    private func inode(of descriptor: Int32) -> ino_t? {
        var facts = stat()
        return fstat(descriptor, &facts) == 0 ? facts.st_ino : nil
    }

    @Test func aConfigurationIsReadFromItsStartWhereverItsOffsetStands() throws {
        let file = try #require(tmpfile())
        defer { fclose(file) }
        let memory = dup(fileno(file))
        let bytes = [UInt8](repeating: 7, count: 200_000)
        try #require(write(memory, bytes, bytes.count) == bytes.count)
        let inode = try #require(self.inode(of: memory))
        #expect(try Handover.contents(of: memory, called: "test") == bytes)
        // Other tests run beside this one: the number may be another file's already, but not this one's.
        #expect(self.inode(of: memory) != inode, "it is closed")
    }

    @Test func answersLeaveFromTheAddressThatWasAsked() throws {
        func udp(_ address: UInt32, port: UInt16, connects: Bool) throws -> (Int32, UInt16) {
            let socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_addr.s_addr = address.bigEndian
            name.sin_port = port.bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let done = withUnsafeMutablePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connects
                        ? connect(socket, $0, length) == 0 : bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
                }
            }
            try #require(done)
            return (socket, UInt16(bigEndian: name.sin_port))
        }
        let (server, port) = try udp(0, port: 0, connects: false)
        let names = NameService(onFull: { _ in })
        let side = try SideThread(sockets: .init(udp4: server, udp6: -1, packets: -1), names: names, onPacket: { _ in })
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        pool.submit { _ in side.run(servers: []) {} }
        // A connected socket hears only the address that it asked.
        let (client, _) = try udp(0x7f00_0007, port: port, connects: true)
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let question = DNSPacket.query("api.openai.com", type: 1)
        try #require(send(client, question, question.count, 0) == question.count)
        var answer = [UInt8](repeating: 0, count: 512)
        let count = recv(client, &answer, answer.count, 0)
        try #require(count > 16)
        #expect(Array(answer[..<count]) == names.reply(to: question))
        let failed = Mutex<Bool>(false)
        side.lookup(try #require(HostName("api.openai.com"))) { result in
            if case .failure = result { failed.withLock { $0 = true } }
        }
        for _ in 0..<2000 where !failed.withLock({ $0 }) { usleep(5000) }
        #expect(failed.withLock { $0 }, "without a name server a look-up fails at once")
        side.end()
        close(client)
    }
}
