// control.sock: what may be said in which order, and that nobody can make the supervisor wait or grow. Who is let in the
// transcripts show, with real users.

import Events
import Glibc
import LinuxSys
import LogStore
import Testing
import Wire

@testable import Launcher

/// A server in a folder of its own, turned by hand.
private final class Stand {
    let scratch: Scratch
    let server: ControlServer
    let folders: StateFolders
    let session: SessionID
    /// A client, by its descriptor, and what it has heard.
    struct Client {
        let socket: Int32
        var assembler = FrameAssembler()
    }

    init(owner: UInt32 = geteuid()) throws {
        let scratch = try Scratch()
        self.scratch = scratch
        let path = scratch.path
        folders = try #require(StateFolders(.init(euid: 1000) { $0 == "AKIOS_RUN_DIR" ? path + "/run" : path }))
        session = try #require(SessionID("20261121-061705-7k2mq0xd"))
        server = try ControlServer(folders, session: session, owner: owner)
    }

    func connect() throws -> Client { Client(socket: try RunFolder.connect(session, in: folders.run).take()) }

    /// Until nothing moves any more: what was asked.
    @discardableResult
    func turn() -> [(client: ControlClient, request: ControlRequest)] {
        var asked: [(client: ControlClient, request: ControlRequest)] = []
        while true {
            var polled = server.polled(at: 0)
            for index in polled.indices { polled[index].events = Int16(POLLIN) }
            guard poll(&polled, nfds_t(polled.count), 0) > 0 else { break }
            asked += server.serve(polled[...], at: 0)
            server.tell([], at: 0)
        }
        server.tell([], at: 0)
        return asked
    }

