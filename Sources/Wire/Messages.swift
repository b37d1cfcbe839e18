// Messages: what supervisor and egress may say to each other, as values. A frame is a u32 length (big-endian)
// and that many bytes, at most 64 KiB; the first byte is the message's kind. Numbers are big-endian, byte
// strings carry a u32 length. Anything that does not parse ends the session.

public import Events
public import Vocabulary

public enum WireLimits {
    public static let version: UInt8 = 1
    public static let maxFrame = 65_536
    /// Of one counter: what is beyond is a lie, and a sum of what is not stays within the integer.
    public static let maxCount: UInt64 = 1 << 48
}

/// A record that egress asks the supervisor to write. The supervisor adds sequence number and time.
public struct RecordDraft: Sendable, Hashable {
    public var kind: EventKind
    /// A canonical JSON object (RFC 8785), one line, at most 32 KiB. The supervisor checks that it is one.
    public var data: [UInt8]
    public init(kind: EventKind, data: [UInt8]) {
        self.kind = kind
        self.data = data
    }
}

/// What a request may cost at worst; held until settled.
public struct Reservation: Sendable, Hashable {
    public var cost: Money
    public var tokens: Int64
    public init(cost: Money, tokens: Int64) {
        self.cost = cost
        self.tokens = tokens
    }
    public static let nothing = Reservation(cost: .zero, tokens: 0)
}

/// What a settled call really used. `usageKnown` false: nothing was reported, so the reservation stands as spent.
public struct Settlement: Sendable, Hashable {
    public var cost: Money
    public var usage: TokenUsage
    public var model: String
    public var usageKnown: Bool
    public init(cost: Money, usage: TokenUsage, model: String, usageKnown: Bool) {
        self.cost = cost
        self.usage = usage
        self.model = model
        self.usageKnown = usageKnown
    }
}

public enum FromEgress: Sendable, Hashable {
    /// First message. `caPEM` is the session CA's certificate, for the cage's bundles.
    case hello(version: UInt8, caPEM: [UInt8])
    /// The sandbox of egress is on and its listeners are served.
    case ready
    /// One intent: record and reservation; nothing leaves before the answer.
    case admit(id: UInt64, reservation: Reservation, record: RecordDraft)
    /// The same intent, where an operator has to say yes first. Answered as `admit` is; it may take minutes.
    case ask(id: UInt64, reservation: Reservation, record: RecordDraft, question: ApprovalQuestion)
    /// The agent has gone, or waited too long: nobody has to be asked about `id` any more. An `ask` that is still open is answered
    /// `refused` all the same; one that was answered meanwhile stays answered.
    case withdrawn(id: UInt64)
    /// The end of an admitted request, with its outcome record. Not answered.
    case settle(id: UInt64, settlement: Settlement, record: RecordDraft)
    /// A record without money: a refusal, a denied name, a fenced packet. Not answered.
    case note(RecordDraft)
    /// Running totals for output.json, sent with changes at most every 100 ms and before the end.
    case totals(EgressTotals)
    /// Egress cannot go on; the session ends with this sentence.
    case fatal(String)
}

public enum ToEgress: Sendable, Hashable {
    /// The agent is about to start: serve.
    case go
    case admitted(id: UInt64)
    /// Not admitted; `why` is shaped into the provider's own refusal.
    case refused(id: UInt64, why: Refusal.Code, told: String)
    /// No byte leaves any more; open answers are ended.
    case stop(why: Refusal.Code, told: String)
    /// The agent is gone: settle what is open, send `totals`, close the channel.
    case finish
}

/// Counters by plain numbers; types and hosts are names from rules, never matched text.
public struct EgressTotals: Sendable, Hashable {
    public var requests: UInt64 = 0
    public var denied: UInt64 = 0
    public var bytesOut: UInt64 = 0
    public var bytesIn: UInt64 = 0
    public var hosts: [String: UInt64] = [:]
    public var redactions: [String: UInt64] = [:]
    public init() {}
}
