// ControlServer: control.sock of a running session. It lets in whom the session belongs to, reads what they ask and tells them what
// waits; what follows from their words is the supervisor's. It never waits, and it never holds more than so many clients.

import Events
import Glibc
import LinuxSys
import LogStore
import Wire

final class ControlServer {
    /// More than a person has terminals open; whoever comes then is let go at once.
    static let mostClients = 16

    private let session: String
    /// Who started the session. Root may always.
    private let owner: UInt32
    private let folder: RunFolder
    private let listener: OwnedFD
    private var clients: [ControlClient] = []
    /// Until when nobody is let in, because it failed: whoever waits would keep us awake.
    private var deafUntil: UInt64 = 0
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    /// - Parameter owner: whose session it is: they may say what becomes of it, and nobody else but root.
    init(_ folders: StateFolders, session: SessionID, owner: UInt32) throws(SysError) {
        self.session = session.text
        self.owner = owner
        folder = try RunFolder.make(folders, session: session)
        listener = try folder.listen(owner: geteuid() == 0 ? owner : nil)
    }

    /// For poll(2), in the order that `serve` takes them back. Times are milliseconds.
    func polled(at time: UInt64) -> [pollfd] {
        [pollfd(fd: time < deafUntil ? -1 : listener.raw, events: Int16(POLLIN), revents: 0)] + clients.map(\.polled)
    }

    var hasClients: Bool { !clients.isEmpty }

    /// When the descriptors are to be polled anew.
    func deadline(at time: UInt64) -> UInt64? { time < deafUntil ? deafUntil : nil }

    /// Lets in who waits, and returns what is asked.
    func serve(_ polled: ArraySlice<pollfd>, at time: UInt64) -> [(client: ControlClient, request: ControlRequest)] {
        guard let first = polled.first else { return [] }
        var requests: [(client: ControlClient, request: ControlRequest)] = []
        for (client, ready) in zip(clients, polled.dropFirst()) where ready.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
            requests += client.receive(&buffer, session: session).map { (client, $0) }
        }
        if first.revents != 0 { accept(at: time) }
        return requests
    }

    /// One at a time: whoever else waits wakes us again.
    private func accept(at time: UInt64) {
        do throws(SysError) {
            guard let (number, user) = try LocalSocket.accept(listener) else { return }
            let isWelcome = (user == 0 || user == owner) && clients.count < Self.mostClients
            let client = ControlClient(owning: number, user: user, isWelcome: isWelcome)
            if isWelcome { clients.append(client) }
        } catch {
            // Out of descriptors, say: they come back.
            deafUntil = time + 1000
        }
    }

    /// Tells who watches what came and what is over, and writes what the sockets take.
    func tell(_ pending: [ApprovalQueue.Pending], at time: UInt64) {
        for client in clients {
            if let watched = client.watched {
                let now = Set(pending.map(\.id))
                for id in watched.subtracting(now).sorted() { client.say(.over(id: id)) }
                for question in pending where !watched.contains(question.id) { client.say(.waiting(question.open(at: time))) }
                client.watched = now
            }
            client.flush()
        }
        clients.removeAll(where: \.isGone)
    }

    /// Answers `list` and `watch`.
    func list(_ pending: [ApprovalQueue.Pending], to client: ControlClient, at time: UInt64, watch: Bool) {
        for question in pending { client.say(.waiting(question.open(at: time))) }
        client.say(.done)
        if watch { client.watched = Set(pending.map(\.id)) }
    }
}

extension ApprovalQueue.Pending {
    func open(at time: UInt64) -> OpenQuestion {
        OpenQuestion(id: id, question: question, millisecondsLeft: due > time ? due - time : 0)
    }
}
