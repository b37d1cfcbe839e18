// Production: what `akios profile lint --production` refuses although it is part of the language.

extension ResolvedProfile {
    /// Why this profile is not for production; empty where it is.
    public func productionErrors() -> [ProfileError] {
        var errors: [ProfileError] = []
        func refuse(_ path: String, _ message: String, _ hint: String) {
            let mark = tree["spec"]?[path: path.split(separator: ".").map(String.init)]?.mark ?? tree.mark
            errors.append(ProfileError(mark, message, hint: hint))
        }
        if spec.pii.mode == .detect {
            refuse("governance.pii_handling.mode", "'detect' only records what it finds", "redact_before_inference or block")
        }
        if spec.pii.direction != .both {
            refuse("governance.pii_handling.direction", "only one direction is redacted", "direction: both")
        }
        if spec.budget.perSession.maxCost == nil || spec.budget.perSession.action != .terminate {
            refuse("governance.budget.per_session", "no amount of money ends the session", "per_session: {max_cost_usd: 1.00}")
        }
        if spec.budget.unknownModel == .allow {
            refuse("governance.budget.unknown_model", "models without a price are let through unmetered", "unknown_model: refuse")
        }
        for rule in tree[path: ["spec", "governance", "network_access", "allowlist"]]?.elements ?? []
        where rule["tls"]?.text == "passthrough" {
            errors.append(ProfileError(rule.mark, "'\(rule["host"]?.text ?? "")' is passed through unread", hint: "tls: intercept"))
        }
        for endpoint in tree[path: ["spec", "governance", "network_access", "tcp"]]?.elements ?? [] {
            let words = "'\(endpoint["host"]?.text ?? "")' is reached over raw TCP, unread"
            errors.append(ProfileError(endpoint.mark, words, hint: "an allowlist rule reads what it grants"))
        }
        for note in unenforced {
            errors.append(ProfileError(note.mark, note.message, hint: "akios-exec does not start with it; take it out"))
        }
        return errors
    }
}
