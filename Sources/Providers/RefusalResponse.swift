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
    ///   - prefersJSON: for other hosts, whether the client's `accept` names JSON; else plain text.
    ///   - retryAfter: seconds after which asking again can succeed. Only for a throttled call, at most 60:
    ///     clients wait as told, and a long wait looks like a hang.
    public init(_ refusal: Refusal, provider: ProviderID?, prefersJSON: Bool = true, retryAfter: UInt32? = nil) {
        var headers: [Header] = []
        let wait = refusal.code == .rateLimited ? retryAfter.map { min($0, 60) } : nil
        if let wait {
            headers.append(Header(name: "retry-after", value: String(max(1, wait))))
        } else {
            headers.append(Header(name: "x-should-retry", value: "false"))
        }
        let message = jsonQuoted(refusal.told)
        var json = true
        var bytes: [UInt8]
        switch provider {
        case .some(.openai):
            status = wait != nil ? 429 : Self.openAIStatus(refusal.code)
            bytes = Array("{\"error\":{\"message\":".utf8) + message
            bytes += Array(
                ",\"type\":\"\(Self.openAIType(refusal.code))\",\"param\":null,\"code\":\"akios_\(refusal.code.rawValue)\"}}".utf8)
        case .some(.anthropic):
            let shape = wait != nil ? (429, "rate_limit_error") : Self.anthropicShape(refusal.code)
            status = shape.0
            bytes = Array("{\"type\":\"error\",\"error\":{\"type\":\"\(shape.1)\",\"message\":".utf8) + message + Array("}}".utf8)
        default:
            status = wait != nil ? 429 : Self.plainStatus(refusal.code)
            if prefersJSON {
                bytes = Array("{\"error\":{\"code\":\"\(refusal.code.rawValue)\",\"message\":".utf8) + message + Array("}}".utf8)
            } else {
                json = false
                bytes = Array((refusal.told + "\n").utf8)
            }
        }
        headers.insert(Header(name: "content-type", value: json ? "application/json" : "text/plain; charset=utf-8"), at: 0)
        headers.append(Header(name: "cache-control", value: "no-store"))
        self.headers = headers
        body = bytes
    }

    /// 400 is the one status that every OpenAI client takes as final; a body too large keeps its own.
    private static func openAIStatus(_ code: Refusal.Code) -> Int {
        switch code {
        case .tooLarge: 413
        case .identityMismatch: 421
        default: 400
        }
    }

    private static func openAIType(_ code: Refusal.Code) -> String {
        switch code {
        case .budgetExceeded: "insufficient_quota"
        default: "invalid_request_error"
        }
    }

    private static func anthropicShape(_ code: Refusal.Code) -> (Int, String) {
        switch code {
        case .budgetExceeded, .rateLimited, .stopping: (402, "billing_error")
        case .malformed, .strictJSON, .unknownField, .unsupportedEncoding: (400, "invalid_request_error")
        case .tooLarge: (413, "request_too_large")
        case .identityMismatch: (421, "invalid_request_error")
        default: (403, "permission_error")
        }
    }

    private static func plainStatus(_ code: Refusal.Code) -> Int {
        switch code {
        case .identityMismatch: 421
        case .malformed, .strictJSON, .plainHTTP, .notHTTP: 400
        case .tooLarge: 413
        case .unsupportedEncoding: 415
        case .resolveFailed, .upstreamUnreachable, .upstreamCertificate: 502
        default: 403
        }
    }
}
