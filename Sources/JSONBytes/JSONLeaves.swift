// JSONLeaves: where the texts of a body are. One strict pass gives the byte range of every string (and key, and on
// request number); edits are spliced into the body, which is never re-serialised.

public struct JSONLeaf: Sendable, Hashable {
    public enum Kind: UInt8, Sendable, Hashable { case string, key, number }

    public let kind: Kind
    public let traits: JSONStringTraits
    /// Escapes stand in the range: its bytes are not yet the text.
    public var hasEscapes: Bool { traits.contains(.escapes) }
    /// Bytes of the body, without the quotes.
    public let range: Range<Int>
    /// The container it stands in, -1 at the top; see `JSONLeaves`.
    let container: Int32
    /// In an object: the leaf that is its key (for a key: itself). In an array: its position.
    let name: Int32
}

/// All leaves of one body, in its order.
public struct JSONLeaves: Sendable {
    struct Container: Sendable {
        let isObject: Bool
        let parent: Int32
        let name: Int32
    }

    public private(set) var leaves: [JSONLeaf] = []
    var containers: [Container] = []

    /// The same strictness as `JSONValue.parse`: a body that was scanned need not be parsed to be known valid.
    public static func scan(_ body: [UInt8], numbers: Bool = false, limits: JSONLimits = .strict) throws(JSONError) -> JSONLeaves {
        try body.withUnsafeBufferPointer { (buffer) throws(JSONError) -> JSONLeaves in
            var sink = JSONLeafSink(numbers: numbers, most: limits.values)
            sink.result.leaves.reserveCapacity(64)
            var tokenizer = JSONTokenizer(buffer, limits: limits)
            try tokenizer.run(&sink)
            guard sink.count <= limits.values else { throw JSONError(.tooMany, at: buffer.count) }
            return sink.result
        }
    }

    mutating func append(_ leaf: JSONLeaf) { leaves.append(leaf) }

    /// The leaf that is this value's key, if it stands in an object.
    public func key(of leaf: JSONLeaf) -> JSONLeaf? {
        guard leaf.container >= 0, containers[Int(leaf.container)].isObject else { return nil }
        return leaves[Int(leaf.name)]
    }

    /// A number for the container that a leaf stands in, the same for all its leaves; -1 at the top.
    public func object(of leaf: JSONLeaf) -> Int { Int(leaf.container) }

    /// The way from the top to a leaf: keys as text, positions as numbers. For a key it is the way to its value.
    public func path(of leaf: JSONLeaf, in body: [UInt8]) -> [JSONPathStep] {
        var steps: [JSONPathStep] = []
        var container = leaf.container
        var name = leaf.name
        while container >= 0 {
            let here = containers[Int(container)]
            if here.isObject {
                let key = leaves[Int(name)]
                let bytes = key.hasEscapes ? JSONString.unescape(body[key.range]) : Array(body[key.range])
                steps.append(.key(String(decoding: bytes, as: UTF8.self)))
            } else {
                steps.append(.index(Int(name)))
            }
            container = here.parent
            name = here.name
        }
        return steps.reversed()
    }

    /// RFC 6901: `/messages/2/content`. Built only for what was found, so a clean body pays nothing for it.
    public func pointer(of leaf: JSONLeaf, in body: [UInt8]) -> String {
        path(of: leaf, in: body).reduce(into: "") { pointer, step in
            switch step {
            case .index(let index): pointer += "/\(index)"
            case .key(let key):
                pointer += "/"
                for character in key.unicodeScalars {
                    switch character {
                    case "~": pointer += "~0"
                    case "/": pointer += "~1"
                    default: pointer.unicodeScalars.append(character)
                    }
                }
            }
        }
    }
}

public enum JSONPathStep: Sendable, Hashable {
    case key(String)
    case index(Int)
}

struct JSONLeafSink: JSONSink {
    private struct Frame {
        let id: Int32
        let isObject: Bool
        /// The pending key's leaf, or the next element's position.
        var name: Int32
    }

    var result = JSONLeaves()
    private let numbers: Bool
    private let most: Int
    /// Values so far. Past the most nothing is noted any more, and the scan fails at its end.
    private(set) var count = 0
    private var stack: [Frame] = []
    private var top = Frame(id: -1, isObject: false, name: 0)

    init(numbers: Bool, most: Int) {
        self.numbers = numbers
        self.most = most
    }

    @inline(__always)
    private mutating func isNoted() -> Bool {
        count &+= 1
        return count <= most
    }

    @inline(__always)
    mutating func key(_ range: Range<Int>, _ traits: JSONStringTraits) {
        top.name = Int32(truncatingIfNeeded: result.leaves.count)
        if isNoted() { result.append(JSONLeaf(kind: .key, traits: traits, range: range, container: top.id, name: top.name)) }
    }

    @inline(__always)
    mutating func string(_ range: Range<Int>, _ traits: JSONStringTraits) {
        if isNoted() { result.append(JSONLeaf(kind: .string, traits: traits, range: range, container: top.id, name: top.name)) }
        step()
    }

    @inline(__always)
    mutating func number(_ range: Range<Int>) {
        if isNoted(), numbers {
            result.append(JSONLeaf(kind: .number, traits: [], range: range, container: top.id, name: top.name))
        }
        step()
    }

    mutating func literal(_ value: Bool?) {
        count &+= 1
        step()
    }

    mutating func open(object: Bool) {
        let id = Int32(truncatingIfNeeded: result.containers.count)
        if isNoted() { result.containers.append(JSONLeaves.Container(isObject: object, parent: top.id, name: top.name)) }
        stack.append(top)
        top = Frame(id: id, isObject: object, name: 0)
    }

    mutating func close(object: Bool) {
        if let outer = stack.popLast() { top = outer }
        step()
    }

    @inline(__always)
    private mutating func step() {
        if !top.isObject { top.name &+= 1 }
    }
}
