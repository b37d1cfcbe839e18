// RefusalWords: the sentence that the agent reads. It names the host, the profile and whom to ask, and
// nothing of the rule set: a hostile agent must not be able to map the policy by asking.

public import Vocabulary

/// What every sentence to the agent is built from.
public struct RefusalWords: Sendable, Hashable {
    public let host: String
    public let profile: String

    public init(host: String, profile: String) {
        self.host = host
        self.profile = profile
    }

    /// `reason` is for the operator and the log, `what` for the agent: a clause without a full stop.
    /// `rule`: the profile's rules or key that decided.
    public func refusal(_ code: Refusal.Code, reason: String, what: String, rule: String? = nil) -> Refusal {
        Refusal(
            code, reason: reason, told: "akios-exec: \(what) (host \(host), profile '\(profile)'). Ask the operator.", rule: rule)
    }

    /// A model without a price. The name is the agent's own text, so it is cut and cleaned before it is shown.
    public func unknownModel(_ model: String) -> Refusal {
        let shown = Self.printable(model)
        return refusal(
            .unknownModel, reason: "model '\(shown)' has no price; add it to a price file or set budget.unknown_model: allow",
            what: "model '\(shown)' is not known here, so its cost cannot be bounded; nothing was sent")
    }

    /// At most 100 printable ASCII characters; anything else becomes `?`, so that no text of the agent's
    /// can forge lines or colours on the operator's terminal.
    public static func printable(_ text: String) -> String {
        if text.utf8.count <= 100, text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) { return text }
        let scalars = text.unicodeScalars.prefix(100).map { (0x20..<0x7f).contains($0.value) ? Character($0) : "?" }
        return String(scalars)
    }
}
