// GeminiRequest: the body of generateContent as facts.

import Vocabulary

extension ProviderRequest {
    mutating func readGemini(_ reader: BodyReader, _ call: GeminiFormat.Call) throws(Refusal) {
        stream = call == .stream
        if stream, reader.query("alt") != ["sse"] {
            throw reader.rules.words.refusal(
                .unpricedOperation, reason: "streamGenerateContent without alt=sse is not read",
                what: "this stream can only be metered as server-sent events (alt=sse)")
        }
        let config = reader.field("generationConfig")
        guard config == nil || config?.isObject == true else { throw reader.rules.malformed("'generationConfig' is not an object") }
        // The API takes every name in two spellings; only one of them is read here.
        for member in reader.root.members + (config?.members ?? []) where member.key.utf8.contains(UInt8(ascii: "_")) {
            throw reader.rules.malformed("'\(RefusalWords.printable(member.key))' is written with underscores, use the JSON name")
        }
        if call != .countTokens {
            requestedOutput = try reader.count("maxOutputTokens", of: config)
            choices = try reader.count("candidateCount", of: config, at: 128) ?? 1
            sites.cap = MemberSite("maxOutputTokens", of: "generationConfig", in: reader.root)
        }
        readGeminiConfig(config, reader)
        if reader.field("cachedContent") != nil { unpriced.append("cachedContent") }
        // Protocol buffers' JSON takes a number for it too.
        if let node = reader.field("serviceTier"), case let tier = reader.text(node) ?? "by number",
            !["standard", "unspecified"].contains(tier.lowercased())
        {
            unpriced.append("serviceTier \(RefusalWords.printable(tier))")
        }
        // A count may hold the whole request instead of its parts.
        let whole = reader.field("generateContentRequest")
        for content in [reader.field("contents"), whole?["contents"]] {
            for turn in content?.oneOrMore ?? [] { readGeminiParts(turn["parts"], reader) }
        }
        readGeminiParts((reader.field("systemInstruction") ?? whole?["systemInstruction"])?["parts"], reader)
        let tools = (reader.field("tools") ?? whole?["tools"])?.oneOrMore ?? []
        var functions: Int64 = 0
        for member in tools.flatMap(\.members) {
            if member.key == "functionDeclarations" {
                functions += Int64(member.value.oneOrMore.count)
            } else {
                serverTools.append(RefusalWords.printable(member.key))
            }
        }
        textTokensBound += Int64(reader.body.count) + InputBound.fixed
        if !tools.isEmpty { textTokensBound += InputBound.toolPrompt + InputBound.perTool * functions }
    }

    private mutating func readGeminiConfig(_ config: JSONNode?, _ reader: BodyReader) {
        if let kinds = config?["responseModalities"]?.oneOrMore, kinds.contains(where: { reader.text($0)?.uppercased() != "TEXT" })
        {
            unpriced.append("responseModalities")
        }
        for field in ["speechConfig", "imageConfig"] where config?[field] != nil { unpriced.append(field) }
        if config?["responseSchema"] != nil || config?["responseJsonSchema"] != nil {
            textTokensBound += InputBound.structuredOutput
        }
    }

    private mutating func readGeminiParts(_ parts: JSONNode?, _ reader: BodyReader) {
        for member in (parts?.oneOrMore ?? []).flatMap(\.members) {
            switch member.key {
            case "text", "thought", "thoughtSignature", "functionCall", "executableCode", "codeExecutionResult", "partMetadata":
                break
            case "functionResponse": readGeminiParts(member.value["parts"], reader)
            case "inlineData" where reader.text(member.value["mimeType"])?.hasPrefix("image/") == true:
                countImage(member.value["data"], isInline: true)
            case "fileData": serverTools.append("file_reference")
            default:
                binaryParts += 1
                unpriced.append("part '\(RefusalWords.printable(member.key))'")
            }
        }
    }
}

extension JSONNode {
    /// A repeated field: the API takes one value where a list is meant, without the list around it.
    fileprivate var oneOrMore: [JSONNode] { isArray ? elements : isNull ? [] : [self] }
}
