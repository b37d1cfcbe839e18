// Packets between two ends of which one goes away.

import Testing

@testable import LinuxSys

@Suite struct PacketTests {
    /// Pid 1 of a cage fails at a step while our next packet is on its way to it: the reason must not be lost.
    @Test func whatTheOtherEndSaidLastIsHeardThoughItLeftOursUnread() throws {
        let pair = try Packets.pair()
        let ours = pair.ours
        let theirs = pair.theirs
        try Packets.send([1, 2, 3], over: theirs)
        try Packets.send([4], over: ours)
        try theirs.closeChecked()
        #expect(try bytes(ours) == [1, 2, 3])
        #expect(try bytes(ours) == nil)
    }

    @Test func anEndThatLeavesOursUnreadWithoutAWordHasEnded() throws {
        let pair = try Packets.pair()
        let ours = pair.ours
        let theirs = pair.theirs
        try Packets.send([4], over: ours)
        try theirs.closeChecked()
        #expect(try bytes(ours) == nil)
    }

    private func bytes(_ socket: borrowing OwnedFD) throws -> [UInt8]? {
        guard let packet = try Packets.receive(limit: 8, blocking: false, from: socket) else { return nil }
        return packet.bytes
    }
}
