// Ollama's chat: a stream is one JSON object a line, and only the last has the counts.

struct OllamaDialect: Dialect {
    var streamType: String { "application/x-ndjson" }

    func whole(_ turn: Turn) -> String { line(turn, content: turn.text, tool: turn.tool, isLast: true) }

    func pieces(_ turn: Turn) -> [[UInt8]] {
        var lines = turn.deltas.map { line(turn, content: $0, tool: nil, isLast: false) }
        if let tool = turn.tool { lines.append(line(turn, content: "\"\"", tool: tool, isLast: false)) }
        lines.append(line(turn, content: "\"\"", tool: nil, isLast: true))
        return lines.map { Array(($0 + "\n").utf8) }
    }

    func error(_ status: UInt) -> String { #"{"error":"scripted error"}"# }

    private func line(_ turn: Turn, content: String, tool: Script.Tool?, isLast: Bool) -> String {
        let calls = tool.map { #","tool_calls":[{"function":{"name":\#(quoted($0.name)),"arguments":\#($0.arguments)}}]"# } ?? ""
        let end =
            isLast ? #","done_reason":"stop","prompt_eval_count":\#(turn.tokensIn),"eval_count":\#(turn.tokensOut)"# : ""
        return """
            {"model":\(turn.model),"created_at":"2026-11-21T00:00:00Z","message":{"role":"assistant","content":\(content)\(calls)},\
            "done":\(isLast)\(end)}
            """
    }
}
