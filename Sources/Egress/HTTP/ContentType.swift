// ContentType: what a body is, as far as scanning it goes. Pure.

import JSONBytes

enum ContentType: Sendable, Hashable {
    case json
    /// Readable as text: forms, XML, scripts, multipart (its parts are scanned as they stand).
    case text
    /// `application/x-www-form-urlencoded`.
    case form
    case events
    case binary
    /// None was given: the bytes decide.
    case unknown

    init(_ header: String?) {
        guard let header else {
            self = .unknown
            return
        }
        if header == "application/json" {  // how nearly every client writes it
            self = .json
            return
        }
        let essence = header.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
        switch essence {
        case "": self = .unknown
        case "application/json", "text/json": self = .json
        case "text/event-stream": self = .events
        case "application/x-www-form-urlencoded": self = .form
        case "application/javascript", "application/xml", "application/graphql",
            "application/x-ndjson", "application/jsonl", "application/yaml", "application/toml":
            self = .text
        case _ where essence.hasSuffix("+json"): self = .json
        case _ where essence.hasSuffix("+xml") || essence.hasPrefix("text/") || essence.hasPrefix("multipart/"): self = .text
        default: self = .binary
        }
    }

    /// Character sets in which the scanner reads what the server will read. Others (UTF-7, EBCDIC) spell ASCII in other bytes.
    private static let charsets: Set<String> = ["utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252"]

    static func isReadable(_ header: String?) -> Bool {
        guard let header, header.utf8.contains(UInt8(ascii: ";")) else { return true }
        return header.lowercased().split(separator: ";").dropFirst().allSatisfy { parameter in
            let parts = parameter.split(separator: "=", maxSplits: 1).map { part in
                part.filter { $0 != " " && $0 != "\t" && $0 != "\"" && $0 != "'" }
            }
            return parts.first != "charset" || parts.count == 2 && charsets.contains(parts[1])
        }
    }

    /// What bytes are, whatever they say of themselves: a label is the agent's word.
    func refined(by body: [UInt8]) -> ContentType {
        if self == .json { return self }
        guard !body.contains(0), String(validating: body, as: UTF8.self) != nil else { return .binary }
        let first = body.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "["), (try? JSONLeaves.scan(body)) != nil { return .json }
        return self == .form ? .form : .text
    }
}
