// ContentType: what a body is, as far as scanning it goes. Pure.

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

    /// What bytes are that say nothing of themselves, or that say to be binary and are text: a label is the agent's word.
    func refined(by body: [UInt8]) -> ContentType {
        switch self {
        case .json, .form, .events: return self
        case .text: return body.contains(0) ? .binary : .text
        case .binary, .unknown:
            guard !body.contains(0), String(validating: body, as: UTF8.self) != nil else { return .binary }
            let first = body.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
            return first == UInt8(ascii: "{") || first == UInt8(ascii: "[") ? .json : .text
        }
    }
}
