// Splicing: the only way a body is changed. Everything that was not replaced stays byte for byte what the client sent.

/// A replacement of some bytes of a body.
public struct JSONEdit: Sendable, Hashable {
    public var range: Range<Int>
    public var bytes: [UInt8]
    public init(_ range: Range<Int>, _ bytes: [UInt8]) {
        self.range = range
        self.bytes = bytes
    }
}

/// The body with all edits made. They may come in any order and must neither overlap nor leave the body;
/// of two that do overlap, the later one is dropped. Two insertions at one place keep their order.
public func splice(_ body: [UInt8], _ edits: [JSONEdit]) -> [UInt8] {
    if edits.isEmpty { return body }
    let ordered = edits.enumerated().sorted {
        ($0.element.range.lowerBound, $0.element.range.upperBound, $0.offset) < (
            $1.element.range.lowerBound, $1.element.range.upperBound, $1.offset
        )
    }
    var result: [UInt8] = []
    result.reserveCapacity(body.count + edits.reduce(0) { $0 + max(0, $1.bytes.count - $1.range.count) })
    var at = 0
    for (_, edit) in ordered where edit.range.lowerBound >= at && edit.range.upperBound <= body.count {
        result += body[at..<edit.range.lowerBound]
        result += edit.bytes
        at = edit.range.upperBound
    }
    result += body[at...]
    return result
}

public func splice(_ body: [UInt8], _ edits: [(Range<Int>, [UInt8])]) -> [UInt8] {
    splice(body, edits.map { JSONEdit($0.0, $0.1) })
}
