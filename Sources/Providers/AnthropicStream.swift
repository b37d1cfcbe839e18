// AnthropicStream: messages events. `message_delta.usage` is cumulative, so the last one counts and nothing is summed.

import Vocabulary

extension StreamReader {
    mutating func readAnthropic(_ data: [UInt8]) -> StreamEvent {
        guard let root = JSONNode.parse(data), let type = root["type"]?.text(in: data) else {
            return StreamEvent(disposition: .unreadable)
        }
        var event = StreamEvent(disposition: .pass)
        switch type {
        case "message_start":
            started = true
            guard let message = root["message"] else { return StreamEvent(disposition: .unreadable) }
            if let id = message["id"]?.text(in: data) { answerID = id }
            if let model = message["model"]?.text(in: data) { answerModel = model }
            reported = UsageReader.anthropic(message, body: data, over: nil)
        case "content_block_start": startBlock(root, data: data, into: &event)
        case "content_block_delta": readBlockDelta(root, data: data, into: &event)
        case "content_block_stop":
            let index = root["index"]?.integer(in: data) ?? 0
            blocks[index] = nil
            event.closes = close { $0.index == index }
        case "message_delta":
            reported = UsageReader.anthropic(root, body: data, over: reported)
            if let reason = root["delta"]?["stop_reason"], !reason.isNull { isUsageFinal = true }
            event.closes = close { _ in true }
        case "message_stop":
            isFinished = true
            isUsageFinal = true
            event.closes = close { _ in true }
        case "error": if let error = root["error"] { addLeaves(of: error, isTool: false, data: data, into: &event) }
        default: break  // ping, and events that are yet to come: no model text that we know of
        }
        return event
    }

    private mutating func startBlock(_ root: JSONNode, data: [UInt8], into event: inout StreamEvent) {
        let index = root["index"]?.integer(in: data) ?? nextBlock
        nextBlock = max(nextBlock, index &+ 1)
        guard let block = root["content_block"] else { return }
        switch block["type"]?.text(in: data) {
        case "text":
            blocks[index] = .text
            add(block["text"], StreamChannel(role: .text, index: index, call: 0, field: "text"), data: data, into: &event)
        case "tool_use", "server_tool_use", "mcp_tool_use":
            blocks[index] = .toolUse
            // A complete input instead of deltas: every string in it is scanned alone.
            if let input = block["input"] { addLeaves(of: input, isTool: true, data: data, into: &event) }
        case "thinking", "redacted_thinking": blocks[index] = .signed
        default: blocks[index] = .other
        }
    }

    private mutating func readBlockDelta(_ root: JSONNode, data: [UInt8], into event: inout StreamEvent) {
        let index = root["index"]?.integer(in: data) ?? 0
        guard let delta = root["delta"] else { return }
        switch delta["type"]?.text(in: data) {
        case "text_delta":
            add(delta["text"], StreamChannel(role: .text, index: index, call: 0, field: "text"), data: data, into: &event)
        case "input_json_delta":
            let channel = StreamChannel(role: .toolArguments, index: index, call: 0, field: "partial_json")
            add(delta["partial_json"], channel, data: data, into: &event)
        case "citations_delta":
            guard let cited = delta["citation"]?["cited_text"], let text = cited.text(in: data) else { return }
            event.texts.append(StreamText(channel: nil, range: cited.range, text: text, isToolArguments: false))
        default: break  // thinking_delta and signature_delta: signed, never altered
        }
    }

    /// Every string of a value that comes whole.
    func addLeaves(of node: JSONNode, isTool: Bool, data: [UInt8], into event: inout StreamEvent) {
        if let text = node.text(in: data) {
            event.texts.append(StreamText(channel: nil, range: node.range, text: text, isToolArguments: isTool))
        }
        for member in node.members { addLeaves(of: member.value, isTool: isTool, data: data, into: &event) }
        for element in node.elements { addLeaves(of: element, isTool: isTool, data: data, into: &event) }
    }

    func flushAnthropic(_ channel: StreamChannel, text: String) -> [UInt8] {
        let shape = channel.role == .toolArguments ? ("input_json_delta", "partial_json") : ("text_delta", "text")
        var json = Array(
            "{\"type\":\"content_block_delta\",\"index\":\(channel.index),\"delta\":{\"type\":\"\(shape.0)\",\"\(shape.1)\":".utf8)
        json += jsonQuoted(text) + Array("}}".utf8)
        return ServerSentEvent.bytes(name: "content_block_delta", data: json)
    }

    mutating func closeAnthropic(note: String) -> [UInt8] {
        guard !isFinished else { return [] }
        func event(_ name: String, _ rest: String) -> [UInt8] {
            ServerSentEvent.bytes(name: name, data: Array("{\"type\":\"\(name)\"\(rest)}".utf8))
        }
        var out: [UInt8] = []
        if !started {
            let model = String(decoding: jsonQuoted(answerModel), as: UTF8.self)
            out += event(
                "message_start",
                ",\"message\":{\"id\":\"msg_akios\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\(model),\"content\":[],"
                    + "\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":0,\"output_tokens\":0}}")
        }
        for index in blocks.keys.sorted() { out += event("content_block_stop", ",\"index\":\(index)") }
        let at = nextBlock
        out += event("content_block_start", ",\"index\":\(at),\"content_block\":{\"type\":\"text\",\"text\":\"\"}")
        out += flushAnthropic(StreamChannel(role: .text, index: at, call: 0, field: "text"), text: note)
        out += event("content_block_stop", ",\"index\":\(at)")
        let output = reported?.tokens.output ?? 0
        out += event(
            "message_delta",
            ",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":\(output)}")
        out += event("message_stop", "")
        open = []
        blocks = [:]
        return out
    }
}
