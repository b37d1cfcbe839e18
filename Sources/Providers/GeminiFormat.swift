// GeminiFormat: Google's generateContent, whole and streamed, and the counting of its tokens. The model stands in the path;
// a stream is read only as server-sent events (`alt=sse`), the way the SDKs ask for it.

import Vocabulary

struct GeminiFormat: WireFormat {
    let call: Call

    enum Call: Sendable { case generate, stream, countTokens }

    private static let known: Set<String> = [
        "contents", "systemInstruction", "generationConfig", "safetySettings", "tools", "toolConfig", "cachedContent", "labels",
        "serviceTier", "store",
    ]
    private static let counted = known.union(["generateContentRequest", "model"])

    var fields: Set<String> { call == .countTokens ? Self.counted : Self.known }

    func model(_ reader: BodyReader) throws(Refusal) -> String { try reader.pathModel() }

    func read(_ reader: BodyReader, into request: inout ProviderRequest) throws(Refusal) { try request.readGemini(reader, call) }

    func usage(_ root: JSONNode, body: [UInt8]) -> ReportedUsage? { UsageReader.gemini(root, body: body, over: nil) }

    func find(_ root: JSONNode, into found: inout AnswerFinder) {
        for candidate in root["candidates"]?.elements ?? [] {
            for part in candidate["content"]?["parts"]?.elements ?? [] {
                found.add(part["text"])
                found.geminiPart(part)
            }
            found.drop(candidate["logprobsResult"], for: "{}")
        }
    }

    func stream() -> (any WireStream)? { call == .stream ? GeminiStream() : nil }
}

extension UsageReader {
    /// Cached tokens lie inside the prompt's count; thoughts and what tools fed back lie outside of both sums.
    static func gemini(_ root: JSONNode, body: [UInt8], over earlier: ReportedUsage?) -> ReportedUsage? {
        guard let usage = root["usageMetadata"], usage.isObject, !usage.members.isEmpty,
            let prompt = count(usage["promptTokenCount"], body)
        else { return earlier }
        let fed = count(usage["toolUsePromptTokenCount"], body) ?? 0
        let cached = min(count(usage["cachedContentTokenCount"], body) ?? 0, prompt)
        let said = (count(usage["candidatesTokenCount"], body) ?? 0) + (count(usage["thoughtsTokenCount"], body) ?? 0)
        let rest = (count(usage["totalTokenCount"], body) ?? 0) - prompt - fed
        var report = ReportedUsage(tokens: TokenUsage(input: prompt - cached + fed, cachedInput: cached, output: max(said, rest)))
        report.model = root["modelVersion"]?.text(in: body) ?? earlier?.model
        return report
    }
}

extension AnswerFinder {
    /// What a part holds besides text. Pictures are left alone.
    mutating func geminiPart(_ part: JSONNode) {
        leaves(part["functionCall"]?["args"])
        leaves(part["functionCall"]?["partialArgs"])
        leaves(part["executableCode"])
        leaves(part["codeExecutionResult"], tool: false)
    }
}

struct GeminiStream: WireStream {
    var state = StreamState()
    private var finished: Set<Int64> = []
    private var seen: Set<Int64> = []

    init() {}

    mutating func read(_ name: String, _ data: [UInt8]) -> StreamEvent {
        guard let root = JSONNode.parse(data), root.isObject else { return StreamEvent(disposition: .unreadable) }
        var event = StreamEvent(disposition: .pass)
        state.isStarted = true
        if let id = root["responseId"]?.text(in: data) { state.answerID = id }
        if let model = root["modelVersion"]?.text(in: data) { state.answerModel = model }
        // On many events, at first in part: of each the last counts.
        state.reported = UsageReader.gemini(root, body: data, over: state.reported)
        if let error = root["error"] { event.addLeaves(of: error, isTool: false, data: data) }
        for candidate in root["candidates"]?.elements ?? [] {
            let index = candidate["index"]?.integer(in: data) ?? 0
            seen.insert(index)
            for part in candidate["content"]?["parts"]?.elements ?? [] {
                let thinks = part["thought"]?.bool == true
                let channel = StreamChannel(role: thinks ? .reasoning : .text, index: index, call: thinks ? 1 : 0, field: "text")
                state.add(part["text"], channel, data: data, into: &event)
                var found = AnswerFinder(body: data)
                found.geminiPart(part)
                event.add(found, isRepeat: false)
            }
            if state.dropLogprobs, let odds = candidate["logprobsResult"], !odds.isNull {
                event.edits.append(BodyEdit(odds.range, "{}"))
            }
            if let reason = candidate["finishReason"], !reason.isNull {
                finished.insert(index)
                event.closes += state.close { $0.index == index }
            }
        }
        // A refused prompt has no candidate at all.
        let isBlocked = seen.isEmpty && root["promptFeedback"]?["blockReason"] != nil
        state.isUsageFinal = isBlocked || !seen.isEmpty && finished == seen
        state.isFinished = state.isUsageFinal
        return event
    }

    func flush(_ channel: StreamChannel, text: String) -> [UInt8] {
        chunk(channel.index, text: text, thinks: channel.role == .reasoning, finish: nil)
    }

    func closing(note: String) -> [UInt8] {
        (seen.isEmpty ? [0] : seen.subtracting(finished).sorted()).reduce(into: []) {
            $0 += chunk($1, text: "\n\n" + note, thinks: false, finish: "STOP")
        }
    }

    private func chunk(_ index: Int64, text: String, thinks: Bool, finish: String?) -> [UInt8] {
        let part = "{\"text\":\(jsonText(text))\(thinks ? ",\"thought\":true" : "")}"
        let end = finish.map { ",\"finishReason\":\"\($0)\"" } ?? ""
        let candidate = "{\"content\":{\"parts\":[\(part)],\"role\":\"model\"}\(end),\"index\":\(index)}"
        let json =
            "{\"candidates\":[\(candidate)],\"modelVersion\":\(jsonText(state.answerModel)),\"responseId\":\(jsonText(state.answerID))}"
        return ServerSentEvent.bytes(name: nil, data: Array(json.utf8))
    }
}
