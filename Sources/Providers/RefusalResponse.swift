// RefusalResponse: a refusal as an HTTP answer in the shape that the client's SDK prints once and does not
// retry. The status codes are measured with the real clients: 400 for OpenAI shapes and 402 for Anthropic's
// budget are the ones that cost one request; 429 makes most clients come back.

public import Vocabulary

/// An HTTP answer, complete but for `content-length`, which the server adds.
public struct RefusalResponse: Sendable, Hashable {
    public struct Header: Sendable, Hashable {
        public let name: String
        public let value: String
    }

    public let status: Int
    public let headers: [Header]
    public let body: [UInt8]

    /// - Parameters:
    ///   - provider: whose shape to use; nil for any other host.
    ///   - operation: what was asked for, where that is known: some providers speak several shapes.
    ///   - target: the request's; on any other host a model endpoint's name says whose client asks.
    ///   - prefersJSON: for other hosts, whether the client's `accept` names JSON; else plain text.
    ///   - retryAfter: seconds after which asking again can succeed. Only for a throttled call, at most 60:
    ///     clients wait as told, and a long wait looks like a hang.
    ///   - wantedUpgrade: the request asked for a WebSocket. Of a model endpoint Codex takes 426 for "ask me without", and
    ///     any other status for the end of the turn.
    public init(
        _ refusal: Refusal, provider: ProviderID?, operation: OperationKind? = nil, target: String = "", prefersJSON: Bool = true,
        retryAfter: UInt32? = nil, wantedUpgrade: Bool = false
    ) {
        let spoken = provider.map { RefusalShape.of($0, operation) } ?? RefusalShape.spoken(at: target)
        let shape = spoken ?? .plain
        // A provider's client that is told to wait for a host that fails would wait in vain, again and again.
        let mayWait = refusal.code == .rateLimited || (spoken == nil && refusal.code == .circuitOpen)
        let wait = mayWait ? retryAfter.map { max(1, min($0, 60)) } : nil
        let isJSON = spoken != nil || prefersJSON
        status = wantedUpgrade && spoken != nil ? 426 : shape.status(refusal.code, wait != nil)
        body =
            isJSON
            ? Array(shape.body(refusal.code, status, String(decoding: jsonQuoted(refusal.told), as: UTF8.self)).utf8)
            : Array((refusal.told + "\n").utf8)
        var headers = [
            Header(name: "content-type", value: isJSON ? "application/json" : "text/plain; charset=utf-8"),
            wait.map { Header(name: "retry-after", value: String($0)) } ?? Header(name: "x-should-retry", value: "false"),
            Header(name: "cache-control", value: "no-store"),
        ]
        if let header = shape.header { headers.append(header) }
        self.headers = headers
    }
}
