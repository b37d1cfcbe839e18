// Bedrock's converse; its stream is AWS' binary event stream: lengths, headers, payload, checksums.

struct ConverseDialect: Dialect {
    var streamType: String { "application/vnd.amazon.eventstream" }

    func whole(_ turn: Turn) -> String {
        let said = turn.deltas.isEmpty ? [] : [#"{"text":\#(turn.text)}"#]
        let called = turn.tool.map { tool in
            [#"{"toolUse":{"toolUseId":"tool_\#(turn.number)","name":\#(quoted(tool.name)),"input":\#(tool.arguments)}}"#]
        }
        return """
            {"output":{"message":{"role":"assistant","content":[\((said + (called ?? [])).joined(separator: ","))]}},\
            "stopReason":"\(reason(turn))","usage":\(usage(turn)),"metrics":{"latencyMs":1}}
            """
    }

    func pieces(_ turn: Turn) -> [[UInt8]] {
        var frames = [frame("messageStart", #"{"role":"assistant"}"#)]
        func add(_ index: Int, _ deltas: [String]) {
            frames += deltas.map { frame("contentBlockDelta", #"{"contentBlockIndex":\#(index),"delta":\#($0)}"#) }
            frames.append(frame("contentBlockStop", #"{"contentBlockIndex":\#(index)}"#))
        }
        if !turn.deltas.isEmpty { add(0, turn.deltas.map { #"{"text":\#($0)}"# }) }
        if let tool = turn.tool {
            let index = turn.deltas.isEmpty ? 0 : 1
            let start = #"{"toolUse":{"toolUseId":"tool_\#(turn.number)","name":\#(quoted(tool.name))}}"#
            frames.append(frame("contentBlockStart", #"{"contentBlockIndex":\#(index),"start":\#(start)}"#))
            let (head, tail) = tool.halves
            add(index, [head, tail].map { #"{"toolUse":{"input":\#(quoted($0))}}"# })
        }
        frames.append(frame("messageStop", #"{"stopReason":"\#(reason(turn))"}"#))
        frames.append(frame("metadata", #"{"usage":\#(usage(turn)),"metrics":{"latencyMs":1}}"#))
        return frames
    }

    func error(_ status: UInt) -> String { #"{"message":"scripted error"}"# }

    private func reason(_ turn: Turn) -> String { turn.tool == nil ? "end_turn" : "tool_use" }

    private func usage(_ turn: Turn) -> String {
        #"{"inputTokens":\#(turn.tokensIn),"outputTokens":\#(turn.tokensOut),"totalTokens":\#(turn.total)}"#
    }

    private func frame(_ type: String, _ payload: String) -> [UInt8] {
        var headers: [UInt8] = []
        for (name, value) in [(":event-type", type), (":content-type", "application/json"), (":message-type", "event")] {
            // 7: the value is text.
            headers += [UInt8(name.utf8.count)] + Array(name.utf8) + [7] + bigEndian(UInt16(value.utf8.count)) + Array(value.utf8)
        }
        let payload = Array(payload.utf8)
        var bytes = bigEndian(UInt32(12 + headers.count + payload.count + 4)) + bigEndian(UInt32(headers.count))
        bytes += bigEndian(crc32(bytes))
        bytes += headers + payload
        return bytes + bigEndian(crc32(bytes))
    }

    private func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: number.bigEndian, Array.init) }

    /// As of zlib, bit by bit: the frames are short.
    private func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { rest, _ in rest >> 1 ^ (rest & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
    }
}
