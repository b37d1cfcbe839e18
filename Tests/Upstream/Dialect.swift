// Dialect: one provider API's answers, as its SDKs read them: whole bodies, the pieces of a stream, errors. Field facts as
// of November 2026.

protocol Dialect {
    /// The media type of a streamed answer.
    var streamType: String { get }
    func whole(_ turn: Turn) -> String
    /// The pieces of a stream in order; the script's delay goes between them.
    func pieces(_ turn: Turn) -> [[UInt8]]
    func error(_ status: UInt) -> String
}

extension Dialect {
    var streamType: String { "text/event-stream" }
}

/// What the model says in answer to one request. Texts are JSON literals, ready to stand in an answer.
struct Turn {
    let model: String
    /// The text as the stream brings it; empty where the model only calls a tool.
    let deltas: [String]
    let text: String
    let tool: Script.Tool?
    let tokensIn: Int
    let tokensOut: Int
    let wantsUsage: Bool
    /// Differs from one turn of a conversation to the next: clients take two answers of one id for the same.
    let number: Int

    var total: Int { tokensIn + tokensOut }

    init(_ request: ModelRequest, _ answer: Script.Answer, model: String?) {
        self.model = quoted(model ?? request.model ?? "unknown")
        let texts = answer.deltas(prompt: request.prompt)
        deltas = texts.map(quoted)
        text = quoted(texts.joined())
        tool = answer.tool
        tokensIn = answer.tokensIn
        tokensOut = answer.tokensOut
        wantsUsage = request.wantsUsage
        number = request.turns
    }
}

/// What a path asks for.
struct Route {
    let dialect: any Dialect
    /// Where the path names them; else the body does.
    var model: String?
    var streamed: Bool?
    /// Of the APIs that stream unless told not to.
    var streamsByDefault = false

    init?(host: String, path: String) {
        let bare = String(path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)[0])
        switch bare {
        case "/v1/chat/completions": dialect = ChatDialect(isMistral: host == "api.mistral.ai")
        case "/v1/messages": dialect = MessagesDialect()
        case "/v1/responses": dialect = ResponsesDialect()
        case "/api/chat":
            dialect = OllamaDialect()
            streamsByDefault = true
        default:
            guard let last = bare.split(separator: "/").last else { return nil }
            let words = last.split(separator: ":", maxSplits: 1)
            if bare.hasPrefix("/v1beta/models/") || bare.hasPrefix("/v1/models/"), words.count == 2 {
                dialect = GeminiDialect()
                model = String(words[0])
                streamed = words[1] == "streamGenerateContent"
            } else if bare.hasPrefix("/model/"), last == "converse" || last == "converse-stream" {
                dialect = ConverseDialect()
                streamed = last == "converse-stream"
            } else {
                return nil
            }
        }
    }
}

/// An event of a stream of server-sent events.
func event(_ name: String?, _ data: String) -> [UInt8] {
    Array(((name.map { "event: \($0)\n" } ?? "") + "data: \(data)\n\n").utf8)
}
