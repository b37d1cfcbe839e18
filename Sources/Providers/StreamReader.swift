// StreamReader: what an event of a provider's stream means — where model text stands and on which channel,
// what was used, which channels end — and how to say something in the provider's own shape.

public import JSONBytes
public import Vocabulary

/// One run of text in a stream that a client joins: what is fed to one redactor.
public struct StreamChannel: Sendable, Hashable {
    public enum Role: String, Sendable, Hashable {
        case text, reasoning, refusal
        /// JSON text of a tool call's arguments: secrets only are taken out of it.
        case toolArguments
    }

    public let role: Role
    /// OpenAI: choice. Anthropic: content block.
    public let index: Int64
    /// OpenAI: tool call within the choice (−1: the old `function_call`). Anthropic: 0.
    public let call: Int64
    /// The delta's field that carries the text.
    let field: String
}

/// A string in an event's data that the client will join to its channel.
public struct StreamText: Sendable, Hashable {
    /// nil: complete in itself (a citation, a whole input): scan it alone.
    public let channel: StreamChannel?
    /// The literal's bytes in the data, quotes included.
    public let range: Range<Int>
    public let text: String
    public let isToolArguments: Bool
}

/// What one event is.
public struct StreamEvent: Sendable, Hashable {
    public enum Disposition: Sendable, Hashable {
        case pass
        /// The event exists only because we asked for it.
        case drop
        /// Not readable as this provider's stream: end the answer (`closing`), do not pass it on unscanned.
        case unreadable
    }

    public var disposition: Disposition
    public var texts: [StreamText] = []
    /// Channels that end with this event: held-back text must go out before it (or within it).
    public var closes: [StreamChannel] = []
    /// Our own edits of the data: usage that the client did not ask for, log-probabilities that repeat the text.
    public var edits: [BodyEdit] = []
}

/// Reads one streamed answer, event by event. A value without I/O.
///
/// Anthropic's thinking is signed over its text and therefore never a channel: it passes unaltered, whatever it holds.
public struct StreamReader: Sendable {
    public let provider: ProviderID
    /// We injected `include_usage`, so its traces are taken out again.
    let stripUsage: Bool
    /// Take out log-probabilities: they repeat the answer token by token, past any redactor.
    let dropLogprobs: Bool
    /// The final report; nil: the stream has not come that far. What an Anthropic stream says at its start counts one
    /// output token and would make a cut answer nearly free.
    public var usage: ReportedUsage? { isUsageFinal ? reported : nil }
    var reported: ReportedUsage?
    var isUsageFinal = false
    /// The protocol's own end was seen. A stream that stops before was cut.
    public internal(set) var isFinished = false

    var open: [StreamChannel] = []
    var started = false
    var blocks: [Int64: BlockKind] = [:]
    var finishedChoices: Set<Int64> = []
    var seenChoices: Set<Int64> = []
    var nextBlock: Int64 = 0
    var answerID = "akios"
    var answerModel = "unknown"
    var created: Int64 = 0

    enum BlockKind: Sendable, Hashable { case text, toolUse, signed, other }

    public init(provider: ProviderID, stripUsage: Bool, dropLogprobs: Bool = true) {
        self.provider = provider
        self.stripUsage = stripUsage
        self.dropLogprobs = dropLogprobs
    }

    /// Channels with text so far that have not ended.
    public var openChannels: [StreamChannel] { open }

    /// - Parameter data: the data of one event, as `ServerSentEvent.data`.
    public mutating func read(_ data: [UInt8]) -> StreamEvent {
        provider == .anthropic ? readAnthropic(data) : readOpenAI(data)
    }

    /// A whole event that adds `text` to a channel, in the provider's delta shape. Used before the event that closes it.
    public func flushEvent(_ channel: StreamChannel, text: String) -> [UInt8] {
        provider == .anthropic ? flushAnthropic(channel, text: text) : flushOpenAI(channel, text: text)
    }

    /// The events that end the turn properly with a note to the reader, from wherever the stream stands: a cut
    /// connection or a bare error makes clients ask again. Text that is still held back is not the caller's to send here.
    public mutating func closing(note: String) -> [UInt8] {
        defer { isFinished = true }
        return provider == .anthropic ? closeAnthropic(note: note) : closeOpenAI(note: note)
    }

    mutating func opened(_ channel: StreamChannel) {
        if !open.contains(channel) { open.append(channel) }
    }

    mutating func close(where ends: (StreamChannel) -> Bool) -> [StreamChannel] {
        let closing = open.filter(ends)
        open.removeAll(where: ends)
        return closing
    }
}
