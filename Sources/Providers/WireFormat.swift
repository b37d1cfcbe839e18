// WireFormat: one provider API's shape as one value: how a request is read and bounded, what an answer says it used, where
// the model's words stand, and how a stream is read and ended. A new API is a new file with one of these, and a row in `of`.

public import Vocabulary

protocol WireFormat: Sendable {
    /// Top-level request fields of the API. A field that is not here may change the price or make the provider call third
    /// parties, so strict refuses it.
    var fields: Set<String> { get }
    /// How a stream of it is cut into events.
    var framing: StreamFraming { get }
    /// The model, where the body does not name it.
    func model(_ reader: BodyReader) throws(Refusal) -> String
    /// Reads the body's facts into `request`, whose model is known.
    func read(_ reader: BodyReader, into request: inout ProviderRequest) throws(Refusal)
    /// The usage of a plain answer; nil: none reported.
    func usage(_ root: JSONNode, body: [UInt8]) -> ReportedUsage?
    /// The model's words in a plain answer.
    func find(_ root: JSONNode, into found: inout AnswerFinder)
    /// What reads a stream; nil: the API has none that we read.
    func stream() -> (any WireStream)?
}

extension WireFormat {
    var framing: StreamFraming { .events }
    func usage(_ root: JSONNode, body: [UInt8]) -> ReportedUsage? { nil }
    func find(_ root: JSONNode, into found: inout AnswerFinder) {}
    func stream() -> (any WireStream)? { nil }

    func model(_ reader: BodyReader) throws(Refusal) -> String { try reader.model() }
}

/// Reads the events of one streamed answer. A value without I/O.
protocol WireStream: Sendable {
    var state: StreamState { get set }
    /// - Parameters:
    ///   - name: the event's name, where the framing has one.
    ///   - data: one event's data, as `StreamFrame.data`.
    mutating func read(_ name: String, _ data: [UInt8]) -> StreamEvent
    /// A whole event that adds `text` to a channel.
    func flush(_ channel: StreamChannel, text: String) -> [UInt8]
    /// The events that end the turn with a note. Asked at most once, and not after the stream's own end.
    mutating func closing(note: String) -> [UInt8]
}

/// What every reader of streams keeps.
struct StreamState: Sendable {
    var reported: ReportedUsage?
    /// The provider's last word on usage was heard. What a stream says at its start counts one output token and would make
    /// a cut answer nearly free.
    var isUsageFinal = false
    /// The protocol's own end was seen.
    var isFinished = false
    var isStarted = false
    /// We asked for usage that the agent did not ask for: its traces are taken out again.
    var stripUsage = false
    /// Take out log-probabilities: they repeat the answer token by token, past any redactor.
    var dropLogprobs = true
    /// Channels with text so far that have not ended.
    var open: [StreamChannel] = []
    var answerID = "akios"
    var answerModel = "unknown"
    var created: Int64 = 0

    mutating func close(where ends: (StreamChannel) -> Bool) -> [StreamChannel] {
        let closing = open.filter(ends)
        open.removeAll(where: ends)
        return closing
    }

    /// Text that the client joins to `channel`.
    mutating func add(_ node: JSONNode?, _ channel: StreamChannel, data: [UInt8], into event: inout StreamEvent) {
        guard let node, let text = node.text(in: data), !text.isEmpty else { return }
        if !open.contains(channel) { open.append(channel) }
        event.texts.append(
            StreamText(channel: channel, range: node.range, text: text, isToolArguments: channel.role == .toolArguments))
    }
}

extension StreamEvent {
    /// Every string of a value that comes whole.
    mutating func addLeaves(of node: JSONNode?, isTool: Bool, data: [UInt8]) {
        guard let node else { return }
        if let text = node.text(in: data) {
            texts.append(StreamText(channel: nil, range: node.range, text: text, isToolArguments: isTool))
        }
        for member in node.members { addLeaves(of: member.value, isTool: isTool, data: data) }
        for element in node.elements { addLeaves(of: element, isTool: isTool, data: data) }
    }

    /// What was read of a plain answer's words within an event: texts that are complete in themselves.
    mutating func add(_ found: AnswerFinder, isRepeat: Bool) {
        texts += found.texts.map {
            StreamText(channel: nil, range: $0.range, text: $0.text, isToolArguments: $0.isToolArguments, isRepeat: isRepeat)
        }
        edits += found.edits
    }
}

enum WireFormats {
    /// nil: an operation without a body that is read.
    static func of(_ kind: OperationKind, _ provider: ProviderID) -> (any WireFormat)? {
        switch kind {
        case .chatCompletions: ChatFormat(dialect: .of(provider))
        case .messages: MessagesFormat()
        case .countTokens: CountTokensFormat()
        case .responses: ResponsesFormat(call: .create, hasTiers: provider != .xai)
        case .compactResponse: ResponsesFormat(call: .compact, hasTiers: true)
        case .countResponseTokens: ResponsesFormat(call: .countTokens, hasTiers: false)
        case .embeddings: EmbeddingsFormat()
        case .generateContent: GeminiFormat(call: .generate)
        case .streamGenerateContent: GeminiFormat(call: .stream)
        case .countContentTokens: GeminiFormat(call: .countTokens)
        case .converse: ConverseFormat(streams: false)
        case .converseStream: ConverseFormat(streams: true)
        case .ollamaChat, .ollamaGenerate: OllamaFormat(generates: kind == .ollamaGenerate)
        case .listModels: nil
        }
    }
}

extension OperationKind {
    /// How a provider cuts its streamed answers to this operation into events.
    public func framing(_ provider: ProviderID) -> StreamFraming { WireFormats.of(self, provider)?.framing ?? .events }
}
