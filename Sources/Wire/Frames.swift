// Frames: cuts a byte stream into frame payloads. Fed with whatever a read returned; yields what is whole.

public struct FrameAssembler: Sendable {
    private var buffer: [UInt8] = []
    private var start = 0

    public init() {}

    public mutating func feed(_ bytes: some Collection<UInt8>) { buffer.append(contentsOf: bytes) }

    /// The next whole payload, nil while more bytes are needed. A length over the limit is an error at once:
    /// nobody waits for 4 GiB that a broken peer announced.
    public mutating func next() throws(WireError) -> ArraySlice<UInt8>? {
        let available = buffer.count - start
        guard available >= 4 else {
            compact()
            return nil
        }
        let length = buffer[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= WireLimits.maxFrame else { throw .oversized }
        guard length > 0 else { throw .truncated }
        guard available >= 4 + length else {
            compact()
            return nil
        }
        let payload = buffer[start + 4..<start + 4 + length]
        start += 4 + length
        return payload
    }

    private mutating func compact() {
        guard start > 0 else { return }
        buffer.removeFirst(start)
        start = 0
    }
}
