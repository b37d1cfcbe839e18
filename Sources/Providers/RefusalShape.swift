// RefusalShape: how each vendor words an error, and the status under which its clients print it once and do not come back.
// The codes are measured with the real clients: 400 for OpenAI's, 402 for Anthropic's, Mistral's and Ollama's, 403 for AWS'.

import Vocabulary

struct RefusalShape: Sendable {
    /// Of a refusal; `waits`: it is a throttled call that may be asked again soon.
    let status: @Sendable (_ code: Refusal.Code, _ waits: Bool) -> Int
    /// The body, of the code, that status and the sentence as a JSON literal.
    let body: @Sendable (_ code: Refusal.Code, _ status: Int, _ sentence: String) -> String
    var header: RefusalResponse.Header?

    static func of(_ provider: ProviderID, _ operation: OperationKind?) -> RefusalShape {
        switch provider {
        case .openai: openAI
        case .anthropic: anthropic
        case .bedrock: amazon
        case .gemini: google
        case .mistral: mistral
        case .ollama where operation != .chatCompletions: ollama
        case .azure, .ollama, .openrouter, .xai: openAI
        default: plain
        }
    }

    /// Whose client asks a host that is nobody's: it comes back for a 403 up to nine times if it is OpenAI's kind.
    static func spoken(at target: String) -> RefusalShape? {
        let path = target.prefix { $0 != "?" }
        if path.hasSuffix("/v1/messages") || path.hasSuffix("/v1/messages/count_tokens") { return anthropic }
        return ["/completions", "/responses", "/embeddings"].contains { path.hasSuffix($0) } ? openAI : nil
    }

    /// 400 is the one status that every OpenAI client takes as final; a body too large keeps its own.
    static let openAI = RefusalShape(
        status: { code, waits in
            switch code {
            case _ where waits: 429
            case .tooLarge: 413
            case .identityMismatch: 421
            default: 400
            }
        },
        body: { code, _, sentence in
            let type = code == .budgetExceeded ? "insufficient_quota" : "invalid_request_error"
            return #"{"error":{"message":\#(sentence),"type":"\#(type)","param":null,"code":"akios_\#(code.rawValue)"}}"#
        })

    static let anthropic = RefusalShape(
        status: { code, waits in waits ? 429 : anthropicType(code).0 },
        body: { code, status, sentence in
            let type = status == 429 ? "rate_limit_error" : anthropicType(code).1
            return #"{"type":"error","error":{"type":"\#(type)","message":\#(sentence)}}"#
        })

    private static func anthropicType(_ code: Refusal.Code) -> (Int, String) {
        switch code {
        case .budgetExceeded, .rateLimited, .stopping: (402, "billing_error")
        case .malformed, .strictJSON, .unknownField, .unsupportedEncoding: (400, "invalid_request_error")
        case .tooLarge: (413, "request_too_large")
        case .identityMismatch: (421, "invalid_request_error")
        default: (403, "permission_error")
        }
    }

    /// Whose clients take 402 for final.
    private static func paid(_ code: Refusal.Code, _ waits: Bool) -> Int {
        switch code {
        case _ where waits: 429
        case .budgetExceeded, .rateLimited, .stopping: 402
        default: plain.status(code, false)
        }
    }

    static let google = RefusalShape(
        status: paid,
        body: { _, status, sentence in
            let names = [400: "INVALID_ARGUMENT", 402: "FAILED_PRECONDITION", 413: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED"]
            let name = names[status] ?? (status >= 500 ? "UNAVAILABLE" : "PERMISSION_DENIED")
            return #"{"error":{"code":\#(status),"message":\#(sentence),"status":"\#(name)"}}"#
        })

    static let mistral = RefusalShape(
        status: paid,
        body: { code, status, sentence in
            #"{"object":"error","message":\#(sentence),"type":"akios_\#(code.rawValue)","param":null,"code":"\#(status)"}"#
        })

    static let ollama = RefusalShape(status: paid, body: { _, _, sentence in #"{"error":\#(sentence)}"# })

    /// Throttling, by whatever name, is asked again: a denial is not.
    static let amazon = RefusalShape(
        status: { code, waits in
            switch code {
            case _ where waits: 429
            case .tooLarge: 413
            case .identityMismatch: 421
            default: 403
            }
        },
        body: { _, _, sentence in #"{"message":\#(sentence)}"# },
        header: .init(name: "x-amzn-errortype", value: "AccessDeniedException"))

    /// Of hosts that speak no provider's format.
    static let plain = RefusalShape(
        status: { code, waits in
            switch code {
            case .circuitOpen: 503
            case _ where waits: 429
            case .identityMismatch: 421
            case .malformed, .strictJSON, .plainHTTP, .notHTTP: 400
            case .tooLarge: 413
            case .unsupportedEncoding, .contentTypeNotAllowed: 415
            case .timedOut: 504
            case .resolveFailed, .upstreamUnreachable, .upstreamCertificate, .upstreamProxy, .clientCertificate: 502
            default: 403
            }
        },
        body: { code, _, sentence in #"{"error":{"code":"\#(code.rawValue)","message":\#(sentence)}}"# })
}
