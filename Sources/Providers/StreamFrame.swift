// StreamFrame: what a streamed answer is made of, whichever framing carries it: server-sent events, lines of JSON, or the
// binary messages of AWS.

/// How a provider cuts its streams.
public enum StreamFraming: Sendable, Hashable {
    /// `text/event-stream`.
    case events
    /// One JSON object a line (NDJSON).
    case lines
    /// `application/vnd.amazon.eventstream`.
    case messages

    /// A new splitter for one answer.
    public func splitter() -> any FrameSplitter {
        switch self {
        case .events: EventStreamParser()
        case .lines: LineSplitter()
        case .messages: MessageSplitter()
        }
    }
}

/// One event of a stream, as it came.
public protocol StreamFrame: Sendable {
    /// All its bytes.
    var raw: [UInt8] { get }
    /// What it calls itself; empty where it does not.
    var name: String { get }
    /// What a reader reads; nil: nothing (a comment, a keep-alive).
    var data: [UInt8]? { get }
    /// The same event with other data, whole and correct for its framing.
    func bytes(data: [UInt8]) -> [UInt8]
}

/// Why a stream cannot be read on.
public enum FrameError: Error, Sendable, Hashable {
    /// An event that could not be scanned in bounded memory.
    case tooLarge
    /// Bytes that are no event of this framing, or whose checksum is wrong.
    case damaged
}

/// Cuts a byte stream into events. Fed in any pieces it gives the same events, each as soon as it is whole.
public protocol FrameSplitter: Sendable {
    mutating func split(_ bytes: some Sequence<UInt8>) throws(FrameError) -> [any StreamFrame]
    /// Bytes of an event that has not ended yet.
    var pending: Int { get }
}
