// ChatStream: chat completion chunks (`data:` lines, ended by `[DONE]`).

import JSONBytes
import Vocabulary

struct ChatStream: WireStream {
    var state = StreamState()
    private var finishedChoices: Set<Int64> = []
    private var seenChoices: Set<Int64> = []

    init() {}

    /// Members of a choice that repeat the text token by token.
    static let odds = ["logprobs", "prompt_logprobs"]

    mutating func read(_ name: String, _ data: [UInt8]) -> StreamEvent {
        if data.elementsEqual("[DONE]".utf8) {
            state.isFinished = true
            state.isUsageFinal = true
            return StreamEvent(disposition: .pass, closes: state.close { _ in true })
        }
        guard let root = JSONNode.parse(data), root.isObject else { return StreamEvent(disposition: .unreadable) }
        var event = StreamEvent(disposition: .pass)
        if let id = root["id"]?.text(in: data) { state.answerID = id }
        if let model = root["model"]?.text(in: data) { state.answerModel = model }
        if let time = root["created"]?.integer(in: data) { state.created = time }
        state.isStarted = true
        readUsage(root, data: data, into: &event)
        if let error = root["error"] { event.addLeaves(of: error, isTool: false, data: data) }
        for choice in root["choices"]?.elements ?? [] {
            let index = choice["index"]?.integer(in: data) ?? 0
            seenChoices.insert(index)
            if let delta = choice["delta"] ?? choice["message"] { readDelta(delta, choice: index, data: data, into: &event) }
            for field in Self.odds where state.dropLogprobs {
                if let logprobs = choice[field], !logprobs.isNull { event.edits.append(BodyEdit(logprobs.range, "null")) }
            }
            if let reason = choice["finish_reason"], !reason.isNull {
                finishedChoices.insert(index)
                event.closes += state.close { $0.index == index }
            }
        }
        return event
    }

    private mutating func readUsage(_ root: JSONNode, data: [UInt8], into event: inout StreamEvent) {
        if let found = UsageReader.openAI(root, body: data) {
            state.reported = found
            // Some servers report with every chunk: only the report behind the last choice is whole.
            state.isUsageFinal = root["choices"]?.elements.isEmpty ?? true
        }
        guard state.stripUsage, let at = root.members.firstIndex(where: { $0.key == "usage" }) else { return }
        if !root.members[at].value.isNull, let choices = root["choices"], choices.isArray, choices.elements.isEmpty {
            event.disposition = .drop
            return
        }
        event.edits.append(root.removal(ofMember: at))
    }

    private mutating func readDelta(_ delta: JSONNode, choice: Int64, data: [UInt8], into event: inout StreamEvent) {
        let fields: [(String, StreamChannel.Role)] = [
            ("content", .text), ("refusal", .refusal), ("reasoning_content", .reasoning), ("reasoning", .reasoning),
        ]
        for (field, role) in fields {
            state.add(delta[field], StreamChannel(role: role, index: choice, call: 0, field: field), data: data, into: &event)
        }
        // Mistral's words come as parts as soon as there are thoughts among them.
        for part in delta["content"]?.elements ?? [] {
            let text = StreamChannel(role: .text, index: choice, call: 0, field: "content")
            state.add(part["text"], text, data: data, into: &event)
            for thought in part["thinking"]?.elements ?? [] {
                let channel = StreamChannel(role: .reasoning, index: choice, call: 0, field: "thinking")
                state.add(thought["text"], channel, data: data, into: &event)
            }
        }
        for call in delta["tool_calls"]?.elements ?? [] {
            let number = call["index"]?.integer(in: data) ?? 0
            let channel = StreamChannel(role: .toolArguments, index: choice, call: number, field: "arguments")
            state.add(call["function"]?["arguments"], channel, data: data, into: &event)
            let custom = StreamChannel(role: .toolArguments, index: choice, call: number, field: "input")
            state.add(call["custom"]?["input"], custom, data: data, into: &event)
        }
        let old = StreamChannel(role: .toolArguments, index: choice, call: -1, field: "arguments")
        state.add(delta["function_call"]?["arguments"], old, data: data, into: &event)
    }

    private func chunk(choice: Int64, delta: [UInt8], finish: String?) -> [UInt8] {
        var json = Array("{\"id\":".utf8) + jsonQuoted(state.answerID)
        json +=
            Array(",\"object\":\"chat.completion.chunk\",\"created\":\(state.created),\"model\":".utf8)
            + jsonQuoted(state.answerModel)
        json += Array(",\"choices\":[{\"index\":\(choice),\"delta\":{".utf8) + delta
        json += Array("},\"finish_reason\":\(finish.map { "\"\($0)\"" } ?? "null")}]}".utf8)
        return ServerSentEvent.bytes(name: nil, data: json)
    }

    func flush(_ channel: StreamChannel, text: String) -> [UInt8] {
        let quoted = jsonQuoted(text)
        let delta: [UInt8]
        switch (channel.role, channel.call, channel.field) {
        case (.toolArguments, -1, _): delta = Array("\"function_call\":{\"arguments\":".utf8) + quoted + [UInt8(ascii: "}")]
        case (.toolArguments, let call, "input"):
            delta = Array("\"tool_calls\":[{\"index\":\(call),\"custom\":{\"input\":".utf8) + quoted + Array("}}]".utf8)
        case (.toolArguments, let call, _):
            delta = Array("\"tool_calls\":[{\"index\":\(call),\"function\":{\"arguments\":".utf8) + quoted + Array("}}]".utf8)
        case (_, _, "thinking"):
            let part = Array("[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":".utf8)
            delta = Array("\"content\":".utf8) + part + quoted + Array("}]}]".utf8)
        default: delta = Array("\"\(channel.field)\":".utf8) + quoted
        }
        return chunk(choice: channel.index, delta: delta, finish: nil)
    }

    mutating func closing(note: String) -> [UInt8] {
        var out: [UInt8] = []
        for choice in (seenChoices.isEmpty ? [0] : seenChoices.subtracting(finishedChoices).sorted()) {
            let role = state.isStarted ? "" : "\"role\":\"assistant\","
            out += chunk(choice: choice, delta: Array("\(role)\"content\":".utf8) + jsonQuoted("\n\n" + note), finish: nil)
            out += chunk(choice: choice, delta: [], finish: "stop")
        }
        return out + ServerSentEvent.bytes(name: nil, data: Array("[DONE]".utf8))
    }
}

extension JSONNode {
    /// Takes an element out of its list together with one comma, such that all of `removed` may go at once and one stays.
    func removal(ofElement at: Int, among removed: [Int]) -> BodyEdit {
        let elements = self.elements
        let isLeading = at < removed.count && removed[at] == at
        if isLeading { return BodyEdit(elements[at].range.lowerBound..<elements[at + 1].range.lowerBound, []) }
        return BodyEdit(elements[at - 1].range.upperBound..<elements[at].range.upperBound, [])
    }

    /// Takes a member out of its object together with one comma.
    func removal(ofMember at: Int) -> BodyEdit {
        let members = self.members
        if at > 0 { return BodyEdit(members[at - 1].value.range.upperBound..<members[at].value.range.upperBound, []) }
        let end = members.count > 1 ? members[1].start : members[at].value.range.upperBound
        return BodyEdit(members[at].start..<end, [])
    }
}
