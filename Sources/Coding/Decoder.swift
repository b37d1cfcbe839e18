// Decoder: bytes in content codings, in any pieces, to plain bytes. Memory is bounded by the windows of the codings;
// what comes out is bounded by the limits, whatever the bytes claim.

public struct Decoder: ~Copyable {
    public struct Limits: Sendable, Hashable {
        /// Most bytes that may come out of the whole body; one more is `tooLarge`.
        public var output: Int
        /// Most bytes out per byte in. The first `slack` bytes in are free, or a short run of blanks would be a bomb.
        public var ratio: Int
        static let slack = 4096

        /// - Parameter ratio: text reaches 20, generated JSON 100; deflate cannot exceed 1,032, brotli and zstd 100,000.
        public init(output: Int, ratio: Int = 250) {
            self.output = output
            self.ratio = ratio
        }
    }

    /// The last applied coding first.
    private var stages: [Stage] = []
    private let limits: Limits
    private var produced = 0
    private var failed: CodingFault?

    /// - Parameter codings: in the order in which they were applied, as `ContentCoding.list` gives them.
    public init(_ codings: [ContentCoding], limits: Limits) throws(CodingFault) {
        self.limits = limits
        guard codings.count <= ContentCoding.mostLayers else { throw .tooManyLayers }
        for coding in codings.reversed() { stages.append(Stage(try coding.makeLayer())) }
    }

    /// All that these bytes complete: nothing that could be told now waits for the next piece. A fault is final.
    public mutating func feed(_ bytes: RawSpan) throws(CodingFault) -> [UInt8] {
        if let failed { throw failed }
        var out: [UInt8] = []
        do throws(CodingFault) {
            try bytes.withUnsafeBytes { bytes throws(CodingFault) in try push(bytes, stage: 0, into: &out) }
        } catch {
            failed = error
            throw error
        }
        return out
    }

    public mutating func feed(_ bytes: [UInt8]) throws(CodingFault) -> [UInt8] { try feed(bytes.span.bytes) }

    /// The body is over: each coding must have come to its end.
    public consuming func finish() throws(CodingFault) {
        if let failed { throw failed }
        guard stages.allSatisfy(\.layer.isComplete) else { throw .truncated }
    }

    /// A whole body at once.
    public static func decode(_ body: [UInt8], _ codings: [ContentCoding], limits: Limits) throws(CodingFault) -> [UInt8] {
        var decoder = try Decoder(codings, limits: limits)
        let plain = try decoder.feed(body)
        try decoder.finish()
        return plain
    }

    private mutating func push(_ bytes: UnsafeRawBufferPointer, stage index: Int, into out: inout [UInt8]) throws(CodingFault) {
        guard index < stages.count else {
            produced += bytes.count
            guard produced <= limits.output else { throw .tooLarge }
            return out += bytes
        }
        let stage = stages[index]
        var rest = bytes
        var filled = false
        while filled || !rest.isEmpty {
            let count = try stage.step(&rest, ratio: limits.ratio)
            filled = count == stage.output.count
            if count > 0 { try push(UnsafeRawBufferPointer(rebasing: stage.output[..<count]), stage: index + 1, into: &out) }
        }
    }
}

/// One coding with its own measure of growth, so that a bomb inside a harmless coding is one too.
private final class Stage {
    let layer: any DecodingLayer
    /// Where a step writes: small, so that the limits are asked often.
    let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 16)
    private var taken = 0
    private var produced = 0

    init(_ layer: any DecodingLayer) { self.layer = layer }
    deinit { output.deallocate() }

    func step(_ input: inout UnsafeRawBufferPointer, ratio: Int) throws(CodingFault) -> Int {
        let before = input.count
        let count = try layer.step(&input, into: output)
        // A library that takes nothing and gives nothing would be asked for ever.
        guard count > 0 || input.count < before || input.isEmpty else { throw .malformed }
        taken += before - input.count
        produced += count
        guard produced <= (taken + Decoder.Limits.slack) * ratio else { throw .bomb }
        return count
    }
}

/// A library's decoder for one coding.
protocol DecodingLayer: AnyObject {
    /// Takes bytes off the front of `input` and writes to `output`: until that is full or the input is used up.
    /// - Returns: how many bytes were written.
    func step(_ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(CodingFault) -> Int
    /// Whether the stream could end here.
    var isComplete: Bool { get }
}

extension ContentCoding {
    fileprivate func makeLayer() throws(CodingFault) -> any DecodingLayer {
        switch self {
        case .gzip: try GzipDecoder()
        case .deflate: DeflateDecoder()
        case .br: try BrotliDecoder()
        case .zstd: try ZstdDecoder()
        }
    }
}

extension UnsafeRawBufferPointer {
    mutating func drop(_ count: Int) { self = UnsafeRawBufferPointer(rebasing: self[count...]) }
}
