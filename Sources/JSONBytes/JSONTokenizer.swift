// JSONTokenizer: the one pass over the bytes. It checks all of RFC 8259, UTF-8 and repeated keys, and reports
// what it finds to a sink, so that a body is read once whatever is wanted of it. Nothing is copied or decoded.

/// What a string's bytes hold besides plain ASCII.
public struct JSONStringTraits: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The bytes are not yet the text.
    public static let escapes = JSONStringTraits(rawValue: 1)
    /// At least one escape is a `\u` one, so a letter or digit may be hidden; set together with `escapes`.
    public static let unicodeEscapes = JSONStringTraits(rawValue: 2)
    public static let notASCII = JSONStringTraits(rawValue: 4)
}

/// What the pass reports; ranges are without the quotes. A sink is a concrete type, so calls are inlined.
protocol JSONSink {
    mutating func key(_ range: Range<Int>, _ traits: JSONStringTraits)
    mutating func string(_ range: Range<Int>, _ traits: JSONStringTraits)
    mutating func number(_ range: Range<Int>)
    /// nil is `null`.
    mutating func literal(_ value: Bool?)
    mutating func open(object: Bool)
    mutating func close(object: Bool)
}

struct JSONTokenizer {
    private enum Expected { case value, elementOrEnd, keyOrEnd, key, commaOrEnd, nothing }

    private let bytes: UnsafeBufferPointer<UInt8>
    private let limits: JSONLimits
    private var at = 0
    private var frames: [JSONKeyFrame] = []
    private var keys = JSONKeyLedger()

    init(_ bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
        frames.reserveCapacity(16)
    }

    mutating func run<Sink: JSONSink>(_ sink: inout Sink) throws(JSONError) {
        if bytes.count >= 3, bytes[0] == 0xef, bytes[1] == 0xbb, bytes[2] == 0xbf { throw JSONError(.byteOrderMark, at: 0) }
        var expected = Expected.value
        while true {
            skipSpace()
            guard at < bytes.count else {
                if expected == .nothing { return }
                throw JSONError(at == 0 || (frames.isEmpty && expected == .value) ? .empty : .truncated, at: at)
            }
            let byte = bytes[at]
            switch expected {
            case .nothing:
                throw JSONError(.trailingBytes, at: at)
            case .value:
                expected = try value(byte, &sink)
            case .elementOrEnd:
                expected = byte == UInt8(ascii: "]") ? close(&sink) : try value(byte, &sink)
            case .keyOrEnd where byte == UInt8(ascii: "}"):
                expected = close(&sink)
            case .keyOrEnd, .key:
                try key(byte, &sink)
                expected = .value
            case .commaOrEnd:
                let inObject = frames.last?.isObject == true
                if byte == UInt8(ascii: ",") {
                    at += 1
                    expected = inObject ? .key : .value
                } else if byte == (inObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    expected = close(&sink)
                } else {
                    throw JSONError(.unexpectedByte, at: at)
                }
            }
        }
    }

    private mutating func value<Sink: JSONSink>(_ byte: UInt8, _ sink: inout Sink) throws(JSONError) -> Expected {
        switch byte {
        case UInt8(ascii: "\""):
            let (range, traits) = try string()
            sink.string(range, traits)
        case UInt8(ascii: "{"):
            try open(object: true, &sink)
            return .keyOrEnd
        case UInt8(ascii: "["):
            try open(object: false, &sink)
            return .elementOrEnd
        case UInt8(ascii: "t"):
            try word("true")
            sink.literal(true)
        case UInt8(ascii: "f"):
            try word("false")
            sink.literal(false)
        case UInt8(ascii: "n"):
            try word("null")
            sink.literal(nil)
        case UInt8(ascii: "-"), 0x30...0x39:
            let start = at
            try number()
            sink.number(start..<at)
        default:
            throw JSONError(.unexpectedByte, at: at)
        }
        return frames.isEmpty ? .nothing : .commaOrEnd
    }

