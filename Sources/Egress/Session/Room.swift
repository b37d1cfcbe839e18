// Room: what the requests of one run may hold of egress' memory, all together. Lives on the event loop.

import Profile
import Vocabulary

final class Room {
    /// What each request may hold of its body, whatever others hold: a small one is served beside any flood of large ones.
    static let own = 32 << 10
    /// Beyond that, all requests together. At least one body of the greatest size that the profile allows fits.
    let bodies: Allowance
    /// Streams of HTTP/2 connections that are open, whatever became of what they asked: one whose refusal the agent does not
    /// take stays for as long as its connection.
    let streams: Allowance
    /// Requests that are under way.
    private(set) var exchanges = 0

    init(_ limits: NetworkAccess.Limits) {
        bodies = Allowance(most: max(24 << 20, Int(clamping: limits.body.bytes)))
        streams = Allowance(most: 4 * Int(limits.connections))
    }

    func enter() { exchanges += 1 }
    func leave() { exchanges -= 1 }
}

/// What one request holds of it; given back when it is forgotten.
final class Place {
    private let room: Room
    private var held = 0

    init(in room: Room) {
        self.room = room
        room.enter()
    }

    deinit {
        empty()
        room.leave()
    }

    /// False: all requests together hold too much, and nothing was added.
    func hold(_ count: Int) -> Bool {
        let beyond = max(0, held + count - Room.own) - max(0, held - Room.own)
        guard room.bodies.take(beyond) else { return false }
        held += count
        return true
    }

    func empty() {
        room.bodies.give(max(0, held - Room.own))
        held = 0
    }
}
