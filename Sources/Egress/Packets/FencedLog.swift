// FencedLog: folds fenced packets into few records.

import Events
import NIOCore
import Synchronization
import Vocabulary

final class FencedLog: Sendable {
    private let folding = Mutex(Folding<FencedPacket>(mostKinds: 256))

    /// The records to write now for one datagram of the kernel's log.
    func take(_ datagram: [UInt8], at now: NIODeadline = .now()) -> [PacketFenced] {
        let packets = FencedPacket.parse(datagram)
        return folding.withLock { folding in
            packets.compactMap { folding.take($0, at: now.uptimeNanoseconds) }.map(Self.record)
        }
    }

    /// What was counted and not told yet; at the end of the session.
    func rest() -> [PacketFenced] {
        folding.withLock { $0.rest() }.map(Self.record).sorted { ($0.destination, $0.port) < ($1.destination, $1.port) }
    }

    private static func record(_ told: Folding<FencedPacket>.Told) -> PacketFenced {
        guard let packet = told.kind else { return PacketFenced(proto: "other", destination: "other", port: 0, count: told.count) }
        return PacketFenced(
            proto: packet.proto, destination: packet.destination.description, port: packet.port, count: told.count)
    }
}
