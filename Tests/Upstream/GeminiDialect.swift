// Google's generateContent, v1beta. Its usage stands on every chunk and grows: the last word counts.

struct GeminiDialect: Dialect {
    func whole(_ turn: Turn) -> String { chunk(turn, parts(turn), output: turn.tokensOut, isLast: true) }

    func pieces(_ turn: Turn) -> [[UInt8]] {
        let parts = turn.deltas.map(text) + called(turn)
        return parts.enumerated().map { index, part in
            let isLast = index == parts.count - 1
            return event(nil, chunk(turn, [part], output: isLast ? turn.tokensOut : 1, isLast: isLast))
        }
    }

    func error(_ status: UInt) -> String {
        #"{"error":{"code":\#(status),"message":"scripted error","status":"INTERNAL"}}"#
    }

    private func text(_ text: String) -> String { #"{"text":\#(text)}"# }

    private func parts(_ turn: Turn) -> [String] { (turn.deltas.isEmpty ? [] : [text(turn.text)]) + called(turn) }

    private func called(_ turn: Turn) -> [String] {
        turn.tool.map { [#"{"functionCall":{"name":\#(quoted($0.name)),"args":\#($0.arguments)}}"#] } ?? []
    }

    private func chunk(_ turn: Turn, _ parts: [String], output: Int, isLast: Bool) -> String {
        """
        {"candidates":[{"content":{"role":"model","parts":[\(parts.joined(separator: ","))]},"index":0\
        \(isLast ? #","finishReason":"STOP""# : "")}],"usageMetadata":{"promptTokenCount":\(turn.tokensIn),\
        "candidatesTokenCount":\(output),"totalTokenCount":\(turn.tokensIn + output)},"modelVersion":\(turn.model),\
        "responseId":"r\(turn.number)"}
        """
    }
}