    func say(_ client: Client, _ bytes: [UInt8]) { _ = send(client.socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
    func say(_ client: Client, _ request: ControlRequest) throws { say(client, try request.frame()) }

    /// What it has been told; nil in the end: it was let go.
    func hear(_ client: inout Client) throws -> [ControlReply?] {
        var replies: [ControlReply?] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(client.socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count > 0 else {
                if count == 0 || errno == ECONNRESET { replies.append(nil) }
                return replies
            }
            client.assembler.feed(buffer[..<count])
            while let payload = try client.assembler.next() { replies.append(try ControlReply(payload: payload)) }
        }
    }
}

@Suite struct ControlServerTests {
    private let hello = ControlReply.hello(version: 1, session: "20261121-061705-7k2mq0xd")

    @Test func helloComesFirst() throws {
        let stand = try Stand()
        var client = try stand.connect()
        try stand.say(client, .hello(version: 1))
        try stand.say(client, .list)
        let asked = stand.turn()
        #expect(asked.map(\.request) == [.list] && asked.first?.client.user == geteuid())
        #expect(try stand.hear(&client) == [hello])
        var rude = try stand.connect()
        try stand.say(rude, .list)
        #expect(stand.turn().isEmpty)
        #expect(try stand.hear(&rude) == [nil])
        var twice = try stand.connect()
        try stand.say(twice, .hello(version: 1))
        try stand.say(twice, .hello(version: 1))
        stand.turn()
        #expect(try stand.hear(&twice) == [hello, .failed(.unknown), nil])
        var later = try stand.connect()
        try stand.say(later, .hello(version: 2))
        stand.turn()
        #expect(try stand.hear(&later) == [.failed(.unknown), nil])
    }

    @Test func whatALaterVersionSaysIsNotUnderstoodAndNoHarm() throws {
        let stand = try Stand()
        var client = try stand.connect()
        try stand.say(client, .hello(version: 1))
        stand.say(client, [0, 0, 0, 3, 99, 1, 2])
        try stand.say(client, .watch)
        #expect(stand.turn().map(\.request) == [.watch])
        #expect(try stand.hear(&client) == [hello, .failed(.unknown)])
    }

    @Test(arguments: [[0xff, 0xff, 0xff, 0xff], [0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 0, 2, 4, 0]] as [[UInt8]])
    func nonsenseIsLetGo(_ bytes: [UInt8]) throws {
        let stand = try Stand()
        var client = try stand.connect()
        try stand.say(client, .hello(version: 1))
        stand.say(client, bytes)
        try stand.say(client, .list)
        #expect(stand.turn().isEmpty)
        #expect(try stand.hear(&client).last == .some(nil))
        #expect(!stand.server.hasClients)
    }

    @Test func bytesMayComeOneByOne() throws {
        let stand = try Stand()
        let client = try stand.connect()
        var asked: [ControlRequest] = []
        for byte in try ControlRequest.hello(version: 1).frame() + ControlRequest.list.frame() {
            stand.say(client, [byte])
            asked += stand.turn().map(\.request)
        }
        #expect(asked == [.list])
    }

    @Test func onlySoManyAreLetIn() throws {
        let stand = try Stand()
        var clients: [Stand.Client] = []
        for _ in 0..<ControlServer.mostClients {
            clients.append(try stand.connect())
            stand.turn()
        }
        var last = try stand.connect()
        stand.turn()
        #expect(try stand.hear(&last) == [.failed(.notPermitted), nil])
        close(clients[0].socket)
        stand.turn()
        var next = try stand.connect()
        try stand.say(next, .hello(version: 1))
        stand.turn()
        #expect(try stand.hear(&next) == [hello])
    }

    @Test func whoDoesNotReadIsLetGo() throws {
        let stand = try Stand()
        let client = try stand.connect()
        try stand.say(client, .hello(version: 1))
        try stand.say(client, .list)
        let asked = try #require(stand.turn().first)
        let pending = (0..<32).map {
            ApprovalQueue.Pending(id: $0, question: question(path: String(repeating: "a", count: 1000)), due: 9)
        }
        for _ in 0..<100 where stand.server.hasClients {
            stand.server.list(pending, to: asked.client, at: 0, watch: false)
            stand.server.tell([], at: 0)
        }
        #expect(!stand.server.hasClients)
    }

    @Test func whoWatchesHearsOfEachOnce() throws {
        let stand = try Stand()
        var client = try stand.connect()
        try stand.say(client, .hello(version: 1))
        try stand.say(client, .watch)
        let asked = try #require(stand.turn().first)
        let first = ApprovalQueue.Pending(id: 1, question: question(), due: 100)
        let second = ApprovalQueue.Pending(id: 2, question: question(), due: 200)
        stand.server.list([first], to: asked.client, at: 40, watch: true)
        stand.server.tell([first], at: 40)
        stand.server.tell([first, second], at: 50)
        stand.server.tell([second], at: 60)
        #expect(
            try stand.hear(&client) == [
                hello, .waiting(OpenQuestion(id: 1, question: question(), millisecondsLeft: 60)), .done,
                .waiting(OpenQuestion(id: 2, question: question(), millisecondsLeft: 150)), .over(id: 1),
            ])
    }

    @Test func theSocketLivesAsLongAsItsSession() throws {
        let scratch = try Scratch()
        let path = scratch.path
        let folders = try #require(StateFolders(.init(euid: 1000) { $0 == "AKIOS_RUN_DIR" ? path + "/run" : path }))
        let (first, second) = (try #require(SessionID("a-1")), try #require(SessionID("b-2")))
        let dead = try #require(SessionID("c-3"))
        do {
            let one = try ControlServer(folders, session: first, owner: geteuid())
            // What a crash left, and what is none of ours.
            mkdir(path + "/run/\(dead)", 0o700)
            try scratch.write("run/\(dead)/control.sock", "")
            mkdir(path + "/run/NotASession", 0o700)
            let other = try ControlServer(folders, session: second, owner: geteuid())
            #expect(RunFolder.list(in: [folders.run]).map(\.session) == [first, second])
            #expect(access(path + "/run/NotASession", F_OK) == 0)
            withExtendedLifetime((one, other)) {}
        }
        #expect(RunFolder.list(in: [folders.run]).isEmpty)
    }
}
