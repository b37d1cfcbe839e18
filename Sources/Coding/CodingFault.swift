// CodingFault: why a body could not be decoded. Says nothing of the body's bytes.

public enum CodingFault: Error, Sendable, Hashable {
    case unknownCoding
    /// More codings one over the other than `ContentCoding.mostLayers`.
    case tooManyLayers
    /// Not a stream of its coding, or one whose check does not fit.
    case malformed
    /// The bytes ended before their stream did.
    case truncated
    /// Bytes after the end of the stream.
    case trailingBytes
    /// More came out than `Limits.output`.
    case tooLarge
    /// More came out of so few bytes than `Limits.ratio`.
    case bomb
    /// The sender wants a larger window than HTTP gives it.
    case window
    /// The library got no memory.
    case memory
}

extension CodingFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownCoding: "a content coding that is not known"
        case .tooManyLayers: "more than \(ContentCoding.mostLayers) content codings one over the other"
        case .malformed: "the compressed data is damaged"
        case .truncated: "the compressed data ends early"
        case .trailingBytes: "bytes follow the end of the compressed data"
        case .tooLarge: "the data is too large once decompressed"
        case .bomb: "the data grows beyond measure when decompressed"
        case .window: "the compressed data needs too large a window"
        case .memory: "no memory to decompress"
        }
    }
}
