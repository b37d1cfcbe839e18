// Anthropic's messages, version 2023-06-01.

struct MessagesDialect: Dialect {
    func whole(_ turn: Turn) -> String {
        var content = turn.deltas.isEmpty ? [] : [#"{"type":"text","text":\#(turn.text)}"#]
        content += turn.tool.map { [use($0, turn, input: $0.arguments)] } ?? []
        return """
            {"id":"msg_\(turn.number)","type":"message","role":"assistant","model":\(turn.model),"content":[\
            \(content.joined(separator: ","))],"stop_reason":"\(reason(turn))","stop_sequence":null,\
            "usage":{"input_tokens":\(turn.tokensIn),"output_tokens":\(turn.tokensOut)}}
            """
    }

    func pieces(_ turn: Turn) -> [[UInt8]] {
        func piece(_ name: String, _ fields: String = "") -> [UInt8] { event(name, #"{"type":"\#(name)"\#(fields)}"#) }
        func block(_ index: Int, _ start: String, _ deltas: [String]) -> [[UInt8]] {
            [piece("content_block_start", #","index":\#(index),"content_block":\#(start)"#)]
                + deltas.map { piece("content_block_delta", #","index":\#(index),"delta":\#($0)"#) }
                + [piece("content_block_stop", #","index":\#(index)"#)]
        }
        // Cumulative, and said twice: a meter that adds the two up pays too much.
        func usage(_ tokens: Int, stop: String) -> [UInt8] {
            piece("message_delta", #","delta":{"stop_reason":\#(stop),"stop_sequence":null},"usage":{"output_tokens":\#(tokens)}"#)
        }
        var pieces = [
            piece(
                "message_start",
                #","message":{"id":"msg_\#(turn.number)","type":"message","role":"assistant","model":\#(turn.model),"content":[],"#
                    + #""stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":\#(turn.tokensIn),"output_tokens":1}}"#),
            piece("ping"),
        ]
        if !turn.deltas.isEmpty {
            pieces += block(0, #"{"type":"text","text":""}"#, turn.deltas.map { #"{"type":"text_delta","text":\#($0)}"# })
        }
        if let tool = turn.tool {
            let (head, tail) = tool.halves
            pieces += block(
                turn.deltas.isEmpty ? 0 : 1, use(tool, turn, input: "{}"),
                [head, tail].map { #"{"type":"input_json_delta","partial_json":\#(quoted($0))}"# })
        }
        return pieces + [
            usage(turn.tokensOut / 2, stop: "null"), usage(turn.tokensOut, stop: "\"\(reason(turn))\""), piece("message_stop"),
        ]
    }

    func error(_ status: UInt) -> String {
        #"{"type":"error","error":{"type":"api_error","message":"scripted error"}}"#
    }

    private func use(_ tool: Script.Tool, _ turn: Turn, input: String) -> String {
        #"{"type":"tool_use","id":"toolu_\#(turn.number)","name":\#(quoted(tool.name)),"input":\#(input)}"#
    }

    private func reason(_ turn: Turn) -> String { turn.tool == nil ? "end_turn" : "tool_use" }
}
