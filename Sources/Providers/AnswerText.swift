// AnswerText: where the model's words stand in a plain (not streamed) answer.

public import JSONBytes
public import Vocabulary

public enum AnswerText {
    /// Every string that a model wrote, with its place, and edits that take out log-probabilities (they repeat
    /// the answer token by token). nil: the body is not this provider's JSON. Signed thinking is left out: it
    /// must not be altered.
    /// `usage` is what `UsageReader.read` finds, without a second pass over the body.
    public static func find(_ kind: OperationKind, provider: ProviderID, body: [UInt8]) -> (
        texts: [StreamText], edits: [BodyEdit], usage: ReportedUsage?
    )? {
        guard let format = WireFormats.of(kind, provider), let root = JSONNode.parse(body), root.isObject else { return nil }
        var found = AnswerFinder(body: body)
        format.find(root, into: &found)
        return (found.texts, found.edits, format.usage(root, body: body))
    }
}

/// Collects the model's words of an answer or of a part of one.
struct AnswerFinder {
    let body: [UInt8]
    private(set) var texts: [StreamText] = []
    private(set) var edits: [BodyEdit] = []

    init(body: [UInt8]) { self.body = body }

    mutating func add(_ node: JSONNode?, tool: Bool = false) {
        guard let node, let text = node.text(in: body), !text.isEmpty else { return }
        texts.append(StreamText(channel: nil, range: node.range, text: text, isToolArguments: tool))
    }

    mutating func leaves(_ node: JSONNode?, tool: Bool = true) {
        guard let node else { return }
        add(node, tool: tool)
        for member in node.members { leaves(member.value, tool: tool) }
        for element in node.elements { leaves(element, tool: tool) }
    }

    mutating func drop(_ node: JSONNode?, for literal: String) {
        guard let node, !node.isNull else { return }
        edits.append(BodyEdit(node.range, literal))
    }
}

extension AnswerFinder {
    mutating func chat(_ choice: JSONNode) {
        guard let message = choice["message"] else { return }
        for field in ["content", "refusal", "reasoning_content", "reasoning"] { add(message[field]) }
        for part in message["content"]?.elements ?? [] {
            add(part["text"])
            for thought in part["thinking"]?.elements ?? [] { add(thought["text"]) }
        }
        for call in message["tool_calls"]?.elements ?? [] {
            add(call["function"]?["arguments"], tool: true)
            add(call["custom"]?["input"], tool: true)
        }
        add(message["function_call"]?["arguments"], tool: true)
        for field in ChatStream.odds { drop(choice[field], for: "null") }
    }

    mutating func messageBlock(_ block: JSONNode) {
        switch block["type"]?.text(in: body) {
        case "text":
            add(block["text"])
            for citation in block["citations"]?.elements ?? [] { add(citation["cited_text"]) }
        case "tool_use", "server_tool_use", "mcp_tool_use": leaves(block["input"])
        default: break
        }
    }
}
