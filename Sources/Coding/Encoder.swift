// Encoder: plain bytes, in any pieces, to one content coding. Flushed at an event's end, a reader has the whole event.

public struct Encoder: ~Copyable {
    private let layer: any EncodingLayer

    /// Middle levels: a proxy waits for every byte, nobody stores what it writes.
    public init(_ coding: ContentCoding) throws(CodingFault) {
        layer =
            switch coding {
            case .gzip: try DeflateStream(.gzip)
            case .deflate: try DeflateStream(.zlib)
            case .br: try BrotliEncoder()
            case .zstd: try ZstdEncoder()
            }
    }

    /// What is ready; the rest waits in the library for more bytes or a flush.
    public mutating func feed(_ bytes: RawSpan) throws(CodingFault) -> [UInt8] {
        try bytes.withUnsafeBytes { bytes throws(CodingFault) in try layer.drive(bytes, .process) }
    }

    public mutating func feed(_ bytes: [UInt8]) throws(CodingFault) -> [UInt8] { try feed(bytes.span.bytes) }

    /// All that was fed, readable by now.
    public mutating func flush() throws(CodingFault) -> [UInt8] {
        try layer.drive(UnsafeRawBufferPointer(start: nil, count: 0), .flush)
    }

    /// The end of the stream.
    public consuming func finish() throws(CodingFault) -> [UInt8] {
        try layer.drive(UnsafeRawBufferPointer(start: nil, count: 0), .finish)
    }

    /// A whole body at once.
    public static func encode(_ body: [UInt8], _ coding: ContentCoding) throws(CodingFault) -> [UInt8] {
        var encoder = try Encoder(coding)
        let start = try encoder.feed(body)
        return start + (try encoder.finish())
    }
}

enum EncodingOperation { case process, flush, finish }

/// A library's encoder for one coding.
protocol EncodingLayer: AnyObject {
    /// Takes bytes off the front of `input` and writes to `output`.
    /// - Returns: how many bytes were written, and whether the operation has more to write.
    func step(
        _ input: inout UnsafeRawBufferPointer, _ operation: EncodingOperation, into output: UnsafeMutableRawBufferPointer
    ) throws(CodingFault) -> (count: Int, hasMore: Bool)
}

extension EncodingLayer {
    func drive(_ bytes: UnsafeRawBufferPointer, _ operation: EncodingOperation) throws(CodingFault) -> [UInt8] {
        var out: [UInt8] = []
        try withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 16) { buffer throws(CodingFault) in
            var rest = bytes
            var hasMore = false
            repeat {
                let step = try step(&rest, operation, into: buffer)
                out += buffer[..<step.count]
                hasMore = step.hasMore
            } while hasMore || !rest.isEmpty
        }
        return out
    }
}
