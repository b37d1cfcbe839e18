// ConverseStream: the events of a Bedrock conversation. Usage comes in `metadata`, behind the message's stop.

import Vocabulary

struct ConverseStream: WireStream {
    var state = StreamState()
    private var blocks: Set<Int64> = []
    private var nextBlock: Int64 = 0
    private var isStopped = false

    init() {}

    mutating func read(_ name: String, _ data: [UInt8]) -> StreamEvent {
        guard let root = JSONNode.parse(data), root.isObject else { return StreamEvent(disposition: .unreadable) }
        var event = StreamEvent(disposition: .pass)
        let index = root["contentBlockIndex"]?.integer(in: data) ?? 0
        switch name {
        case "messageStart": state.isStarted = true
        case "contentBlockStart": note(index)
        case "contentBlockDelta":
            note(index)
            readDelta(root["delta"], index, data: data, into: &event)
        case "contentBlockStop":
            blocks.remove(index)
            event.closes = state.close { $0.index == index }
        case "messageStop":
            isStopped = true
            event.closes = state.close { _ in true }
            event.addLeaves(of: root["additionalModelResponseFields"], isTool: false, data: data)
        case "metadata":
            state.reported = UsageReader.converse(root, body: data)
            state.isFinished = true
            state.isUsageFinal = true
        // An exception, or an event that is yet to come.
        default: event.addLeaves(of: root, isTool: false, data: data)
        }
        return event
    }

    private mutating func note(_ index: Int64) {
        blocks.insert(index)
        nextBlock = max(nextBlock, min(index, .max - 1) + 1)
    }

    private mutating func readDelta(_ delta: JSONNode?, _ index: Int64, data: [UInt8], into event: inout StreamEvent) {
        state.add(delta?["text"], StreamChannel(role: .text, index: index, call: 0, field: "text"), data: data, into: &event)
        let input = StreamChannel(role: .toolArguments, index: index, call: 0, field: "toolUse")
        state.add(delta?["toolUse"]?["input"], input, data: data, into: &event)
        event.addLeaves(of: delta?["citation"], isTool: false, data: data)
        event.addLeaves(of: delta?["toolResult"], isTool: false, data: data)
    }

    func flush(_ channel: StreamChannel, text: String) -> [UInt8] {
        let delta = channel.role == .toolArguments ? "{\"toolUse\":{\"input\":\(jsonText(text))}}" : "{\"text\":\(jsonText(text))}"
        return Self.event("contentBlockDelta", "{\"contentBlockIndex\":\(channel.index),\"delta\":\(delta)}")
    }

    func closing(note: String) -> [UInt8] {
        var out: [UInt8] = []
        if !isStopped {
            if !state.isStarted { out += Self.event("messageStart", "{\"role\":\"assistant\"}") }
            for index in blocks.sorted() { out += Self.event("contentBlockStop", "{\"contentBlockIndex\":\(index)}") }
            out += flush(StreamChannel(role: .text, index: nextBlock, call: 0, field: "text"), text: note)
            out += Self.event("contentBlockStop", "{\"contentBlockIndex\":\(nextBlock)}")
            out += Self.event("messageStop", "{\"stopReason\":\"end_turn\"}")
        }
        let usage = "{\"inputTokens\":0,\"outputTokens\":0,\"totalTokens\":0}"
        return out + Self.event("metadata", "{\"usage\":\(usage),\"metrics\":{\"latencyMs\":0}}")
    }

    private static func event(_ name: String, _ json: String) -> [UInt8] { EventMessage.bytes(event: name, data: Array(json.utf8)) }
}
