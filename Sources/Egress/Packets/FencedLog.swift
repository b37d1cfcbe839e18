// FencedLog: folds fenced packets into few records. The first of its kind is told at once, those alike are counted and
// told together, so that a flood makes a number and not a long log.

import Events
import NIOCore
import Synchronization
import Vocabulary

final class FencedLog: Sendable {
    private static let quiet = TimeAmount.seconds(5)
    private static let mostKinds = 256

    private struct Kind {
        var counted: UInt64 = 0
        var told: NIODeadline
    }

    private let kinds = Mutex<[FencedPacket: Kind]>([:])

    /// The records to write now for one datagram of the kernel's log.
    func take(_ datagram: [UInt8], at now: NIODeadline = .now()) -> [PacketFenced] {
        let packets = FencedPacket.parse(datagram)
        return kinds.withLock { kinds in
            var records: [PacketFenced] = []
            for packet in packets {
                guard var kind = kinds[packet] else {
                    // An agent that walks through all ports: past the first kinds, only the kernel's own counter counts on.
                    guard kinds.count < Self.mostKinds else { continue }
                    kinds[packet] = Kind(told: now)
                    records.append(Self.record(packet, 1))
                    continue
                }
                kind.counted += 1
                if now - kind.told >= Self.quiet {
                    records.append(Self.record(packet, kind.counted))
                    kind = Kind(told: now)
                }
                kinds[packet] = kind
            }
            return records
        }
    }

    /// What was counted and not told yet; at the end of the session.
    func rest() -> [PacketFenced] {
        kinds.withLock { kinds in
            let left = kinds.filter { $0.value.counted > 0 }.map { Self.record($0.key, $0.value.counted) }
            kinds = [:]
            return left.sorted { ($0.destination, $0.port) < ($1.destination, $1.port) }
        }
    }

    private static func record(_ packet: FencedPacket, _ count: UInt64) -> PacketFenced {
        PacketFenced(proto: packet.proto, destination: packet.destination.description, port: packet.port, count: count)
    }
}
