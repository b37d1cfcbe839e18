// OpenAI's chat completions. Mistral's are the same but in a stream: there tool calls come whole, and usage unasked.

struct ChatDialect: Dialect {
    let isMistral: Bool

    func whole(_ turn: Turn) -> String {
        let content = turn.tool != nil && turn.deltas.isEmpty ? "null" : turn.text
        let calls = turn.tool.map { #","tool_calls":[\#(call($0, turn, arguments: $0.arguments))]"# } ?? ""
        return """
            {"id":"chatcmpl-\(turn.number)","object":"chat.completion","created":1,"model":\(turn.model),"choices":[{"index":0,\
            "message":{"role":"assistant","content":\(content)\(calls)},"finish_reason":"\(reason(turn))"}],"usage":\(usage(turn))}
            """
    }

    func pieces(_ turn: Turn) -> [[UInt8]] {
        let nullUsage = turn.wantsUsage ? #","usage":null"# : ""
        func chunk(_ choices: String, _ tail: String) -> [UInt8] {
            event(
                nil,
                #"{"id":"chatcmpl-\#(turn.number)","object":"chat.completion.chunk","created":1,"model":\#(turn.model),"#
                    + #""choices":\#(choices)\#(tail)}"#)
        }
        func delta(_ delta: String, finish: String = "null", tail: String? = nil) -> [UInt8] {
            chunk(#"[{"index":0,"delta":\#(delta),"finish_reason":\#(finish)}]"#, tail ?? nullUsage)
        }
        let total = #","usage":\#(usage(turn))"#
        var pieces = [delta(#"{"role":"assistant","content":""}"#)]
        pieces += turn.deltas.map { delta(#"{"content":\#($0)}"#) }
        if let tool = turn.tool, isMistral {
            pieces.append(delta(#"{"tool_calls":[\#(call(tool, turn, arguments: tool.arguments))]}"#))
        } else if let tool = turn.tool {
            // The name first and the arguments cut in two, as they come.
            let (head, tail) = tool.halves
            pieces.append(delta(#"{"tool_calls":[\#(call(tool, turn, arguments: ""))]}"#))
            pieces += [head, tail].map { delta(#"{"tool_calls":[{"index":0,"function":{"arguments":\#(quoted($0))}}]}"#) }
        }
        pieces.append(delta("{}", finish: "\"\(reason(turn))\"", tail: isMistral ? total : nil))
        if turn.wantsUsage { pieces.append(chunk("[]", total)) }
        return pieces + [event(nil, "[DONE]")]
    }

    func error(_ status: UInt) -> String {
        #"{"error":{"message":"scripted error","type":"server_error","param":null,"code":"\#(status)"}}"#
    }

    private func call(_ tool: Script.Tool, _ turn: Turn, arguments: String) -> String {
        """
        {"index":0,"id":"call0000\(turn.number % 10)","type":"function","function":{"name":\(quoted(tool.name)),\
        "arguments":\(quoted(arguments))}}
        """
    }

    private func reason(_ turn: Turn) -> String { turn.tool == nil ? "stop" : "tool_calls" }

    private func usage(_ turn: Turn) -> String {
        #"{"prompt_tokens":\#(turn.tokensIn),"completion_tokens":\#(turn.tokensOut),"total_tokens":\#(turn.total)}"#
    }
}
