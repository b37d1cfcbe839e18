// OllamaFormat: Ollama's own chat and generate. Streams are lines of JSON, and streaming is what happens unless it is declined.

import Vocabulary

struct OllamaFormat: WireFormat {
    /// `generate`, which answers without messages.
    let generates: Bool

    private static let known: Set<String> = [
        "model", "messages", "tools", "prompt", "suffix", "system", "template", "context", "raw", "images", "format", "options",
        "stream", "keep_alive", "think", "logprobs", "top_logprobs", "truncate", "shift",
    ]

    var fields: Set<String> { Self.known }
    var framing: StreamFraming { .lines }

    func read(_ reader: BodyReader, into request: inout ProviderRequest) throws(Refusal) { try request.readOllama(reader) }

    func usage(_ root: JSONNode, body: [UInt8]) -> ReportedUsage? {
        // The prompt's count is missing where the prompt was in memory: then what was reserved stands.
        guard let input = UsageReader.count(root["prompt_eval_count"], body),
            let output = UsageReader.count(root["eval_count"], body)
        else { return nil }
        return ReportedUsage(tokens: TokenUsage(input: input, output: output), model: root["model"]?.text(in: body))
    }

    func find(_ root: JSONNode, into found: inout AnswerFinder) {
        for field in ["response", "thinking"] { found.add(root[field]) }
        for field in ["content", "thinking"] { found.add(root["message"]?[field]) }
        for call in root["message"]?["tool_calls"]?.elements ?? [] { found.leaves(call["function"]?["arguments"]) }
        found.drop(root["logprobs"], for: "[]")
        // Token numbers of the whole conversation: text that no scanner reads.
        found.drop(root["context"], for: "[]")
    }

    func stream() -> (any WireStream)? { OllamaStream(format: self) }
}

extension ProviderRequest {
    mutating func readOllama(_ reader: BodyReader) throws(Refusal) {
        stream = reader.field("stream") == nil ? true : try reader.flag("stream")
        let options = reader.field("options")
        guard options == nil || options?.isObject == true else { throw reader.rules.malformed("'options' is not an object") }
        // Nothing and less mean without end.
        if let cap = options?["num_predict"], (cap.integer(in: reader.body) ?? 1) > 0 {
            requestedOutput = try reader.count("num_predict", of: options)
        }
        sites.cap = MemberSite("num_predict", of: "options", in: reader.root)
        if reader.field("context") != nil { binaryParts += 1 }
        // The server reads names in any case; only one spelling is read here.
        for member in (reader.field("messages")?.elements ?? []).flatMap(\.members)
        where !member.key.utf8.allSatisfy({ (0x61...0x7a).contains($0) || $0 == UInt8(ascii: "_") }) {
            throw reader.rules.malformed("'\(RefusalWords.printable(member.key))' is not spelled as in the API")
        }
        for holder in [reader.root] + (reader.field("messages")?.elements ?? []) {
            for image in holder["images"]?.elements ?? [] { countImage(image, isInline: true) }
        }
        let tools = Int64(reader.field("tools")?.elements.count ?? 0)
        // The template around the text is the model's own, and unknown: as much again, and a little.
        textTokensBound += 2 * Int64(reader.body.count) + InputBound.toolPrompt + InputBound.perTool * tools
    }
}

struct OllamaStream: WireStream {
    var state = StreamState()
    private let format: OllamaFormat
    private var time = "1970-01-01T00:00:00Z"

    init(format: OllamaFormat) { self.format = format }

    mutating func read(_ name: String, _ data: [UInt8]) -> StreamEvent {
        guard let root = JSONNode.parse(data), root.isObject else { return StreamEvent(disposition: .unreadable) }
        var event = StreamEvent(disposition: .pass)
        state.isStarted = true
        if let model = root["model"]?.text(in: data) { state.answerModel = model }
        if let now = root["created_at"]?.text(in: data) { time = now }
        for (holder, field, role) in [
            (root, "response", StreamChannel.Role.text), (root, "thinking", .reasoning), (root["message"], "content", .text),
            (root["message"], "thinking", .reasoning),
        ] {
            state.add(holder?[field], StreamChannel(role: role, index: 0, call: 0, field: field), data: data, into: &event)
        }
        for call in root["message"]?["tool_calls"]?.elements ?? [] {
            event.addLeaves(of: call["function"]?["arguments"], isTool: true, data: data)
        }
        for field in ["logprobs", "context"] where state.dropLogprobs {
            if let node = root[field], !node.isNull { event.edits.append(BodyEdit(node.range, "[]")) }
        }
        event.addLeaves(of: root["error"], isTool: false, data: data)
        if root["done"]?.bool == true {
            state.isFinished = true
            state.isUsageFinal = true
            state.reported = format.usage(root, body: data)
            event.closes = state.close { _ in true }
        }
        return event
    }

    func flush(_ channel: StreamChannel, text: String) -> [UInt8] { line(channel.field, text, done: false) }

    func closing(note: String) -> [UInt8] {
        let field = format.generates ? "response" : "content"
        return line(field, "\n\n" + note, done: false) + line(field, "", done: true)
    }

    private func line(_ field: String, _ text: String, done: Bool) -> [UInt8] {
        let words = "\"\(field)\":\(jsonText(text))"
        let message = field == "content" ? words : "\"content\":\"\",\(words)"
        let holder = format.generates ? words : "\"message\":{\"role\":\"assistant\",\(message)}"
        let end = done ? ",\"done_reason\":\"stop\"" : ""
        let json = "{\"model\":\(jsonText(state.answerModel)),\"created_at\":\(jsonText(time)),\(holder),\"done\":\(done)\(end)}\n"
        return Array(json.utf8)
    }
}
