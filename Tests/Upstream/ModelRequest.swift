// The few facts of a provider request that shape the answer. Foundation's decoder on purpose, not JSONBytes: a
// server that shared the product's parser would share its mistakes.

import FoundationEssentials

struct ModelRequest: Decodable {
    struct StreamOptions: Decodable {
        var includeUsage: Bool?
        enum CodingKeys: String, CodingKey { case includeUsage = "include_usage" }
    }

    struct Message: Decodable {
        var content: Content?
    }

    /// Gemini's message.
    struct Parts: Decodable {
        var parts: Content?
    }

    /// The input of a response: text, or items of which those with content are messages.
    enum Input: Decodable {
        case text(String)
        case items([Message])

        init(from decoder: any Decoder) throws {
            let single = try decoder.singleValueContainer()
            if let text = try? single.decode(String.self) {
                self = .text(text)
            } else {
                self = .items(try single.decode([Message].self))
            }
        }
    }

    /// A message's content: text, or parts of which the text ones count.
    struct Content: Decodable {
        var text: String

        struct Part: Decodable { var text: String? }

        init(from decoder: any Decoder) throws {
            let single = try decoder.singleValueContainer()
            if let text = try? single.decode(String.self) {
                self.text = text
            } else {
                text = try single.decode([Part].self).compactMap(\.text).joined(separator: " ")
            }
        }
    }

    var model: String?
    var stream: Bool?
    var streamOptions: StreamOptions?
    var messages: [Message]?
    var contents: [Parts]?
    var input: Input?

    enum CodingKeys: String, CodingKey {
        case model, stream, messages, contents, input
        case streamOptions = "stream_options"
    }

    private var texts: [Content?] {
        if let messages { return messages.map(\.content) }
        if let contents { return contents.map(\.parts) }
        if case .items(let items) = input { return items.map(\.content) }
        return []
    }

    var prompt: String {
        if case .text(let text) = input { return text }
        return texts.last??.text ?? ""
    }
    var turns: Int { texts.count }
    var wantsUsage: Bool { streamOptions?.includeUsage ?? false }

    /// nil where the body is not a JSON object of these types.
    init?(body: [UInt8]) {
        guard let request = try? JSONDecoder().decode(ModelRequest.self, from: Data(body)) else { return nil }
        self = request
    }
}

/// A JSON string literal; the only piece of an answer that needs an encoder.
func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": out += "\\\""
        case "\\": out += "\\\\"
        case "\n": out += "\\n"
        case "\r": out += "\\r"
        case "\t": out += "\\t"
        case _ where scalar.value < 0x20 || scalar.value == 0x7F:
            let hex = String(scalar.value, radix: 16)
            out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        default: out.unicodeScalars.append(scalar)
        }
    }
    return out + "\""
}
