// Room: what all requests together may hold; FrameBorders and TightBuffers: that a stalled answer holds what it is and no more.

import NIOCore
import NIOEmbedded
import Profile
import TestKit
import Testing
import Vocabulary

@testable import Egress

@Suite struct RoomTests {
    private static func room(body: UInt64) -> Room {
        var limits = NetworkAccess.Limits()
        limits.body = ByteSize(bytes: body)
        limits.connections = 2
        return Room(limits)
    }

    @Test func aSmallBodyIsHeldBesideAnyFlood() {
        let room = Self.room(body: 1 << 20)
        let flood = (0..<40).map { _ in Place(in: room) }
        for place in flood { while place.hold(1 << 20) {} }
        #expect(!room.bodies.take(1 << 20))
        #expect(room.exchanges == 40)
        let small = Place(in: room)
        #expect(small.hold(Room.own))
        #expect(flood.last?.hold(1 << 20) == false)
    }

    @Test func whatIsForgottenIsFreeAgain() {
        let room = Self.room(body: 30 << 20)
        do {
            let place = Place(in: room)
            #expect(place.hold(30 << 20))
            let other = Place(in: room)
            #expect(other.hold(Room.own) && !other.hold(Room.own + 1))
            place.empty()
            #expect(other.hold(20 << 20) && place.hold(Room.own))
        }
        #expect(room.exchanges == 0)
        #expect(room.bodies.take(30 << 20))
    }

    @Test func aPieceNeverEndsWithinAHeader() throws {
        var random = SplitMix(seed: 5)
        for _ in 0..<60 {
            var stream = ByteBuffer()
            var headers: [Range<Int>] = []
            for _ in 0..<random.below(40) {
                let length = [0, 1, 9, 100, 16_384, 40_000][random.below(6)]
                headers.append(stream.writerIndex..<stream.writerIndex + 9)
                stream.writeInteger(UInt32(length) << 8)
                stream.writeRepeatingByte(7, count: 5 + length)
            }
            let all = stream
            let channel = EmbeddedChannel(handler: FrameBorders())
            while stream.readableBytes > 0 {
                let most = [1, 8, 9, 10, 3000, 65_536][random.below(6)]
                guard let part = stream.readSlice(length: min(stream.readableBytes, most)) else { break }
                try channel.writeInbound(part)
            }
            var out = ByteBuffer()
            while let piece = try channel.readInbound(as: ByteBuffer.self) {
                #expect(piece.readableBytes <= 16_375)
                out.writeImmutableBuffer(piece)
                let end = out.writerIndex
                #expect(!headers.contains { $0.lowerBound < end && end < $0.upperBound })
            }
            #expect(out == all)
            _ = try channel.finish(acceptAlreadyClosed: true)
        }
    }

    @Test func aPieceOfALargeBufferIsCopiedAndALargePartIsNot() {
        var large = ByteBuffer(repeating: 1, count: 65_536)
        let small = large.readSlice(length: 100) ?? ByteBuffer()
        #expect(small.storageCapacity > 60_000)
        #expect(TightBuffers.tight(small) == small && TightBuffers.tight(small).storageCapacity < 200)
        #expect(TightBuffers.tight(large).storageCapacity == large.storageCapacity)
    }
}
