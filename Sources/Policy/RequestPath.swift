// RequestPath: the path that is checked must be the path that the server sees. Spellings that servers read
// in more than one way are refused or checked in every reading.

/// A request path (no query) in all readings that a server may give it.
struct RequestPath: Sendable, Hashable {
    /// As written, percent-decoded, without empty segments, without path parameters (`;x`, cut off before or after
    /// decoding), and up to a `?` or `#` that was encoded; each once. Usually just one.
    let readings: [[UInt8]]
    let written: String
    /// Whether every server reads it the same way.
    var isPlain: Bool { readings.count == 1 }
    /// The second reading is the first one with its escapes undone, and there is no third.
    var isPlainButForEscapes: Bool { readings.count == 2 && written.utf8.contains(UInt8(ascii: "%")) }

    /// nil: not an absolute path, bytes that do not belong in one, dot segments however encoded, encoded
    /// controls, or an escape that hides another escape.
    init?(_ path: String) {
        let bytes = Array(path.utf8)
        guard bytes.first == UInt8(ascii: "/"), bytes.count <= 16_384 else { return nil }
        // No query, fragment, backslash (some servers read it as a slash), space, control or raw non-ASCII.
        let mayStand = { (byte: UInt8) in
            byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "?") && byte != UInt8(ascii: "#") && byte != UInt8(ascii: "\\")
        }
        guard bytes.allSatisfy(mayStand) else { return nil }
        guard bytes.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: ";") }) || Self.hasOddSegments(bytes) else {
            (written, readings) = (path, [bytes])
            return
        }
        guard let decoded = Self.decode(bytes), !Self.hidesEscape(decoded) else { return nil }
        guard decoded.allSatisfy({ $0 >= 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "\\") }) else { return nil }
        guard String(validating: decoded, as: UTF8.self) != nil else { return nil }
        var all = [bytes, decoded, Self.collapsed(decoded), Self.collapsed(Self.withoutParameters(decoded))]
        if let late = Self.decode(Self.withoutParameters(bytes)) { all += [late, Self.collapsed(late)] }
        all.append(Self.collapsed(bytes))
        if let end = decoded.firstIndex(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }) {
            all.append(Self.collapsed(Array(decoded[..<end])))
        }
        var found: [[UInt8]] = []
        for reading in all where !found.contains(reading) { found.append(reading) }
        guard !found.contains(where: Self.hasDotSegments) else { return nil }
        (written, readings) = (path, found)
    }

    /// What a denial is compared with, beside `readings`: servers differ in more than may be asked of a grant. Case, a slash
    /// at the end, dots and spaces at the end of a segment (Windows), letters that are mapped to ASCII ones.
    var denials: [[UInt8]] {
        var found: [[UInt8]] = []
        for reading in readings {
            let folded = PathFolding.folded(reading)
            for path in [folded, Self.collapsed(folded), Self.collapsed(PathFolding.trimmed(folded))] {
                let bare = path.count > 1 && path.last == UInt8(ascii: "/") ? Array(path.dropLast()) : path
                for form in [bare, bare + [UInt8(ascii: "/")]] where !found.contains(form) { found.append(form) }
            }
        }
        return found
    }

    private static func collapsed(_ path: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        for byte in path where byte != UInt8(ascii: "/") || out.last != UInt8(ascii: "/") { out.append(byte) }
        return out
    }

    private static func withoutParameters(_ path: [UInt8]) -> [UInt8] {
        let segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return Array(segments.map { $0.prefix { $0 != UInt8(ascii: ";") } }.joined(separator: [UInt8(ascii: "/")]))
    }

    private static func hasOddSegments(_ bytes: [UInt8]) -> Bool {
        zip(bytes, bytes.dropFirst()).contains { $0 == UInt8(ascii: "/") && ($1 == UInt8(ascii: "/") || $1 == UInt8(ascii: ".")) }
    }

    /// `.` and `..`, also with a path parameter (`..;x`) or spaces behind them, which some servers cut off first, and in
    /// dots that some map to the plain one.
    private static func hasDotSegments(_ bytes: [UInt8]) -> Bool {
        // Folded first: some take other characters for the slash as well.
        PathFolding.folded(bytes).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true).contains { segment in
            let name = PathFolding.withoutSpaces(Array(segment.prefix { $0 != UInt8(ascii: ";") }))
            return name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) || name.elementsEqual("\u{2025}".utf8)
        }
    }

    static func decode(_ bytes: [UInt8]) -> [UInt8]? {
        var out: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "%") else {
                out.append(bytes[index])
                index += 1
                continue
            }
            guard index + 2 < bytes.count, let high = hex(bytes[index + 1]), let low = hex(bytes[index + 2]) else { return nil }
            out.append(high << 4 | low)
            index += 3
        }
        return out
    }

    /// An escape that appears only after decoding (`%252e`): a server that decodes twice would see another path.
    private static func hidesEscape(_ decoded: [UInt8]) -> Bool {
        decoded.indices.contains { index in
            decoded[index] == UInt8(ascii: "%") && index + 2 < decoded.count && hex(decoded[index + 1]) != nil
                && hex(decoded[index + 2]) != nil
        }
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
