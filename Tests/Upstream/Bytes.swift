// Bytes: GET /bytes/N answers with N bytes that mean nothing, as fast as they are taken and no faster.

import NIOCore
import NIOHTTP1

/// - Returns: N of `/bytes/N`.
func bytesWanted(_ path: String) -> Int? {
    let parts = path.split(separator: "/", omittingEmptySubsequences: true)
    guard parts.count == 2, parts[0] == "bytes", let count = Int(parts[1]), count >= 0 else { return nil }
    return count
}

/// Writes one answer's body. It stops while the channel takes no more, so that a slow reader costs the server nothing.
final class ByteSource {
    private static let piece = ByteBuffer(repeating: 0x2e, count: 65_536)
    private var left: Int
    /// A flush may say that the channel takes more, from within.
    private var isWriting = false

    init(_ count: Int) { left = count }

    /// True: all is written.
    func write(_ context: ChannelHandlerContext) -> Bool {
        guard !isWriting else { return false }
        isWriting = true
        defer { isWriting = false }
        while left > 0 {
            guard context.channel.isWritable else { return false }
            let part = Self.piece.getSlice(at: 0, length: min(left, Self.piece.readableBytes)) ?? ByteBuffer()
            left -= part.readableBytes
            context.writeAndFlush(NIOAny(HTTPServerResponsePart.body(.byteBuffer(part))), promise: nil)
        }
        return true
    }
}
