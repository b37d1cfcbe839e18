// Raw deflate by messages, as permessage-deflate has it (RFC 7692 §7.2): each message ends in a flush whose last four
// bytes are left out, and may refer to the messages before it.

/// The flush's last four bytes: an empty stored block.
private let flushEnd: [UInt8] = [0x00, 0x00, 0xff, 0xff]

public struct MessageInflater: ~Copyable {
    /// Final blocks in one message: each costs a copy of the window, and a message needs one at most.
    private static let mostFinalBlocks = 64
    private let keepsContext: Bool
    private let limit: Int
    /// Nil between messages where nothing is kept: 44 KiB that an idle connection does not hold.
    private var stream: InflateStream?
    private var produced = 0
    private var finals = 0

    /// - Parameter limit: most bytes that may come out of one message; one more is `tooLarge`.
    public init(keepsContext: Bool, limit: Int) {
        self.keepsContext = keepsContext
        self.limit = limit
    }

    /// What these bytes of the message complete, behind what `message` holds already. A fault is final.
    public mutating func feed(_ bytes: RawSpan, into message: inout [UInt8]) throws(CodingFault) {
        let stream = try open()
        try bytes.withUnsafeBytes { bytes throws(CodingFault) in
            try withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 16) { buffer throws(CodingFault) in
                var rest = bytes
                var filled = false
                while filled || !rest.isEmpty {
                    if stream.hasEnded {
                        guard !rest.isEmpty else { break }
                        finals += 1
                        guard finals <= Self.mostFinalBlocks else { throw .bomb }
                        try stream.restartKeepingWindow()
                    }
                    let count = try stream.step(&rest, into: buffer)
                    filled = count == buffer.count
                    produced += count
                    guard produced <= limit else { throw .tooLarge }
                    message += buffer[..<count]
                }
            }
        }
    }

    private mutating func open() throws(CodingFault) -> InflateStream {
        if let stream { return stream }
        let opened = try InflateStream(.raw)
        stream = opened
        return opened
    }

    /// The message is over.
    public mutating func endMessage(into message: inout [UInt8]) throws(CodingFault) {
        try feed(flushEnd.span.bytes, into: &message)
        guard let stream, stream.isAtFlush, !stream.hasEnded else { throw .truncated }
        if !keepsContext { self.stream = nil }
        (produced, finals) = (0, 0)
    }
}

public struct MessageDeflater: ~Copyable {
    private let keepsContext: Bool
    private let windowBits: Int
    /// Nil between messages where nothing is kept: 256 KiB that an idle connection does not hold.
    private var stream: DeflateStream?

    /// - Parameter windowBits: 9…15.
    public init(keepsContext: Bool, windowBits: Int) {
        self.keepsContext = keepsContext
        self.windowBits = windowBits
    }

    /// The payload of a whole message.
    public mutating func message(_ bytes: RawSpan) throws(CodingFault) -> [UInt8] {
        // zlib writes nothing for a flush that has nothing new; an empty stored block is that byte (RFC 7692 §7.2.3.6).
        guard !bytes.isEmpty else { return [0x00] }
        let stream = try take()
        if keepsContext { self.stream = stream }
        var payload = try bytes.withUnsafeBytes { bytes throws(CodingFault) in try stream.drive(bytes, .process) }
        payload += try stream.drive(UnsafeRawBufferPointer(start: nil, count: 0), .flush)
        guard payload.suffix(flushEnd.count).elementsEqual(flushEnd) else { throw .malformed }
        payload.removeLast(flushEnd.count)
        return payload
    }

    private func take() throws(CodingFault) -> DeflateStream {
        if let stream { return stream }
        return try DeflateStream(.raw, windowBits: windowBits)
    }
}
