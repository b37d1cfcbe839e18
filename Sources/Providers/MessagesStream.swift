// MessagesStream: messages events. `message_delta.usage` is cumulative, so the last one counts and nothing is summed.

import Vocabulary

struct MessagesStream: WireStream {
    var state = StreamState()
    private var blocks: Set<Int64> = []
    private var nextBlock: Int64 = 0

    init() {}

    mutating func read(_ name: String, _ data: [UInt8]) -> StreamEvent {
        guard let root = JSONNode.parse(data), let type = root["type"]?.text(in: data) else {
            return StreamEvent(disposition: .unreadable)
        }
        var event = StreamEvent(disposition: .pass)
        switch type {
        case "message_start":
            state.isStarted = true
            guard let message = root["message"] else { return StreamEvent(disposition: .unreadable) }
            if let id = message["id"]?.text(in: data) { state.answerID = id }
            if let model = message["model"]?.text(in: data) { state.answerModel = model }
            state.reported = UsageReader.anthropic(message, body: data, over: nil)
        case "content_block_start": startBlock(root, data: data, into: &event)
        case "content_block_delta": readBlockDelta(root, data: data, into: &event)
        case "content_block_stop":
            let index = root["index"]?.integer(in: data) ?? 0
            blocks.remove(index)
            event.closes = state.close { $0.index == index }
        case "message_delta":
            state.reported = UsageReader.anthropic(root, body: data, over: state.reported)
            if let reason = root["delta"]?["stop_reason"], !reason.isNull { state.isUsageFinal = true }
            event.closes = state.close { _ in true }
        case "message_stop":
            state.isFinished = true
            state.isUsageFinal = true
            event.closes = state.close { _ in true }
        case "error": event.addLeaves(of: root["error"], isTool: false, data: data)
        default: break  // ping, and events that are yet to come: no model text that we know of
        }
        return event
    }

    private mutating func startBlock(_ root: JSONNode, data: [UInt8], into event: inout StreamEvent) {
        let index = root["index"]?.integer(in: data) ?? nextBlock
        nextBlock = max(nextBlock, index &+ 1)
        guard let block = root["content_block"] else { return }
        blocks.insert(index)
        switch block["type"]?.text(in: data) {
        case "text":
            state.add(block["text"], StreamChannel(role: .text, index: index, call: 0, field: "text"), data: data, into: &event)
        case "tool_use", "server_tool_use", "mcp_tool_use":
            // A complete input instead of deltas: every string in it is scanned alone.
            event.addLeaves(of: block["input"], isTool: true, data: data)
        default: break  // thinking, which is signed, and results of tools that ran at the provider
        }
    }

    private mutating func readBlockDelta(_ root: JSONNode, data: [UInt8], into event: inout StreamEvent) {
        let index = root["index"]?.integer(in: data) ?? 0
        guard let delta = root["delta"] else { return }
        switch delta["type"]?.text(in: data) {
        case "text_delta":
            state.add(delta["text"], StreamChannel(role: .text, index: index, call: 0, field: "text"), data: data, into: &event)
        case "input_json_delta":
            let channel = StreamChannel(role: .toolArguments, index: index, call: 0, field: "partial_json")
            state.add(delta["partial_json"], channel, data: data, into: &event)
        case "citations_delta":
            guard let cited = delta["citation"]?["cited_text"], let text = cited.text(in: data) else { return }
            event.texts.append(StreamText(channel: nil, range: cited.range, text: text, isToolArguments: false))
        default: break  // thinking_delta and signature_delta: signed, never altered
        }
    }

    func flush(_ channel: StreamChannel, text: String) -> [UInt8] {
        let shape = channel.role == .toolArguments ? ("input_json_delta", "partial_json") : ("text_delta", "text")
        var json = Array(
            "{\"type\":\"content_block_delta\",\"index\":\(channel.index),\"delta\":{\"type\":\"\(shape.0)\",\"\(shape.1)\":".utf8)
        json += jsonQuoted(text) + Array("}}".utf8)
        return ServerSentEvent.bytes(name: "content_block_delta", data: json)
    }

    mutating func closing(note: String) -> [UInt8] {
        func event(_ name: String, _ rest: String) -> [UInt8] {
            ServerSentEvent.bytes(name: name, data: Array("{\"type\":\"\(name)\"\(rest)}".utf8))
        }
        var out: [UInt8] = []
        if !state.isStarted {
            let model = String(decoding: jsonQuoted(state.answerModel), as: UTF8.self)
            out += event(
                "message_start",
                ",\"message\":{\"id\":\"msg_akios\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\(model),\"content\":[],"
                    + "\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":0,\"output_tokens\":0}}")
        }
        for index in blocks.sorted() { out += event("content_block_stop", ",\"index\":\(index)") }
        let at = nextBlock
        out += event("content_block_start", ",\"index\":\(at),\"content_block\":{\"type\":\"text\",\"text\":\"\"}")
        out += flush(StreamChannel(role: .text, index: at, call: 0, field: "text"), text: note)
        out += event("content_block_stop", ",\"index\":\(at)")
        let output = state.reported?.tokens.output ?? 0
        out += event(
            "message_delta",
            ",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":\(output)}")
        out += event("message_stop", "")
        blocks = []
        return out
    }
}
