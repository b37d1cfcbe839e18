// ScalarText: whether a scalar's text is what its row says, in words when it is not, and its size for comparison.

import IDNA
import Vocabulary

extension Scalar {
    /// nil: the text is right. Otherwise what was expected, and how to write it.
    func complaint(_ text: String) -> (expected: String, hint: String?)? {
        switch self {
        case .text(let limit):
            if text.isEmpty || text.utf8.count > limit { return ("a text of 1 to \(limit) bytes", nil) }
            return text.unicodeScalars.contains(where: {
                $0.properties.generalCategory == .control && $0 != "\n"
            })
                ? ("a text without control characters", nil) : nil
        case .opaque(let limit):
            return text.utf8.count <= limit && !text.utf8.contains(0)
                ? nil : ("a value of at most \(limit) bytes without NUL", nil)
        case .bool:
            return ["true", "false"].contains(text)
                ? nil : ("true or false", "yes, on and 1 are not booleans here")
        case .integer(let range):
            if let value = decimal(text), range.contains(value) { return nil }
            return (
                range.upperBound == .max
                    ? "a whole number" : "a whole number from \(range.lowerBound) to \(range.upperBound)", nil
            )
        case .bytes:
            return ByteSize(text: text) == nil
                ? ("a size", "digits, with K, M, G or T for powers of 1024: 512M") : nil
        case .rate:
            return ByteRate(text: text) == nil
                ? ("a rate", "digits, with K, M or G for powers of 1000, then /s: 10M/s") : nil
        case .span:
            return TimeSpan(text: text) == nil ? ("a time", "digits with ms, s, m, h or d: 30m") : nil
        case .cpu:
            return CPUShare(text: text) == nil
                ? ("a share of processor time", "per cent of one core: 150%") : nil
        case .money:
            return Money(decimal: text) == nil
                ? ("an amount of US dollars", "decimal text with at most nine decimals: 1.00") : nil
        case .choice(let words, let synonyms):
            if words.contains(text) || synonyms[text] != nil { return nil }
            let near = words.count > 1 ? nearest(text, in: words) : nil
            return (oneOf(words), near.map { "did you mean '\($0)'?" })
        case .hostName:
            return nameComplaint("letters, digits, hyphens, dots; an address is no name") { () throws(IDNA.Fault) in
                _ = try IDNA.name(text)
            }
        case .hostPattern:
            return nameComplaint("one name, or .example.com for every name below it; no scheme, port, path or address") {
                () throws(IDNA.Fault) in _ = try HostPattern(letters: text)
            }
        case .place:
            let hint = "one name (A-labels: xn--…), localhost, or one address that leads to a single host; cloud metadata never"
            return NetworkAccess.Endpoint.Place(text) == nil ? ("a place to connect to", hint) : nil
        case .network: return IPNetwork(text) == nil ? ("a network", "ADDRESS/BITS: 10.0.0.0/8") : nil
        case .resolution:
            return NetworkAccess.Resolution(text: text) == nil
                ? ("an address", "ADDRESS, ADDRESS:PORT or [V6]:PORT: 127.0.0.1:8443") : nil
        case .port:
            if let value = decimal(text), (1...65_535).contains(value) { return nil }
            return ("a port from 1 to 65535", nil)
        case .method:
            return (1...32).contains(text.utf8.count)
                && text.utf8.allSatisfy({ isLetter($0) || $0 == UInt8(ascii: "-") })
                ? nil : ("an HTTP method", "letters: POST")
        case .urlPath:
            return text.hasPrefix("/") && text.utf8.count <= 2048
                && text.utf8.allSatisfy({
                    $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
                })
                ? nil : ("a path that starts with '/'", "without a query: /v1/**")
        case .mediaType:
            return isMediaRange(text)
                ? nil : ("a media type", "without parameters: application/json, text/*")
        case .variable:
            return isVariable(text) ? nil : ("a name of a variable", "letters, digits and underscores")
        case .credentialName:
            return (1...255).contains(text.utf8.count) && !text.hasPrefix(".")
                && text.utf8.allSatisfy({ isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") })
                ? nil : ("a name of a credential", "as LoadCredential= has it: letters, digits, '.', '_', '-'")
        case .headerName:
            return (1...64).contains(text.utf8.count)
                && text.utf8.allSatisfy({ isWord($0) || $0 == UInt8(ascii: "-") })
                ? nil : ("a name of a header", "letters, digits and hyphens: X-Api-Key")
        case .passedVariable:
            guard isVariable(text) else {
                return ("a name of a variable", "letters, digits and underscores")
            }
            return Self.refused(variable: text).map {
                ("a variable that may be handed on", "\(text) \($0)")
            }
        // A file that is only read here may lie beside its document's folder; a place in the cage is named straight.
        case .path(optional: false): return pathComplaint(text, upward: true)
        case .path(optional: true): return pathComplaint(text.hasSuffix("?") ? String(text.dropLast()) : text)
        case .grant(let words):
            if words.contains(text) { return nil }
            let path = text.hasSuffix("?") ? String(text.dropLast()) : text
            guard path.contains("/") || path.hasPrefix(".") || path == "~" else {
                return (
                    oneOf(words) + " or a path",
                    nearest(text, in: words).map { "did you mean '\($0)'?" }
                        ?? "a path has a slash: ./\(text)"
                )
            }
            return pathComplaint(path)
        case .pattern: return pathComplaint(text)
        case .syscall:
            let name = text.hasPrefix("@") ? text.dropFirst() : text[...]
            return (1...64).contains(name.utf8.count)
                && name.utf8.allSatisfy({ isWord($0) || $0 == UInt8(ascii: "-") })
                ? nil : ("a system call or @group", "as in the manual's section 2: ptrace, @network-io")
        case .piiType:
            return (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(isWord)
                && !(text.utf8.first.map(isDigit) ?? true)
                ? nil : ("a type or category", "EMAIL, personal, all")
        case .profileName:
            return text.isEmpty || text.utf8.count > 4096 || text.utf8.contains(0)
                ? ("a profile's name or path", nil) : nil
        case .url:
            return (text.hasPrefix("http://") || text.hasPrefix("https://"))
                && text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
                && (9...2048).contains(text.utf8.count) ? nil : ("a URL", "http:// or https://")
        case .proxyURL:
            do throws(UpstreamProxy.Fault) { _ = try UpstreamProxy(url: text) } catch { return ("a proxy's URL", error.rawValue) }
            return nil
        case .dottedKey:
            return !text.isEmpty
                && text.utf8.allSatisfy({ isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
                )
                ? nil : ("a dotted path below spec", "governance.network_access.allowlist")
        }
    }

    /// Whether a message may repeat the text.
    var mayBeQuoted: Bool {
        switch self {
        case .opaque, .proxyURL: false
        default: true
        }
    }

    /// The size of a quantity, to compare with another of the same kind.
    func magnitude(_ text: String) -> UInt64? {
        switch self {
        case .bytes: ByteSize(text: text)?.bytes
        case .rate: ByteRate(text: text)?.bytesPerSecond
        case .span: TimeSpan(text: text)?.milliseconds
        case .cpu: CPUShare(text: text).map { UInt64($0.percent) }
        case .money: Money(decimal: text).flatMap { UInt64(exactly: $0.nanos) }
        case .integer, .port: decimal(text).flatMap { UInt64(exactly: $0) }
        default: nil
        }
    }

    private func nameComplaint(_ hint: String, _ read: () throws(IDNA.Fault) -> Void) -> (expected: String, hint: String?)? {
        do throws(IDNA.Fault) {
            try read()
            return nil
        } catch { return ("a host name", error == .other ? hint : error.words) }
    }

    private func pathComplaint(_ text: String, upward: Bool = false) -> (expected: String, hint: String?)? {
        if text.isEmpty || text.utf8.count > 4095 || text.utf8.contains(0) { return ("a path", nil) }
        if text.contains("${") {
            return ("a path", "of variables only ${HOME} and ${PROJECT_ROOT} stand, at the beginning")
        }
        if text.hasPrefix("~"), text != "~", !text.hasPrefix("~/") {
            return ("a path", "~ is the caller's home; of others write the path")
        }
        // As bytes, because the kernel splits there: to Swift a slash before a combining mark is another character.
        return !upward && text.utf8.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("..".utf8) }
            ? ("a path without '..'", "write the path it leads to") : nil
    }

    /// Why a variable may not reach the agent, or nil.
    static func refused(variable name: String) -> String? {
        let loaders: Set<String> = [
            "BASH_ENV", "ENV", "NODE_OPTIONS", "PYTHONSTARTUP", "PYTHONHOME", "PERL5OPT", "PERL5LIB",
            "RUBYOPT", "JAVA_TOOL_OPTIONS",
            "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "GCONV_PATH", "GLIBC_TUNABLES", "SHELLOPTS", "BASHOPTS",
            "PS4", "IFS",
        ]
        if name.hasPrefix("LD_") || loaders.contains(name) {
            return "makes programs load code; it is never handed on"
        }
        if ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY"].contains(
            name.uppercased())
        {
            return "is egress' business; the agent needs no proxy"
        }
        if name.hasPrefix("AKIOS_") { return "belongs to akios-exec" }
        return ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "TMPDIR"].contains(name)
            ? "is made by akios-exec" : nil
    }
}

extension NetworkAccess.Resolution {
    /// `127.0.0.1`, `127.0.0.1:8443`, `::1`, `[::1]:8443`.
    init?(text: String) {
        if let address = IPAddress(text) {
            self.init(address: address, port: nil)
            return
        }
        guard let colon = text.lastIndex(of: ":"),
            let port = decimal(String(text[text.index(after: colon)...])).flatMap({ UInt16(exactly: $0) }
            ),
            port > 0
        else { return nil }
        let host = text[..<colon]
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? host.dropFirst().dropLast() : host
        guard let address = IPAddress(bare) else { return nil }
        // `::1:80` could be read two ways, so a v6 address with a port stands in brackets.
        if case .v6 = address, bare.count == host.count { return nil }
        if case .v4 = address, bare.count != host.count { return nil }
        self.init(address: address, port: port)
    }
}

extension HostPattern {
    /// As an operator writes it, in whatever letters.
    init(letters text: String) throws(IDNA.Fault) {
        let isBelow = text.hasPrefix("*.") || text.hasPrefix(".")
        let name = try IDNA.name(isBelow ? text.drop { $0 == "*" }.dropFirst() : text[...])
        self = isBelow ? .below(name) : .exact(name)
    }
}

func decimal(_ text: String) -> Int64? {
    guard !text.isEmpty, text.utf8.allSatisfy(isDigit) else { return nil }
    return Int64(text)
}

extension String {
    /// Whether this path lies below `folder`, however that one ends.
    func lies(below folder: String) -> Bool { utf8.starts(with: (folder.hasSuffix("/") ? folder : folder + "/").utf8) }
}

private func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
private func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a }
/// RFC 9110 §8.3.1 tokens; a star stands for the whole subtype, or for everything.
private func isMediaRange(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, text.utf8.count <= 127 else { return false }
    let isToken = { (part: Substring) in
        !part.isEmpty && part.utf8.allSatisfy { isWord($0) || "!#$&^.+-".utf8.contains($0) }
    }
    return (isToken(parts[0]) && (parts[1] == "*" || isToken(parts[1]))) || text == "*/*"
}
private func isWord(_ byte: UInt8) -> Bool {
    isDigit(byte) || isLetter(byte) || byte == UInt8(ascii: "_")
}
private func isVariable(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count) && text.utf8.allSatisfy(isWord)
        && !(text.utf8.first.map(isDigit) ?? true)
}

func oneOf(_ words: [String]) -> String {
    let quoted = words.map { "'\($0)'" }
    guard let last = quoted.last, quoted.count > 1 else { return quoted.joined() }
    return quoted.dropLast().joined(separator: ", ") + " or " + last
}
