// Extensions: the Sec-WebSocket-Extensions header (RFC 6455 §9.1) as a list of names with parameters.

struct WebSocketExtension: Equatable {
    struct Parameter: Equatable {
        var name: String
        var value: String?
    }

    var name: String
    var parameters: [Parameter]

    /// Of the values of all lines.
    /// - Returns: nil for what is no such list.
    static func list(_ values: [String]) -> [WebSocketExtension]? {
        var all: [WebSocketExtension] = []
        for value in values {
            var text = ExtensionText(value)
            while true {
                text.skipBlanks()
                if text.take(",") { continue }
                if text.isAtEnd { break }
                guard let one = text.extension() else { return nil }
                all.append(one)
                guard text.isAtEnd || text.take(",") else { return nil }
            }
        }
        return all
    }
}

/// The header's grammar, read from the front.
private struct ExtensionText {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = Substring(text).utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    mutating func skipBlanks() { rest = rest.drop { $0 == 0x20 || $0 == 0x09 } }

    mutating func `extension`() -> WebSocketExtension? {
        guard let name = token() else { return nil }
        var parameters: [WebSocketExtension.Parameter] = []
        skipBlanks()
        while take(";") {
            skipBlanks()
            guard let name = token() else { return nil }
            skipBlanks()
            var value: String?
            if take("=") {
                skipBlanks()
                // A quoted value must be a token once it is out of its quotes.
                let isQuoted = take("\"")
                guard let token = token(), !isQuoted || take("\"") else { return nil }
                value = token
            }
            parameters.append(.init(name: name, value: value))
            skipBlanks()
        }
        return WebSocketExtension(name: name, parameters: parameters)
    }

    /// RFC 9110 §5.6.2.
    private mutating func token() -> String? {
        let end = rest.firstIndex { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: false
            default: !"!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
        }
        let token = rest[..<(end ?? rest.endIndex)]
        guard !token.isEmpty else { return nil }
        rest = rest[token.endIndex...]
        return String(Substring(token))
    }
}
