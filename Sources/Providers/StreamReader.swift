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
    /// The choice, content block or output item.
    public let index: Int64
    /// What it is within that: a tool call of a choice (−1: the old `function_call`), a part of an item. Else 0.
    public let call: Int64
    /// What carries the text: a field of the delta, or the event's type.
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
    /// Says again what came in pieces before: redact it the same way, but do not count it twice.
    public let isRepeat: Bool

    init(channel: StreamChannel?, range: Range<Int>, text: String, isToolArguments: Bool, isRepeat: Bool = false) {
        self.channel = channel
        self.range = range
        self.text = text
        self.isToolArguments = isToolArguments
        self.isRepeat = isRepeat
    }
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
    /// nil: no format of ours, so that nothing is readable.
    private var stream: (any WireStream)?

    /// - Parameters:
    ///   - stripUsage: we injected `include_usage`, so its traces are taken out again.
    ///   - dropLogprobs: take out log-probabilities, which repeat the answer past any redactor.
    public init(_ kind: OperationKind, provider: ProviderID, stripUsage: Bool, dropLogprobs: Bool = true) {
        stream = WireFormats.of(kind, provider)?.stream()
        stream?.state.stripUsage = stripUsage
        stream?.state.dropLogprobs = dropLogprobs
    }

    /// The final report; nil: the stream has not come that far.
    public var usage: ReportedUsage? { stream?.state.isUsageFinal == true ? stream?.state.reported : nil }

    /// The protocol's own end was seen. A stream that stops before was cut.
    public var isFinished: Bool { stream?.state.isFinished ?? false }

    /// Channels with text so far that have not ended.
    public var openChannels: [StreamChannel] { stream?.state.open ?? [] }

    /// - Parameters:
    ///   - data: the data of one event, as `StreamFrame.data`.
    ///   - name: the event's name; for event streams of AWS its type.
    public mutating func read(_ data: [UInt8], name: String = "") -> StreamEvent {
        stream?.read(name, data) ?? StreamEvent(disposition: .unreadable)
    }

    /// A whole event that adds `text` to a channel, in the provider's delta shape. Used before the event that closes it.
    public func flushEvent(_ channel: StreamChannel, text: String) -> [UInt8] { stream?.flush(channel, text: text) ?? [] }

    /// The events that end the turn properly with a note to the reader, from wherever the stream stands: a cut
    /// connection or a bare error makes clients ask again. Text that is still held back is not the caller's to send here.
    public mutating func closing(note: String) -> [UInt8] {
        defer {
            stream?.state.isFinished = true
            stream?.state.open = []
        }
        guard !isFinished else { return [] }
        return stream?.closing(note: note) ?? []
    }
}
