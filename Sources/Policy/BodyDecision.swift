// BodyDecision: may this model request's body go out. Asked after the body was parsed, before it is priced.

import Profile
public import Providers
public import Vocabulary

extension PolicyEngine {
    /// nil: yes. Models, tools that run at the provider, bytes no scanner reads, parts whose cost has no bound.
    public func refusal(of request: ProviderRequest, grant: RequestGrant, host: HostName) -> Refusal? {
        let words = words(host.text)
        guard grant.allows(model: request.model) else {
            let shown = RefusalWords.printable(request.model)
            return words.refusal(
                .modelNotAllowed, reason: "model '\(shown)' is not in the provider's list",
                what: "the model '\(shown)' is not allowed")
        }
        if let tool = request.serverTools.first, !grant.serverTools {
            return words.refusal(
                .serverTool, reason: "'\(tool)' makes the provider contact third parties; server_tools is deny",
                what: "'\(tool)' runs at the provider and is not allowed")
        }
        if request.binaryParts > 0, grant.binary == .block {
            return words.refusal(
                .binaryContent, reason: "\(request.binaryParts) inline parts cannot be scanned; pii_handling.binary is block",
                what: "images and files inside a request are not allowed")
        }
        if let part = request.unpriced.first, !grant.unmeteredAllowed {
            return words.refusal(
                .unpricedOperation, reason: "the cost of \(part) has no known bound", what: "the cost of \(part) cannot be bounded")
        }
        return nil
    }
}
