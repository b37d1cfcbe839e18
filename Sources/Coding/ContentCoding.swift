// ContentCoding: the content codings of HTTP that egress can read, and a Content-Encoding header as a list of them.

/// A content coding (RFC 9110 §8.4.1, RFC 7932, RFC 8878). `identity` is the empty list.
public enum ContentCoding: String, Sendable, Hashable, CaseIterable {
    case gzip
    /// By the standard zlib's wrapping; clients that send raw deflate are read as well.
    case deflate
    case br
    case zstd

    /// Codings one over the other in one body. Nobody needs more, and each multiplies what a bomb can do.
    public static let mostLayers = 2

    /// - Parameter name: one name as in the header; case does not matter (RFC 9110 §8.4.1).
    public init?(name: some StringProtocol) {
        switch name.lowercased() {
        case "gzip", "x-gzip": self = .gzip
        case "deflate": self = .deflate
        case "br": self = .br
        case "zstd": self = .zstd
        default: return nil
        }
    }

    /// The codings that the values of all Content-Encoding lines name, in the order in which they were applied. Empty
    /// elements and `identity` name none.
    public static func list(_ values: [String]) throws(CodingFault) -> [ContentCoding] {
        var codings: [ContentCoding] = []
        for value in values {
            for element in value.utf8.split(separator: UInt8(ascii: ",")) {
                let name = Substring(element).trimmingBlanks
                guard !name.isEmpty, name.lowercased() != "identity" else { continue }
                guard let coding = ContentCoding(name: name) else { throw .unknownCoding }
                guard codings.count < mostLayers else { throw .tooManyLayers }
                codings.append(coding)
            }
        }
        return codings
    }
}

extension Substring {
    /// Without the optional white space of RFC 9110 §5.6.3 at both ends.
    fileprivate var trimmingBlanks: Substring {
        var utf8 = utf8
        while let first = utf8.first, first == 0x20 || first == 0x09 { utf8.removeFirst() }
        while let last = utf8.last, last == 0x20 || last == 0x09 { utf8.removeLast() }
        return Substring(utf8)
    }
}
