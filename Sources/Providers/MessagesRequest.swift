// MessagesRequest: the messages body as facts.

import Vocabulary

extension ProviderRequest {
    mutating func readMessages(_ reader: BodyReader) throws(Refusal) {
        let (root, body) = (reader.root, reader.body)
        stream = try reader.flag("stream")
        requestedOutput = try reader.count("max_tokens")
        sites.cap = MemberSite("max_tokens", in: root)
        guard let messages = reader.field("messages"), messages.isArray else {
            throw reader.rules.malformed("'messages' is not a list")
        }
        if kind == .messages { try pinTier(reader, to: "standard_only") }
        try readThinking(reader)
        for message in messages.elements { readContent(message["content"], body: body) }
        readContent(reader.field("system"), body: body)
        let tools = readTools(reader)
        cacheWrite = Self.cacheWrite(root, named: "cache_control", body: body)
        if let servers = reader.field("mcp_servers"), !servers.elements.isEmpty { serverTools.append("mcp_servers") }
        if reader.field("container") != nil { serverTools.append("container") }
        for edit in reader.field("context_management")?["edits"]?.elements ?? [] {
            // Clearing old tool results is free; compaction is a model pass of its own.
            let type = reader.text(edit["type"]) ?? ""
            if !type.hasPrefix("clear_") { unpriced.append("context_management \(RefusalWords.printable(type))") }
        }
        if let speed = try reader.string("speed"), speed != "standard" { unpriced.append("speed") }
        if let geo = try reader.string("inference_geo"), geo != "global" { unpriced.append("inference_geo") }
        let structured = reader.field("output_config") != nil || reader.field("output_format") != nil
        textTokensBound += Int64(body.count) + Self.normalisationGrowth(body) + InputBound.fixed + tools
        if structured { textTokensBound += InputBound.structuredOutput }
    }

    private mutating func readThinking(_ reader: BodyReader) throws(Refusal) {
        guard let thinking = reader.field("thinking") else { return }
        guard thinking.isObject else { throw reader.rules.malformed("'thinking' is not an object") }
        sites.thinkingTokens = try reader.count("budget_tokens", of: thinking)
        sites.thinkingBudget = thinking["budget_tokens"]?.range
        if let tokens = sites.thinkingTokens, tokens < Self.leastThinking {
            throw reader.rules.malformed("'thinking.budget_tokens' is below \(Self.leastThinking)")
        }
    }

    /// Text or a list of blocks; blocks may nest (tool results, documents of blocks).
    private mutating func readContent(_ content: JSONNode?, body: [UInt8]) {
        for block in content?.elements ?? [] {
            let type = block["type"]?.text(in: body) ?? ""
            switch type {
            case _ where KnownParts.anthropicText.contains(type):
                // A tool's input is the agent's own JSON, whatever it looks like; results hold blocks.
                if type != "tool_use" { readContent(block["content"], body: body) }
            case "image": readSource(block["source"], body: body)
            case "document": readDocument(block, body: body)
            case "container_upload": serverTools.append("container")
            default:
                binaryParts += 1
                unpriced.append("content block '\(RefusalWords.printable(type))'")
            }
        }
    }

    private mutating func readSource(_ source: JSONNode?, body: [UInt8]) {
        let inline = source?["type"]?.text(in: body) == "base64"
        countImage(source?["data"], isInline: inline)
    }

    private mutating func readDocument(_ block: JSONNode, body: [UInt8]) {
        // Citations cut a document into numbered pieces: at most as much again as its text.
        if block["citations"] != nil { textTokensBound += Int64(block.range.count) }
        switch block["source"]?["type"]?.text(in: body) {
        case "text": break
        case "content": readContent(block["source"]?["content"], body: body)
        case "base64":
            binaryParts += 1
            unpriced.append("document of bytes")
        case "file": serverTools.append("file_reference")
        default: serverTools.append("url_fetch")
        }
    }

    private mutating func readTools(_ reader: BodyReader) -> Int64 {
        let tools = reader.field("tools")?.elements ?? []
        var added: Int64 = tools.isEmpty ? 0 : InputBound.toolPrompt
        for tool in tools {
            added += InputBound.perTool
            guard let type = reader.text(tool["type"]), type != "custom" else { continue }
            added += InputBound.typedTool
            if !ClientTools.runsAtClient(anthropicType: type) { serverTools.append(RefusalWords.printable(type)) }
        }
        return added
    }

    /// The dearest cache write that any member `name` in the body asks for.
    static func cacheWrite(_ node: JSONNode, named name: String, body: [UInt8]) -> CacheWrite {
        var worst = CacheWrite.none
        for member in node.members {
            if member.key == name, !member.value.isNull {
                worst = max(
                    worst, member.value["ttl"]?.text(in: body) == "5m" || member.value["ttl"] == nil ? .fiveMinutes : .oneHour)
            }
            worst = max(worst, cacheWrite(member.value, named: name, body: body))
        }
        for element in node.elements { worst = max(worst, cacheWrite(element, named: name, body: body)) }
        return worst
    }

    /// Extra bytes that compatibility normalisation (NFKC) could make of the text before it is tokenised: the
    /// presentation forms U+FB00–FDFF (at worst 3 bytes to 33, U+FDFA) and the squared words U+3200–33FF (3 to 18).
    static func normalisationGrowth(_ body: [UInt8]) -> Int64 {
        var growth: Int64 = 0
        for index in body.indices.dropLast() {
            switch (body[index], body[index + 1]) {
            case (0xef, 0xac...0xb7), (0xe3, 0x88...0x8f): growth += 30
            // The same written as an escape.
            case (UInt8(ascii: "\\"), UInt8(ascii: "u")) where index + 3 < body.count:
                switch (body[index + 2] | 0x20, body[index + 3] | 0x20) {
                case (UInt8(ascii: "f"), UInt8(ascii: "b")...UInt8(ascii: "d")), (0x33, 0x32...0x33): growth += 30
                default: break
                }
            default: break
            }
        }
        return growth
    }
}
