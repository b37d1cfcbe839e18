// ChatRequest: the chat completions body as facts.

import Vocabulary

extension ProviderRequest {
    mutating func readChatCompletions(_ reader: BodyReader, _ dialect: ChatDialect) throws(Refusal) {
        let body = reader.body
        stream = try reader.flag("stream")
        choices = try reader.count("n", at: 128) ?? 1
        try readOutputCap(reader, dialect)
        try pinTier(reader, to: dialect.tier)
        if stream, dialect.asksForUsage(reader) { try readStreamOptions(reader) }
        guard let messages = reader.field("messages"), messages.isArray else {
            throw reader.rules.malformed("'messages' is not a list")
        }
        for message in messages.elements {
            // An earlier spoken answer, by its id: as many tokens as it was long.
            if let audio = message["audio"], !audio.isNull { unpriced.append("audio") }
            guard let content = message["content"], content.isArray else { continue }
            for part in content.elements { readPart(part, body: body) }
        }
        let tools = readTools(reader)
        if let prediction = reader.field("prediction") { extraOutputBound = Int64(prediction.range.count) * choices }
        for (field, tool) in ChatDialect.servers where reader.field(field) != nil { serverTools.append(tool) }
        for field in ChatDialect.unpriced where reader.field(field) != nil { unpriced.append(field) }
        if Self.searches(model) { serverTools.append("search_model") }
        if let modalities = reader.field("modalities"), modalities.elements.contains(where: { reader.text($0) != "text" }) {
            unpriced.append("modalities")
        }
        if reader.field("audio") != nil { unpriced.append("audio") }
        let structured: Int64 = reader.field("response_format") != nil ? InputBound.structuredOutput : 0
        textTokensBound += Int64(body.count) + InputBound.fixed + tools + structured
    }

    private mutating func readOutputCap(_ reader: BodyReader, _ dialect: ChatDialect) throws(Refusal) {
        let new = try reader.count("max_completion_tokens")
        let old = try reader.count("max_tokens")
        if new != nil, old != nil { throw reader.rules.malformed("both 'max_tokens' and 'max_completion_tokens'") }
        requestedOutput = new ?? old
        // A `null` is a place to write the cap into: a second member of that name would be a repeated key.
        let usual = dialect.capField ?? Self.capField(model: model)
        sites.cap = MemberSite(new != nil ? "max_completion_tokens" : old != nil ? "max_tokens" : usual, in: reader.root)
    }

    /// Reasoning models (o-series, gpt-5 and later) refuse `max_tokens`; older compatible models know only it.
    static func capField(model: String) -> String {
        let name = model.hasPrefix("ft:") ? String(model.dropFirst(3)) : model
        if name.hasPrefix("o"), let second = name.dropFirst().first, second.isASCII, second.isNumber {
            return "max_completion_tokens"
        }
        if name.hasPrefix("gpt-"), let first = name.dropFirst(4).first, let digit = first.wholeNumberValue, digit >= 5 {
            return "max_completion_tokens"
        }
        return "max_tokens"
    }

    /// `-search` as a part of the name, at its end or before another `-`.
    static func searches(_ model: String) -> Bool {
        // By bytes: String's own search prepares tables that cost more than the rest of the request's parsing.
        var rest = model.utf8[...]
        while let dash = rest.firstIndex(of: UInt8(ascii: "-")) {
            rest = rest[rest.index(after: dash)...]
            if rest.prefix(while: { $0 != UInt8(ascii: "-") }).elementsEqual("search".utf8) { return true }
        }
        return false
    }

    /// `auto` may be served at another tier's price; any other tier is priced differently from the book.
    /// - Parameter pinned: nil: the API has no such field, or none that need be set.
    mutating func pinTier(_ reader: BodyReader, to pinned: String?) throws(Refusal) {
        let tier = try reader.string("service_tier")
        sites.tier = MemberSite("service_tier", in: reader.root)
        sites.pinnedTier = tier == pinned ? nil : pinned
        if let tier, tier != pinned ?? "default", tier != "auto" { unpriced.append("service_tier \(RefusalWords.printable(tier))") }
    }

    private mutating func readStreamOptions(_ reader: BodyReader) throws(Refusal) {
        if let options = reader.field("stream_options") {
            guard options.isObject else { throw reader.rules.malformed("'stream_options' is not an object") }
            if options["include_usage"]?.bool == true { return }
        }
        sites.includeUsage = MemberSite("include_usage", of: "stream_options", in: reader.root)
    }

    private mutating func readPart(_ part: JSONNode, body: [UInt8]) {
        let type = part["type"]?.text(in: body) ?? ""
        switch type {
        case _ where KnownParts.openAIText.contains(type): break
        case "image_url":
            // `image_url` may be the address itself or an object around it.
            let url = part["image_url"]?["url"] ?? part["image_url"]
            countImage(url, isInline: url?.text(in: body)?.hasPrefix("data:") == true)
        default:
            // input_audio, file, and whatever comes next: bytes that cost we do not know what.
            binaryParts += 1
            if part["file"]?["file_id"] != nil { serverTools.append("file_reference") }
            unpriced.append("content part '\(RefusalWords.printable(type))'")
        }
    }

    mutating func countImage(_ data: JSONNode?, isInline: Bool) {
        images += 1
        guard isInline, let data else { return serverTools.append("url_fetch") }
        binaryParts += 1
        textTokensBound -= Int64(data.range.count)
    }

    /// Upper bound of the tokens that tool definitions add beyond their own bytes.
    private mutating func readTools(_ reader: BodyReader) -> Int64 {
        let tools = reader.field("tools")?.elements ?? []
        for tool in tools {
            let type = reader.text(tool["type"]) ?? ""
            if type != "function", type != "custom" { serverTools.append(RefusalWords.printable(type)) }
        }
        let functions = reader.field("functions")?.elements ?? []
        return tools.isEmpty && functions.isEmpty
            ? 0 : InputBound.toolPrompt + InputBound.perTool * Int64(tools.count + functions.count)
    }
}

/// What providers add to the text of a body, in tokens, generously.
enum InputBound {
    static let fixed: Int64 = 64
    /// Anthropic documents up to 346 tokens of system prompt for tool use.
    static let toolPrompt: Int64 = 1024
    static let perTool: Int64 = 64
    /// Typed client tools (bash, text editor, computer) bring a definition of up to 735 tokens each.
    static let typedTool: Int64 = 1024
    static let structuredOutput: Int64 = 1024
}
