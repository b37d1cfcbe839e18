// The two providers' answers, as their SDKs read them: whole bodies, and the events of a stream. Field facts
// as of OpenAI chat completions v1 and Anthropic messages 2023-06-01.

enum Format {
    case openAI, anthropic

    init?(path: String) {
        let bare = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)[0]
        switch bare {
        case "/v1/chat/completions": self = .openAI
        case "/v1/messages": self = .anthropic
        default: return nil
        }
    }

    func whole(_ request: ModelRequest, _ answer: Script.Answer) -> String {
        let model = quoted(request.model ?? "unknown")
        let text = quoted(answer.text(prompt: request.prompt))
        switch self {
        case .openAI:
            return """
                {"id":"chatcmpl-1","object":"chat.completion","created":1,"model":\(model),"choices":[{"index":0,"message":\
                {"role":"assistant","content":\(text)},"finish_reason":"stop"}],"usage":\(openAIUsage(answer))}
                """
        case .anthropic:
            return """
                {"id":"msg_1","type":"message","role":"assistant","model":\(model),"content":[{"type":"text","text":\(text)}],\
                "stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":\(answer.tokensIn),\
                "output_tokens":\(answer.tokensOut)}}
                """
        }
    }

    /// Server-sent events in order; the delay of the script goes between the text deltas.
    func events(_ request: ModelRequest, _ answer: Script.Answer) -> [String] {
        let model = quoted(request.model ?? "unknown")
        let deltas = answer.deltas(prompt: request.prompt).map(quoted)
        switch self {
        case .openAI: return openAIEvents(model, deltas, answer, usage: request.wantsUsage)
        case .anthropic: return anthropicEvents(model, deltas, answer)
        }
    }

    func error(_ status: UInt) -> String {
        switch self {
        case .openAI: #"{"error":{"message":"scripted error","type":"server_error","param":null,"code":"\#(status)"}}"#
        case .anthropic: #"{"type":"error","error":{"type":"api_error","message":"scripted error"}}"#
        }
    }

    private func openAIUsage(_ answer: Script.Answer) -> String {
        """
        {"prompt_tokens":\(answer.tokensIn),"completion_tokens":\(answer.tokensOut),\
        "total_tokens":\(answer.tokensIn + answer.tokensOut)}
        """
    }

    private func openAIEvents(_ model: String, _ deltas: [String], _ answer: Script.Answer, usage: Bool) -> [String] {
        let nullUsage = usage ? #","usage":null"# : ""
        func chunk(_ choices: String, _ tail: String) -> String {
            #"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":\#(model),"choices":\#(choices)\#(tail)}"#
                + "\n\n"
        }
        var events = [chunk(#"[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]"#, nullUsage)]
        events += deltas.map { chunk(#"[{"index":0,"delta":{"content":\#($0)},"finish_reason":null}]"#, nullUsage) }
        events.append(chunk(#"[{"index":0,"delta":{},"finish_reason":"stop"}]"#, nullUsage))
        if usage { events.append(chunk("[]", #","usage":\#(openAIUsage(answer))"#)) }
        events.append("data: [DONE]\n\n")
        return events
    }

    private func anthropicEvents(_ model: String, _ deltas: [String], _ answer: Script.Answer) -> [String] {
        func event(_ name: String, _ fields: String) -> String {
            "event: \(name)\ndata: {\"type\":\"\(name)\"\(fields)}\n\n"
        }
        // Cumulative, and said twice: a meter that adds the two up pays too much.
        func usage(_ tokens: Int, stop: String) -> String {
            event("message_delta", #","delta":{"stop_reason":\#(stop),"stop_sequence":null},"usage":{"output_tokens":\#(tokens)}"#)
        }
        var events = [
            event(
                "message_start",
                #","message":{"id":"msg_1","type":"message","role":"assistant","model":\#(model),"content":[],"stop_reason":null,"#
                    + #""stop_sequence":null,"usage":{"input_tokens":\#(answer.tokensIn),"output_tokens":1}}"#),
            event("content_block_start", #","index":0,"content_block":{"type":"text","text":""}"#),
            event("ping", ""),
        ]
        events += deltas.map { event("content_block_delta", #","index":0,"delta":{"type":"text_delta","text":\#($0)}"#) }
        events.append(event("content_block_stop", #","index":0"#))
        events.append(usage(answer.tokensOut / 2, stop: "null"))
        events.append(usage(answer.tokensOut, stop: #""end_turn""#))
        events.append(event("message_stop", ""))
        return events
    }
}
