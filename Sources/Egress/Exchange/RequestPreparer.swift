// RequestPreparer: from a whole request to what may leave: redaction, price, cap, record, and how its key gets in. In this order,
// because the facts and the price must speak of the very bytes that leave. No I/O; what it needs was handed in.

import Events
import Metering
import NIOHTTP1
import Policy
import Profile
import Providers
import Redaction
import Vocabulary
import Wire

final class RequestPreparer {
    private let policy: PolicyEngine
    let inspector: Inspector
    private let prices: PriceBook
    private let budget: Budget
    let keys: KeyRing

    init(policy: PolicyEngine, inspector: Inspector, prices: PriceBook, budget: Budget, keys: KeyRing) {
        self.policy = policy
        self.inspector = inspector
        self.prices = prices
        self.budget = budget
        self.keys = keys
    }

    /// - Parameters:
    ///   - body: in no coding any more. It leaves like that: packed again, a server could unpack other bytes than were scanned
    ///     (it may read the first member of a gzip only, or deflate without its wrapping).
    ///   - findings: what was found, also where it is why the request is refused.
    func prepare(
        _ head: RequestHead, body: [UInt8], grant: RequestGrant, host: HostName, port: UInt16, id: UInt64, words: RefusalWords,
        findings: inout [String: UInt64]
    ) throws(Refusal) -> PreparedRequest {
        let type = ContentType(head.headers.first(name: "content-type"))
        guard ContentType.isReadable(head.headers.first(name: "content-type")) || body.isEmpty else {
            throw words.refusal(
                .unsupportedEncoding, reason: "a request body in a character set that is not scanned",
                what: "request bodies in this character set are not accepted, send UTF-8")
        }
        try inspector.checkHeaders(keys.scanned(head.headers), grant: grant, words: words, findings: &findings)
        try inspector.checkTarget(
            keys.scanned(head.target, provider: grant.provider), grant: grant, words: words, findings: &findings)
        let came = body
        var body = body
        if !body.isEmpty { body = try inspector.request(body, type: type, grant: grant, words: words, findings: &findings) }

        var headers = head.headers
        var target = head.target
        let insertion = keys.insertion(
            grant.key, target: &target, headers: &headers, provider: grant.provider, keys: grant.keys)
        var reservation = Reservation.nothing
        var model: ProviderRequest?
        var plan = AnswerPlan.pass
        if let provider = grant.provider, let kind = grant.operation {
            if kind.hasModelBody {
                let rules = ProviderRequest.Rules(words: words, refuseUnknownFields: !grant.unmeteredAllowed)
                var request = try ProviderRequest.parse(kind, provider: provider, target: head.target, body: body, rules: rules)
                if !grant.serverTools { request.omitServerTools() }
                if let refusal = policy.refusal(of: request, grant: grant, host: host) { throw refusal }
                let quote = try prices.quote(request, budget: budget, words: words)
                guard let edited = BodyEdit.apply(quote.rewritten.edits, to: body) else {
                    throw words.refusal(
                        .malformed, reason: "the body could not be rewritten", what: "the request body could not be read")
                }
                body = edited
                reservation = quote.reservation
                model = request
                if kind.isMetered {
                    plan = .model(
                        ModelCall(
                            provider: provider, operation: kind, redacts: grant.redactInbound != .none,
                            injectedUsage: quote.rewritten.injectedUsage))
                }
            }
        } else {
            switch grant.redactInbound {
            case .none: break
            case .secrets: plan = .scan(.secrets)
            case .all: plan = .scan(.all)
            }
        }
        // A signature covers the body: altered it would be refused there, in words that explain nothing.
        if body != came, !insertion.isSignature, Self.isSigned(head.headers) {
            throw words.refusal(
                .malformed, reason: "a body under an AWS signature would have to be altered (redaction, output cap)",
                what: "a signed request cannot be altered: set an output cap within the limit, or use an API key")
        }
        let hasBody = head.hasBody || head.contentLength != nil
        let authority = port == 443 ? host.text : "\(host.text):\(port)"
        let intent = RequestIntent(
            id: id, host: host.text, port: port, method: RefusalWords.printable(head.method),
            path: inspector.shownPath(head.target), operation: grant.operation,
            model: model.map { RefusalWords.printable($0.model) },
            credential: Self.credential(grant), reservedCost: reservation.cost, reservedTokens: reservation.tokens,
            redactions: findings, bytes: UInt64(body.count),
            rule: grant.rule,
            marks: Self.marks(grant) + (model?.omitted.isEmpty == false ? ["omitted_tools"] : []))
        let mask = keys.mask(for: host)
        let leaving = HeaderRules.forward(
            headers, method: head.method, host: authority, bodyLength: hasBody ? body.count : nil,
            isRewritten: body != came || head.headers.contains(name: "content-encoding"),
            scansAnswer: plan.scansAnswer || mask != nil)
        if case .sign(let signature, _) = insertion {
            let request = AWSRequest(method: head.method, target: target, headers: leaving.map { ($0.name, $0.value) }, body: body)
            if let refusal = KeyRing.refusal(signature, request, words) { throw refusal }
        }
        return PreparedRequest(
            target: target, headers: leaving, body: body, intent: intent, reservation: reservation, answer: plan, model: model,
            insertion: insertion, mask: mask)
    }

    private static func marks(_ grant: RequestGrant) -> [String] {
        if case .agent = grant.key, grant.provider != nil { ["unbrokered"] } else { [] }
    }

    private static func credential(_ grant: RequestGrant) -> String? {
        if case .broker(let variables, _) = grant.key { variables.joined(separator: ",") } else { nil }
    }

    private static func isSigned(_ headers: HTTPHeaders) -> Bool {
        headers.first(name: "authorization")?.hasPrefix("AWS4-") == true
    }

    /// What an answered request costs.
    func settlement(_ exchange: Exchange) -> Settlement {
        guard let prepared = exchange.prepared, let model = prepared.model else {
            return Settlement(cost: .zero, usage: TokenUsage(), model: "", usageKnown: true)
        }
        // Providers do not bill what they answer with an error.
        if exchange.status >= 400 { return Settlement(cost: .zero, usage: TokenUsage(), model: model.model, usageKnown: true) }
        return prices.settlement(exchange.answer?.usage, request: model, reserved: prepared.reservation)
    }

    /// Bytes went out and nothing is known of what they cost.
    func unknownSettlement(_ exchange: Exchange) -> Settlement {
        guard let prepared = exchange.prepared, let model = prepared.model else {
            return Settlement(cost: .zero, usage: TokenUsage(), model: "", usageKnown: true)
        }
        return PriceBook.unknown(model.model, prepared.reservation)
    }

    /// A path as a record may show it.
    func shownPath(_ target: String) -> String { inspector.shownPath(target) }

    /// The filter for an answer with this head.
    func filter(_ prepared: PreparedRequest, head: HTTPResponseHead) throws(AnswerFailure) -> any AnswerFilter {
        guard prepared.readsAnswer else { return PassingAnswer() }
        let type = ContentType(head.headers.first(name: "content-type"))
        return inspector.answer(prepared.answer, type: type, isError: head.status.code >= 400)
    }
}
