// Exchange: what is known of one request while it lasts. Lives from its head to its settlement.

import Coding
import Events
import NIOCore
import NIOHTTP1
import Policy
import Providers
import Redaction
import Vocabulary
import Wire

/// A request that was read, redacted, priced and is ready to be asked for. A class: every step of an exchange looks at
/// it, and each look would copy a dozen references.
final class PreparedRequest {
    /// Target and headers have placeholders where they will have keys.
    let target: String
    let headers: HTTPHeaders
    var body: [UInt8]
    let intent: RequestIntent
    let reservation: Reservation
    let answer: AnswerPlan
    /// The model request, for its settlement; nil: nothing that costs.
    let model: ProviderRequest?
    /// How it gets its key when it is sent.
    let insertion: KeyInsertion
    /// Takes our keys out of the answer; nil: the host holds none.
    let mask: KeyMask?
    /// The answer is read, so it must come uncoded and whole.
    var readsAnswer: Bool { answer.scansAnswer || mask != nil }

    init(
        target: String, headers: HTTPHeaders, body: [UInt8], intent: RequestIntent, reservation: Reservation, answer: AnswerPlan,
        model: ProviderRequest?, insertion: KeyInsertion, mask: KeyMask?
    ) {
        self.target = target
        self.headers = headers
        self.body = body
        self.intent = intent
        self.reservation = reservation
        self.answer = answer
        self.model = model
        self.insertion = insertion
        self.mask = mask
    }
}

/// What a model's answer answers.
struct ModelCall {
    var provider: ProviderID
    var operation: OperationKind
    var redacts: Bool
    /// Usage in the stream was our wish, not the agent's.
    var injectedUsage: Bool
}

/// What has to be done to the answer.
enum AnswerPlan {
    /// Passed on as it comes.
    case pass
    /// Collected, scanned in this scope, sent on.
    case scan(Scope)
    /// A model's answer: its words redacted where `redacts`, its usage read, plain or streamed as it comes.
    case model(ModelCall)

    var scansAnswer: Bool { if case .pass = self { false } else { true } }
}

final class Exchange {
    let head: RequestHead
    let grant: RequestGrant?
    let started = NIODeadline.now()
    /// Why an operator is asked, and what the agent reads where nobody can be; nil: the rules alone decide.
    let approval: Refusal?
    /// Since when the operator is asked; nil: not now.
    private(set) var parked: NIODeadline?
    /// How long the operator was asked: no deadline of the exchange's runs meanwhile.
    private(set) var waited = TimeAmount.zero
    var body: [UInt8] = []
    /// What decodes the body that is coming in: the request's, then the answer's. Nil: it comes as it is.
    var coded: CodedBody?
    var prepared: PreparedRequest?
    /// The link's number of an admitted request; nil: nothing to settle.
    var id: UInt64?
    var upstream: (any Upstream)?
    var road = Road.direct
    /// What was sent, until an answer shows that it arrived.
    var outgoing: UpstreamRequest?
    var status = 0
    var bytesIn: UInt64 = 0
    var answer: (any AnswerFilter)?
    var mask: KeyMask?
    /// Why the agent is refused, once that is decided.
    var refusal: Refusal?
    var findings: [String: UInt64] = [:]
    var drained = 0
    var drainTimeout: Scheduled<Void>?
    var answerHead: HTTPResponseHead?
    var answerHeadWritten = false
    var trailers: HTTPHeaders?
    /// What was asked for in place of an answer, and what it became.
    var question: WebSocketQuestion?
    var relay: WebSocketRelay?
    /// What the host's circuit breaker waits to hear the outcome of.
    var ticket: CircuitBreaker.Ticket?
    /// Seconds after which asking again can succeed, where it can at all.
    var retryAfter: UInt32 = 5
    /// When a byte last went either way.
    var moved = NIODeadline.now()
    /// A deadline has passed, and the agent was told.
    var isLate = false
    /// Not read from until then, for a rate's sake.
    var rest: Scheduled<Void>?
    /// How often a connection was found closed before a byte was written.
    var attempts = 0

    private let place: Place

    init(head: RequestHead, verdict: Decision<RequestGrant>, in room: Room) {
        self.head = head
        if case .ask(let asked, let why) = verdict {
            (grant, approval) = (asked, why)
        } else {
            (grant, approval) = (verdict.grant, nil)
            refusal = verdict.refusal
        }
        ticket = grant?.ticket
        if case .throttle(_, let wait) = verdict { retryAfter = UInt32(clamping: wait / 1_000_000_000 + 1) }
        place = Place(in: room)
    }

    /// Before bytes of a body are kept. False: all requests together hold too much.
    func hold(_ count: Int) -> Bool { place.hold(count) }

    /// Keeps bytes of the request's body as what they decode to. False: all requests together hold too much.
    func keep(_ part: ByteBuffer) throws(CodingFault) -> Bool {
        guard let coded else {
            guard hold(part.readableBytes) else { return false }
            body.append(contentsOf: part.readableBytesView)
            return true
        }
        var part = part
        while let plain = try coded.decode(&part) {
            guard hold(plain.count) else { return false }
            body += plain
        }
        return true
    }

    /// The operator is asked, or has answered.
    func park(_ on: Bool) {
        let now = NIODeadline.now()
        if let since = parked {
            waited = waited + (now - since)
            moved = now
        }
        parked = on ? now : nil
    }

    /// The request's body is not held any more.
    func release() {
        body = []
        coded = nil
        outgoing = nil
        place.empty()
    }

    var milliseconds: UInt64 {
        let nanoseconds = (NIODeadline.now() - started).nanoseconds
        return UInt64(max(0, nanoseconds) / 1_000_000)
    }
}