    private mutating func key<Sink: JSONSink>(_ byte: UInt8, _ sink: inout Sink) throws(JSONError) {
        guard byte == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: at) }
        let (range, traits) = try string()
        let last = frames.count - 1
        guard keys.insert(range, escaped: traits.contains(.escapes), of: bytes, into: &frames[last]) else {
            throw JSONError(.duplicateKey, at: range.lowerBound)
        }
        sink.key(range, traits)
        skipSpace()
        guard at < bytes.count else { throw JSONError(.truncated, at: at) }
        guard bytes[at] == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: at) }
        at += 1
    }

    private mutating func open<Sink: JSONSink>(object: Bool, _ sink: inout Sink) throws(JSONError) {
        guard frames.count < limits.depth else { throw JSONError(.tooDeep, at: at) }
        frames.append(JSONKeyFrame(isObject: object, firstKey: keys.count))
        at += 1
        sink.open(object: object)
    }

    private mutating func close<Sink: JSONSink>(_ sink: inout Sink) -> Expected {
        let frame = frames.removeLast()
        keys.drop(frame)
        at += 1
        sink.close(object: frame.isObject)
        return frames.isEmpty ? .nothing : .commaOrEnd
    }

    private mutating func skipSpace() {
        while at < bytes.count {
            let byte = bytes[at]
            guard byte <= 0x20, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return }
            at += 1
        }
    }

    private mutating func word(_ word: StaticString) throws(JSONError) {
        let length = word.utf8CodeUnitCount
        guard at + length <= bytes.count else { throw JSONError(.truncated, at: bytes.count) }
        for index in 0..<length where bytes[at + index] != word.utf8Start[index] {
            throw JSONError(.unexpectedByte, at: at + index)
        }
        at += length
    }

    private mutating func number() throws(JSONError) {
        if bytes[at] == UInt8(ascii: "-") { at += 1 }
        if at < bytes.count, bytes[at] == UInt8(ascii: "0") {
            at += 1
        } else {
            try digits()
        }
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
            at += 1
            try digits()
        }
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
        // `01` and `1x` would otherwise be told as a missing comma.
        if at < bytes.count, bytes[at] >= 0x30, bytes[at] <= 0x39 { throw JSONError(.badNumber, at: at) }
    }

    private mutating func digits() throws(JSONError) {
        let start = at
        while at < bytes.count, bytes[at] >= 0x30, bytes[at] <= 0x39 { at += 1 }
        guard at > start else { throw JSONError(at < bytes.count ? .badNumber : .truncated, at: at) }
    }

    /// `at` stands on the opening quote and ends behind the closing one.
    private mutating func string() throws(JSONError) -> (Range<Int>, JSONStringTraits) {
        at += 1
        let start = at
        var traits: JSONStringTraits = []
        while true {
            at = JSONScan.plainEnd(bytes, from: at)
            guard at < bytes.count else { throw JSONError(.truncated, at: at) }
            let byte = bytes[at]
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                return (start..<(at - 1), traits)
            case UInt8(ascii: "\\"):
                traits.insert(try escape() ? [.escapes, .unicodeEscapes] : .escapes)
            case 0..<0x20:
                throw JSONError(.controlCharacter, at: at)
            default:
                traits.insert(.notASCII)
                repeat {
                    guard let length = JSONScan.scalarLength(bytes, at: at) else { throw JSONError(.badUTF8, at: at) }
                    at += length
                } while at < bytes.count && bytes[at] >= 0x80
            }
        }
    }

    /// True for the `\u` form.
    private mutating func escape() throws(JSONError) -> Bool {
        guard at + 1 < bytes.count else { throw JSONError(.truncated, at: bytes.count) }
        guard bytes[at + 1] == UInt8(ascii: "u") else {
            guard JSONScan.shortEscape(bytes[at + 1]) != nil else { throw JSONError(.badEscape, at: at) }
            at += 2
            return false
        }
        let unit = try codeUnit()
        switch unit {
        case 0xd800...0xdbff:
            guard at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u") else {
                throw JSONError(.loneSurrogate, at: at - 6)
            }
            guard (0xdc00...0xdfff).contains(try codeUnit()) else { throw JSONError(.loneSurrogate, at: at - 12) }
        case 0xdc00...0xdfff:
            throw JSONError(.loneSurrogate, at: at - 6)
        default: break
        }
        return true
    }

    private mutating func codeUnit() throws(JSONError) -> UInt32 {
        guard at + 6 <= bytes.count else { throw JSONError(.truncated, at: bytes.count) }
        guard let unit = JSONScan.hexUnit(bytes, at: at + 2) else { throw JSONError(.badEscape, at: at) }
        at += 6
        return unit
    }
}
