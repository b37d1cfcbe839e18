// ResponsesStream: events of a response. Every text comes three times or more: in deltas, whole when its part is done, and
// again with its item and with the response. All of them are redacted alike; only the first is counted.

import Vocabulary

struct ResponsesStream: WireStream {
    var state = StreamState()
    /// What a delta needs besides its text, by channel: the item's id and the name of the index within it.
    private var places: [StreamChannel: Place] = [:]
    private var nextItem: Int64 = 0
    private var sequence: Int64 = 0

    private struct Place: Sendable {
        var item: String?
        var indexName: String?
    }

    init() {}

    private static let indexNames = ["content_index", "summary_index", "command_index"]

    mutating func read(_ name: String, _ data: [UInt8]) -> StreamEvent {
        // The type is written again where held-back text goes out, as an event's name too: a plain word, or nothing.
        guard let root = JSONNode.parse(data), let type = root["type"]?.text(in: data), type.utf8.allSatisfy(Self.isPlain) else {
            return StreamEvent(disposition: .unreadable)
        }
        var event = StreamEvent(disposition: .pass)
        if let number = root["sequence_number"]?.integer(in: data) { sequence = max(0, min(number, 1 << 53)) }
        let index = root["output_index"]?.integer(in: data) ?? 0
        nextItem = max(nextItem, min(index, .max - 1) + 1)
        var found = AnswerFinder(body: data)
        switch type {
        case "response.created", "response.queued", "response.in_progress": start(root["response"], data: data)
        case "response.completed", "response.incomplete", "response.failed":
            start(root["response"], data: data)
            finish(root["response"], data: data, into: &event)
        case "response.output_item.added": root["item"].map { found.responseItem($0) }
        case "response.output_item.done":
            event.closes = state.close { $0.index == index }
            root["item"].map { found.responseItem($0) }
        case "response.content_part.added", "response.content_part.done", "response.reasoning_summary_part.added",
            "response.reasoning_summary_part.done":
            root["part"].map { found.responsePart($0) }
        case "error": event.addLeaves(of: root, isTool: false, data: data)
        case _ where type.hasSuffix(".delta"): readDelta(root, String(type.dropLast(6)), index, data: data, into: &event)
        case _ where type.hasSuffix(".done"):
            let channel = channel(of: root, String(type.dropLast(5)), index, data: data).0
            event.closes = state.close { $0 == channel }
            found.responsePart(root)
            for field in ["arguments", "input", "code", "command"] { found.add(root[field], tool: true) }
            for output in root["output"]?.elements ?? [] { found.leaves(output, tool: false) }
        case "response.output_text.annotation.added": found.add(root["annotation"]?["title"])
        default: found.add(root["command"], tool: true)
        }
        event.add(found, isRepeat: type.hasSuffix(".done"))
        return event
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: ".")
    }

    private mutating func start(_ response: JSONNode?, data: [UInt8]) {
        state.isStarted = true
        if let id = response?["id"]?.text(in: data) { state.answerID = id }
        if let model = response?["model"]?.text(in: data) { state.answerModel = model }
        if let time = response?["created_at"]?.integer(in: data) { state.created = time }
    }

    private mutating func finish(_ response: JSONNode?, data: [UInt8], into event: inout StreamEvent) {
        state.isFinished = true
        state.isUsageFinal = true
        event.closes = state.close { _ in true }
        guard let response else { return }
        state.reported = UsageReader.responses(response, body: data)
        var found = AnswerFinder(body: data)
        for item in response["output"]?.elements ?? [] { found.responseItem(item) }
        found.leaves(response["error"], tool: false)
        event.add(found, isRepeat: true)
    }

    private func channel(of root: JSONNode, _ type: String, _ index: Int64, data: [UInt8]) -> (StreamChannel, Place) {
        let role: StreamChannel.Role =
            switch type {
            case "response.output_text", "response.audio.transcript": .text
            case "response.refusal": .refusal
            case "response.reasoning_text", "response.reasoning_summary_text": .reasoning
            case _ where type.contains("_call"): .toolArguments
            default: .text
            }
        let within = Self.indexNames.first { root[$0] != nil }
        let call = within.flatMap { root[$0]?.integer(in: data) } ?? 0
        return (
            StreamChannel(role: role, index: index, call: call, field: type),
            Place(item: root["item_id"]?.text(in: data), indexName: within)
        )
    }

    private mutating func readDelta(_ root: JSONNode, _ type: String, _ index: Int64, data: [UInt8], into event: inout StreamEvent)
    {
        guard type != "response.audio" else { return }
        let (channel, place) = channel(of: root, type, index, data: data)
        if root["delta"]?.isString == true {
            places[channel] = place
            state.add(root["delta"], channel, data: data, into: &event)
        } else {
            // A shell's output comes as an object.
            event.addLeaves(of: root["delta"], isTool: false, data: data)
        }
        if state.dropLogprobs, let logprobs = root["logprobs"], !logprobs.isNull {
            event.edits.append(BodyEdit(logprobs.range, "[]"))
        }
    }

    func flush(_ channel: StreamChannel, text: String) -> [UInt8] {
        let place = places[channel]
        var fields = ",\"output_index\":\(channel.index)"
        if let item = place?.item { fields += ",\"item_id\":" + jsonText(item) }
        if let name = place?.indexName { fields += ",\"\(name)\":\(channel.call)" }
        if channel.field == "response.output_text" { fields += ",\"logprobs\":[]" }
        return Self.event("\(channel.field).delta", sequence, fields + ",\"delta\":" + jsonText(text))
    }

    /// The note as a message of its own, and then the response as completed: clients act on nothing that is not done.
    mutating func closing(note: String) -> [UInt8] {
        let head =
            "{\"id\":\(jsonText(state.answerID)),\"object\":\"response\",\"created_at\":\(state.created),\"model\":\(jsonText(state.answerModel))"
        let rest =
            ",\"error\":null,\"incomplete_details\":null,\"instructions\":null,\"metadata\":{},\"parallel_tool_calls\":true,"
            + "\"tool_choice\":\"auto\",\"tools\":[]"
        var out: [UInt8] = []
        func add(_ name: String, _ fields: String) {
            sequence += 1
            out += Self.event(name, sequence, fields)
        }
        if !state.isStarted { add("response.created", ",\"response\":\(head)\(rest),\"status\":\"in_progress\",\"output\":[]}") }
        let at = ",\"output_index\":\(nextItem)"
        let part = { (text: String) in "{\"type\":\"output_text\",\"text\":\(jsonText(text)),\"annotations\":[]}" }
        let item = { (status: String, content: String) in
            "{\"id\":\"msg_akios\",\"type\":\"message\",\"role\":\"assistant\",\"status\":\"\(status)\",\"content\":[\(content)]}"
        }
        let inPart = at + ",\"item_id\":\"msg_akios\",\"content_index\":0"
        add("response.output_item.added", at + ",\"item\":" + item("in_progress", ""))
        add("response.content_part.added", inPart + ",\"part\":" + part(""))
        add("response.output_text.delta", inPart + ",\"logprobs\":[],\"delta\":" + jsonText(note))
        add("response.output_text.done", inPart + ",\"logprobs\":[],\"text\":" + jsonText(note))
        add("response.content_part.done", inPart + ",\"part\":" + part(note))
        add("response.output_item.done", at + ",\"item\":" + item("completed", part(note)))
        let output = item("completed", part(note))
        add("response.completed", ",\"response\":\(head)\(rest),\"status\":\"completed\",\"output\":[\(output)],\"usage\":null}")
        return out
    }

    private static func event(_ name: String, _ sequence: Int64, _ fields: String) -> [UInt8] {
        ServerSentEvent.bytes(name: name, data: Array("{\"type\":\"\(name)\",\"sequence_number\":\(sequence)\(fields)}".utf8))
    }
}
