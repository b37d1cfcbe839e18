// KeyPlaces: where in a request credentials travel. Pure.

import CSecrets
import Vocabulary

enum KeyPlaces {
    /// Headers that a provider takes a key from.
    private static let headers: Set<String> = [
        "authorization", "x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key", "x-amz-security-token",
        "x-goog-iam-authorization-token",
    ]
    /// Parameters that one takes a key from; Google's system parameters have a `$` too, and one that carries headers.
    private static let parameters: Set<String> = [
        "key", "$key", "api_key", "api-key", "apikey", "access_token", "oauth_token", "subscription-key", "x-amz-credential",
        "$httpheaders",
    ]

    /// Of what stands before a key; any other word there could be a key itself.
    private static let schemes = ["bearer ", "token ", "apikey "]

    /// Whether a header carries a key to a provider.
    static func carries(header name: String) -> Bool { headers.contains(canonical(name)) }

    static func carries(parameter name: String) -> Bool { parameters.contains(name.lowercased()) }

    /// In lower case; an underscore is a hyphen, because CGI and its heirs read both as one.
    static func canonical(_ name: String) -> String {
        let lower = name.lowercased()
        return lower.utf8.contains(UInt8(ascii: "_")) ? lower.replacing("_", with: "-") : lower
    }

    /// A login's text without the name of its scheme.
    static func word(_ value: String) -> Substring {
        guard let space = value.firstIndex(of: " ") else { return value[...] }
        return value[space...].drop { $0 == " " }
    }

    /// The text of a Basic login, `user:password`; nil: none.
    static func basic(_ value: String) -> String? {
        guard value.utf8.count < 16_384, value.prefix(6).lowercased() == "basic ",
            let bytes = Base64.decode(word(value))
        else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Whether a header's value is `word` and nothing else: but for the name of a scheme, or one side of a Basic login.
    static func isOnly(_ word: String, in value: String) -> Bool {
        if let login = basic(value) { return login.split(separator: ":", maxSplits: 1) == [word[...]] }
        return value == word || schemes.contains { value.lowercased().hasPrefix($0) } && self.word(value) == word
    }

    /// Whether a header is a place for a key where the credential names none: it says who asks, and no server keeps it or hands
    /// it on.
    static func isPlace(_ header: String) -> Bool {
        HeaderRules.isLogin(header) && !header.contains("cookie") && header != "proxy-authorization"
            && !header.contains("-meta-") && !header.hasSuffix("idempotency-key") && !header.hasPrefix("sec-websocket-")
    }

    /// One parameter of a query: its text as it stands in the target, and what it means.
    struct Parameter {
        let name, value: String
        /// Of the target, without the `&` before or after it.
        let range: Range<String.Index>
        /// Of the value as written.
        let valueRange: Range<String.Index>
    }

    static func parameters(of target: String) -> [Parameter] {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return [] }
        return target[target.index(after: mark)...].split(separator: "&").map { part in
            let equals = part.firstIndex(of: "=") ?? part.endIndex
            let value = equals == part.endIndex ? part[equals...] : part[part.index(after: equals)...]
            return Parameter(
                name: unescaped(part[..<equals]), value: unescaped(value), range: part.startIndex..<part.endIndex,
                valueRange: value.startIndex..<value.endIndex)
        }
    }

    /// `target` without this parameter.
    static func removing(_ parameter: Parameter, from target: String) -> String {
        var out = target
        var range = parameter.range
        if range.upperBound < target.endIndex {
            range = range.lowerBound..<target.index(after: range.upperBound)
        } else {
            range = target.index(before: range.lowerBound)..<range.upperBound
        }
        out.removeSubrange(range)
        return out
    }

    /// What does not read as an escape stands for itself.
    static func unescaped(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var out: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                out.append(value)
                rest = rest.dropFirst(2)
            } else {
                out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    static func escaped(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: out.unicodeScalars.append(.init(byte))
            default: out += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return out
    }

    /// Whether `text` has `word` in it. By memory: it is asked of every header of every request.
    static func has(_ text: String, _ word: [UInt8]) -> Bool {
        var text = text
        return text.withUTF8 { text in
            guard let start = text.baseAddress, text.count >= word.count else { return false }
            return akios_has(start, text.count, word, word.count) != 0
        }
    }
}
