// ResponsesRequest: the body of a response as facts.

import Vocabulary

extension ProviderRequest {
    mutating func readResponses(_ reader: BodyReader, _ format: ResponsesFormat) throws(Refusal) {
        let (root, call) = (reader.root, format.call)
        if call == .create {
            stream = try reader.flag("stream")
            requestedOutput = try reader.count("max_output_tokens")
            sites.cap = MemberSite("max_output_tokens", in: root)
        }
        try pinTier(reader, to: format.hasTiers ? "default" : nil)
        // The answer, and with it the bill, would come later and elsewhere.
        if try reader.flag("background") { unpriced.append("background") }
        // Input that the provider adds out of its own store.
        for field in ["previous_response_id", "conversation", "prompt"] where reader.field(field) != nil { unpriced.append(field) }
        if let passes = reader.field("context_management"), !passes.elements.isEmpty { unpriced.append("context_management") }
        if let mode = reader.text(reader.field("reasoning")?["mode"]), mode != "standard" { unpriced.append("reasoning.mode") }
        if Self.cachesLong(root, body: reader.body) { unpriced.append("prompt cache of 12 hours") }
        if Self.searches(model) { serverTools.append("search_model") }

        let input = reader.field("input")
        guard input == nil || input?.isString == true || input?.isArray == true else {
            throw reader.rules.malformed("'input' is neither text nor a list")
        }
        var added: Int64 = 0
        for item in input?.elements ?? [] { added += readResponseItem(item, reader) }
        added += readResponseTools(reader.field("tools"), reader)
        sites.omittable = Self.omittable(reader)
        if reader.field("text")?["format"] != nil { added += InputBound.structuredOutput }
        textTokensBound += Int64(reader.body.count) + InputBound.fixed + added
    }

    /// - Returns: tokens that the item adds beyond its own bytes.
    private mutating func readResponseItem(_ item: JSONNode, _ reader: BodyReader) -> Int64 {
        guard let type = reader.text(item["type"]) ?? (item["role"] != nil ? "message" : nil) else {
            // An id alone stands for an item in the provider's store.
            unpriced.append("item_reference")
            return 0
        }
        switch type {
        case "message": readResponseParts(item["content"], reader)
        case "function_call_output", "custom_tool_call_output": readResponseParts(item["output"], reader)
        case "computer_call_output": readResponseImage(item["output"], reader)
        case "function_call", "custom_tool_call", "local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output",
            "apply_patch_call", "apply_patch_call_output", "computer_call", "compaction", "compaction_summary":
            break
        case "reasoning":
            // Without its cipher text the provider takes it from its store: as long as it ever was.
            if item["encrypted_content"]?.isString != true { hasUnseenInput = true }
        case "additional_tools", "tool_search_output": return readResponseTools(item["tools"], reader)
        case "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call", "mcp_list_tools",
            "mcp_approval_request", "mcp_approval_response", "tool_search_call", "program", "program_output":
            // The rest of a server tool's turn, whose results the provider may hold.
            if type != "tool_search_call" || reader.text(item["execution"]) != "client" { serverTools.append(type) }
        default: unpriced.append("input item '\(RefusalWords.printable(type))'")
        }
        return 0
    }

    private mutating func readResponseParts(_ content: JSONNode?, _ reader: BodyReader) {
        for part in content?.elements ?? [] {
            let type = reader.text(part["type"]) ?? ""
            switch type {
            case "input_text", "output_text", "refusal", "text", "summary_text", "reasoning_text": break
            case "input_image", "computer_screenshot": readResponseImage(part, reader)
            default:
                binaryParts += 1
                if part["file_id"]?.isString == true { serverTools.append("file_reference") }
                if part["file_url"]?.isString == true { serverTools.append("url_fetch") }
                unpriced.append("content part '\(RefusalWords.printable(type))'")
            }
        }
    }

    private mutating func readResponseImage(_ part: JSONNode?, _ reader: BodyReader) {
        if part?["file_id"]?.isString == true { serverTools.append("file_reference") }
        let url = part?["image_url"]
        countImage(url, isInline: reader.text(url)?.hasPrefix("data:") == true)
    }

    /// - Returns: tokens that the definitions add beyond their own bytes.
    private mutating func readResponseTools(_ list: JSONNode?, _ reader: BodyReader) -> Int64 {
        let tools = list?.elements ?? []
        var added: Int64 = tools.isEmpty ? 0 : InputBound.toolPrompt
        for tool in tools {
            let type = reader.text(tool["type"]) ?? ""
            added += InputBound.perTool
            switch type {
            case "function", "custom": break
            case "local_shell", "apply_patch": added += InputBound.typedTool
            case "namespace": added += readResponseTools(tool["tools"], reader)
            case "shell" where reader.text(tool["environment"]?["type"]) == "local": added += InputBound.typedTool
            case "tool_search" where reader.text(tool["execution"]) == "client": added += InputBound.typedTool
            default: serverTools.append(RefusalWords.printable(type))
            }
        }
        return added
    }

    /// Coding agents offer a search of the web and pictures with every turn, whatever it is about. They can be left out where
    /// other tools remain and none is demanded by name.
    private static func omittable(_ reader: BodyReader) -> [BodyEdit] {
        let choice = reader.field("tool_choice")
        guard let tools = reader.field("tools"), choice == nil || choice?.isString == true else { return [] }
        let extra = tools.elements.indices.filter { index in
            let type = reader.text(tools.elements[index]["type"]) ?? ""
            return type.hasPrefix("web_search") || type == "image_generation"
        }
        return extra.count < tools.elements.count ? extra.map { tools.removal(ofElement: $0, among: extra) } : []
    }

    /// Whether any cache breakpoint asks for more than the usual half hour, whose price is not in the book.
    private static func cachesLong(_ node: JSONNode, body: [UInt8]) -> Bool {
        node.members.contains { member in
            let isCache = member.key == "prompt_cache_options" || member.key == "prompt_cache_breakpoint"
            if isCache, let ttl = member.value["ttl"], !ttl.isNull, ttl.text(in: body) != "30m" { return true }
            return cachesLong(member.value, body: body)
        } || node.elements.contains { cachesLong($0, body: body) }
    }
}
