// WriteJoiner: what goes in comes out, in order, and in one write a flush.

import NIOCore
import NIOEmbedded
import Testing

@testable import Egress

@Suite struct WriteJoinerTests {
    private static func writes(_ channel: EmbeddedChannel) throws -> [Int] {
        var sizes: [Int] = []
        while let part = try channel.readOutbound(as: ByteBuffer.self) { sizes.append(part.readableBytes) }
        return sizes
    }

    @Test func whatLiesBetweenTwoFlushesIsOneWrite() throws {
        let channel = EmbeddedChannel(handler: WriteJoiner())
        for text in ["head", "", "body"] { channel.write(ByteBuffer(string: text), promise: nil) }
        #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
        channel.flush()
        channel.write(ByteBuffer(string: "more"), promise: nil)
        channel.flush()
        #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "headbody"))
        #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "more"))
        #expect(try channel.finish(acceptAlreadyClosed: true).isClean)
    }

    @Test func aFullRecordIsNotCopied() throws {
        let channel = EmbeddedChannel(handler: WriteJoiner())
        for size in [10, 16_384, 20, 40_000, 5] { channel.write(ByteBuffer(repeating: 1, count: size), promise: nil) }
        channel.flush()
        #expect(try Self.writes(channel) == [10, 16_384, 20, 40_000, 5])
        #expect(try channel.finish(acceptAlreadyClosed: true).isClean)
    }

    @Test func aPromiseIsKeptForItsOwnBytes() throws {
        let channel = EmbeddedChannel(handler: WriteJoiner())
        channel.write(ByteBuffer(string: "first"), promise: nil)
        let written = channel.eventLoop.makePromise(of: Void.self)
        channel.write(ByteBuffer(string: "second"), promise: written)
        channel.flush()
        try written.futureResult.wait()
        #expect(try Self.writes(channel) == [5, 6])
        #expect(try channel.finish(acceptAlreadyClosed: true).isClean)
    }
}
