// OpenAI's responses.

struct ResponsesDialect: Dialect {
    func whole(_ turn: Turn) -> String { response(turn, status: "completed", items(turn)) }

    func pieces(_ turn: Turn) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        func add(_ name: String, _ fields: String) {
            pieces.append(event(name, #"{"type":"\#(name)","sequence_number":\#(pieces.count),\#(fields)}"#))
        }
        let items = items(turn)
        let begun = response(turn, status: "in_progress", [])
        add("response.created", #""response":\#(begun)"#)
        add("response.in_progress", #""response":\#(begun)"#)
        if !turn.deltas.isEmpty {
            let at = #""item_id":"msg_\#(turn.number)","output_index":0,"content_index":0"#
            add("response.output_item.added", #""output_index":0,"item":\#(message(turn, status: "in_progress", content: ""))"#)
            add("response.content_part.added", #"\#(at),"part":\#(part("\"\""))"#)
            for delta in turn.deltas { add("response.output_text.delta", #"\#(at),"delta":\#(delta),"logprobs":[]"#) }
            add("response.output_text.done", #"\#(at),"text":\#(turn.text),"logprobs":[]"#)
            add("response.content_part.done", #"\#(at),"part":\#(part(turn.text))"#)
            add("response.output_item.done", #""output_index":0,"item":\#(items[0])"#)
        }
        if let tool = turn.tool {
            let index = items.count - 1
            let at = #""item_id":"fc_\#(turn.number)","output_index":\#(index)"#
            let (head, tail) = tool.halves
            let begun = call(tool, turn, status: "in_progress", arguments: "")
            add("response.output_item.added", #""output_index":\#(index),"item":\#(begun)"#)
            for half in [head, tail] { add("response.function_call_arguments.delta", #"\#(at),"delta":\#(quoted(half))"#) }
            add("response.function_call_arguments.done", #"\#(at),"arguments":\#(quoted(tool.arguments))"#)
            add("response.output_item.done", #""output_index":\#(index),"item":\#(items[index])"#)
        }
        add("response.completed", #""response":\#(whole(turn))"#)
        return pieces
    }

    func error(_ status: UInt) -> String { ChatDialect(isMistral: false).error(status) }

    private func items(_ turn: Turn) -> [String] {
        let said = turn.deltas.isEmpty ? [] : [message(turn, status: "completed", content: part(turn.text))]
        return said + (turn.tool.map { [call($0, turn, status: "completed", arguments: $0.arguments)] } ?? [])
    }

    private func part(_ text: String) -> String { #"{"type":"output_text","text":\#(text),"annotations":[],"logprobs":[]}"# }

    private func message(_ turn: Turn, status: String, content: String) -> String {
        #"{"type":"message","id":"msg_\#(turn.number)","status":"\#(status)","role":"assistant","content":[\#(content)]}"#
    }

    private func call(_ tool: Script.Tool, _ turn: Turn, status: String, arguments: String) -> String {
        """
        {"type":"function_call","id":"fc_\(turn.number)","call_id":"call_\(turn.number)","status":"\(status)",\
        "name":\(quoted(tool.name)),"arguments":\(quoted(arguments))}
        """
    }

    private func response(_ turn: Turn, status: String, _ items: [String]) -> String {
        let usage = """
            {"input_tokens":\(turn.tokensIn),"input_tokens_details":{"cached_tokens":0},"output_tokens":\(turn.tokensOut),\
            "output_tokens_details":{"reasoning_tokens":0},"total_tokens":\(turn.total)}
            """
        return """
            {"id":"resp_\(turn.number)","object":"response","created_at":1,"status":"\(status)","error":null,\
            "incomplete_details":null,"instructions":null,"model":\(turn.model),"output":[\(items.joined(separator: ","))],\
            "parallel_tool_calls":true,"tool_choice":"auto","tools":[],"usage":\(status == "completed" ? usage : "null")}
            """
    }
}
