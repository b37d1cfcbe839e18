// JSONBuilder: canonical JSON written straight to bytes, for the records of the hot path. No tree, no sorting: the
// caller gives keys in canonical order, and debug builds check that it does.

public struct JSONBuilder: Sendable {
    public private(set) var bytes: [UInt8] = []
    private var needsComma = false
    #if DEBUG
        private var lastKey: String?
    #endif

    public init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

    /// One object and its bytes.
    public static func object(capacity: Int = 256, _ fill: (inout JSONBuilder) -> Void) -> [UInt8] {
        var builder = JSONBuilder(capacity: capacity)
        builder.object(fill)
        return builder.bytes
    }

    public mutating func object(_ fill: (inout JSONBuilder) -> Void) {
        separate()
        #if DEBUG
            let outer = lastKey
            lastKey = nil
            defer { lastKey = outer }
        #endif
        bytes.append(UInt8(ascii: "{"))
        needsComma = false
        fill(&self)
        bytes.append(UInt8(ascii: "}"))
        needsComma = true
    }

    public mutating func array(_ fill: (inout JSONBuilder) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "["))
        needsComma = false
        fill(&self)
        bytes.append(UInt8(ascii: "]"))
        needsComma = true
    }

    /// The key of what is written next. Keys of one object ascend by UTF-16 code units.
    public mutating func key(_ key: String) {
        #if DEBUG
            assert(lastKey.map { JSONKeyOrder.precedes($0, key) } ?? true, "keys out of canonical order")
            lastKey = key
        #endif
        separate()
        JSONString.write(key, into: &bytes)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    public mutating func string(_ text: String) {
        separate()
        JSONString.write(text, into: &bytes)
        needsComma = true
    }

    /// Of a magnitude up to 2^53; larger ones are written as text by the log's schema.
    public mutating func integer(_ value: Int64) {
        assert(value.magnitude <= 1 << 53, "an integer that JSON readers round")
        raw(String(value).utf8)
    }

    public mutating func bool(_ value: Bool) { raw((value ? "true" : "false").utf8) }
    public mutating func null() { raw("null".utf8) }

    public mutating func value(_ value: JSONValue) {
        separate()
        value.write(into: &bytes)
        needsComma = true
    }

    /// Bytes that are canonical JSON already.
    public mutating func raw(_ canonical: some Sequence<UInt8>) {
        separate()
        bytes.append(contentsOf: canonical)
        needsComma = true
    }

    public mutating func member(_ key: String, _ text: String) {
        self.key(key)
        string(text)
    }

    public mutating func member(_ key: String, _ value: Int64) {
        self.key(key)
        integer(value)
    }

    public mutating func member(_ key: String, _ value: Int) { member(key, Int64(value)) }

    public mutating func member(_ key: String, _ value: Bool) {
        self.key(key)
        bool(value)
    }

    public mutating func member(_ key: String, _ value: JSONValue) {
        self.key(key)
        self.value(value)
    }

    /// Numbers that may pass 2^53 (nano-dollars, nanoseconds, sequence numbers): decimal text.
    public mutating func member(_ key: String, text value: UInt64) {
        self.key(key)
        digits(value.description)
    }

    public mutating func member(_ key: String, text value: Int64) {
        self.key(key)
        digits(value.description)
    }

    /// Concrete types lead here, because a generic integer is written digit by digit through its protocol.
    private mutating func digits(_ text: String) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: text.utf8)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    public mutating func member(object key: String, _ fill: (inout JSONBuilder) -> Void) {
        self.key(key)
        object(fill)
    }

    public mutating func member(array key: String, _ fill: (inout JSONBuilder) -> Void) {
        self.key(key)
        array(fill)
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }
}
