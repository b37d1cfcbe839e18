// Language, `spec.governance`: network, providers, credentials, redaction, budget, and what later releases enforce.

import Vocabulary

extension Language {
    static let governance: [Row] = [
        Row(
            "network_access", .map(networkAccess),
            "Where requests may go, besides the providers' endpoints."),
        Row(
            "providers",
            .list(
                .map(
                    [
                        Row(
                            "name", .scalar(.choice(ProviderID.known.map(\.rawValue))), "A provider that akios-exec knows.",
                            required: true),
                        Row(
                            "models", .either(.choice(["all"]), .list(.scalar(.text(256)))),
                            "Models that may be asked; all: with a price.",
                            default: "all", looser: .grant),
                        Row(
                            "server_tools", .scalar(.choice(["deny", "allow"])),
                            "Tools that make the provider contact third parties.", default: "deny", looser: .later
                        ),
                        Row(
                            "keys", .scalar(.choice(["broker", "pinned", "any"])),
                            "Whose key may be used on the provider's hosts.",
                            default: "pinned", looser: .later),
                    ], shorthand: "name"), identity: "name"), "Model endpoints that are granted and metered.",
            looser: .grant),
        Row(
            "credentials",
            .list(
                .map([
                    Row(
                        "env", .scalar(.variable), "The agent's variable; it holds a placeholder.",
                        required: true),
                    Row(
                        "from", .map(source), "Where the key comes from: file, env, systemd or command, one of them.",
                        required: true),
                    Row(
                        "hosts", .list(.scalar(.hostName)), "Where the placeholder is replaced.", required: true
                    ),
                    Row(
                        "optional", .scalar(.bool), "Whether absence is recorded instead of fatal.",
                        default: "false"),
                    Row(
                        "header", .scalar(.headerName),
                        "The one header that it is sent in. Absent: those that logins travel in."),
                    Row("query", .scalar(.text(64)), "A parameter of the URL's query that it is sent in."),
                ]), identity: "env", whole: true),
            "Keys that the agent never sees. They fill in and grant nothing.", looser: .grant),
        Row("pii_handling", .map(piiHandling), "Redaction. Secrets are always on."),
        Row("budget", .map(budget), "Settled plus reserved never exceeds it."),
        Row("model_routing", .map(modelRouting), "Rewrites of the model.", .no()),
        Row(
            "loop_detection",
            .map([
                Row(
                    "same_request", .scalar(.integer(1...1_000_000)), "The same request so many times.",
                    looser: .more),
                Row(
                    "same_tool_call", .scalar(.integer(1...1_000_000)), "The same tool call so many times.",
                    looser: .more),
                Row("window", .scalar(.span), "Within this time."),
                Row(
                    "action", .scalar(.choice(["stop", "throttle", "alert"])), "What happens then.",
                    default: "stop", looser: .later),
            ]), "Stops an agent that goes round in circles.", .no()),
        Row(
            "approvals",
            .map([
                Row(
                    "mode", .scalar(.choice(["explore", "ask", "auto"])),
                    "explore: reads and model calls only; ask: risky requests are asked; auto: the rules decide.",
                    default: "ask",
                    looser: .later),
                Row(
                    "ask_at", .scalar(.choice(["low", "medium", "high", "critical"])),
                    "From which risk on; critical: none.",
                    default: "high",
                    looser: .later),
                Row("timeout", .scalar(.span), "How long a question waits; then the answer is no.", default: "5m"),
            ]), "Questions to the operator: `akios approvals`."),
    ]

    /// Where a secret comes from.
    private static let source: [Row] = [
        Row("file", .scalar(.path(optional: false)), "A file with the key."),
        Row("env", .scalar(.variable), "A variable of the caller's with the key."),
        Row(
            "systemd", .scalar(.credentialName), "A credential that systemd gives akios-exec's service (LoadCredential=)."),
        Row(
            "command", .list(.scalar(.text(4096)), whole: true), "A program that prints the key, and its arguments; no shell."),
    ]

    private static func rule(_ deny: Bool) -> Shape {
        .map(
            [
                Row(
                    "host", .scalar(.hostPattern), "One name, or .example.com for every name below it.",
                    required: true),
                Row("ports", .list(.scalar(.port)), deny ? "Absent: every port." : "Absent: [443]."),
                Row(
                    "methods", .list(.scalar(.method)),
                    deny ? "Absent: every method." : "Absent: [GET, HEAD]."),
                Row(
                    "paths", .list(.scalar(.urlPath)),
                    "Globs: * within a segment, ** across. Absent: all; on a provider's host, its endpoints."),
            ]
                + (deny
                    ? []
                    : [
                        Row(
                            "redact",
                            .map([
                                Row(
                                    "in", .scalar(.choice(["all", "secrets", "none"])),
                                    "What is redacted in answers.",
                                    default: "none")
                            ]), "Redaction of this host's answers."),
                        Row(
                            "unmetered", .scalar(.choice(["deny", "allow"])),
                            "allow: provider operations without a price may pass.",
                            default: "deny"),
                        Row(
                            "tls", .scalar(.choice(["intercept", "passthrough"])),
                            "passthrough: unread, counted in bytes.",
                            default: "intercept"),
                        Row(
                            "content_types", .list(.scalar(.mediaType)),
                            "What a body may be: application/json, text/*. Absent: anything."),
                        Row(
                            "limits",
                            .map(rates + [Row("body", .scalar(.bytes), "Size of one body.", looser: .more)]),
                            "Rates and sizes of this rule's requests, within the session's."),
                        Row(
                            "risk", .scalar(.choice(["high", "medium", "low"])),
                            "How much harm its requests can do; approvals.ask_at says from where on an operator is asked.",
                            default: "medium"),
                        Row(
                            "approval", .scalar(.choice(["ask", "none"])),
                            "ask: an operator has to say yes to each request, in every mode.", default: "none"),
                    ]),
            shorthand: "host")
    }

    /// Rates, of the session or of one rule.
    private static let rates: [Row] = [
        Row(
            "requests_per_minute", .scalar(.integer(1...10_000_000)), "Requests in any minute.",
            looser: .more),
        Row("bytes_per_minute", .scalar(.bytes), "Bytes of bodies in any minute, both ways.", looser: .more),
        Row("bandwidth", .scalar(.rate), "Bytes of bodies a second, both ways.", looser: .more),
    ]

    private static let breaker: [Row] = [
        Row(
            "enabled", .scalar(.bool), "false: a host is asked however often it fails.", default: "true",
            looser: .notThis("true")),
        Row(
            "failures", .scalar(.integer(1...1_000_000)), "So many failures in a row open it.", default: "5",
            looser: .more),
        Row(
            "failure_percent", .scalar(.integer(1...100)), "Or so many per cent of the window's requests.",
            default: "50", looser: .more),
        Row(
            "min_requests", .scalar(.integer(1...1_000_000)), "If the window had at least so many.", default: "20",
            looser: .more),
        Row("window", .scalar(.span), "The window.", default: "1m"),
        Row(
            "open", .scalar(.span), "So long the host is not asked; then one request goes as a probe.",
            default: "30s"),
    ]

    private static let networkAccess: [Row] = [
        Row("allowlist", .list(rule(false)), "Hosts that are granted.", looser: .grant),
        Row(
            "denylist", .list(rule(true)), "Wins over allowlist, providers and what a child adds.",
            looser: .removal),
        Row(
            "tcp",
            .list(
                .map([
                    Row("host", .scalar(.place), "One name, localhost, or one address.", required: true),
                    Row("port", .scalar(.port), "One port.", required: true),
                ])), "Raw connections: unread, counted in bytes.", looser: .grant),
        Row(
            "unix_sockets", .list(.scalar(.path(optional: true))),
            "Sockets of the host; each is a way out.", looser: .grant, .no()),
        Row(
            "private_networks", .either(.choice(["deny"]), .list(.scalar(.network))),
            "Private networks that names may lead to. Cloud metadata never.", default: "deny",
            looser: .grant),
        Row(
            "resolve", .table(.hostName, .scalar(.resolution)),
            "Names answered here; grants that one address and port.", looser: .grant),
        Row(
            "trust", .list(.scalar(.path(optional: false))), "PEM files with further upstream roots.",
            looser: .grant),
        Row(
            "upstream_proxy",
            .either(
                .choice(["none"]),
                .map(
                    [
                        Row(
                            "url", .scalar(.proxyURL), "http://user@proxy:3128; https:// for TLS to the proxy.",
                            required: true),
                        Row(
                            "password", .map(source),
                            "Where the user's password comes from: file, env, systemd or command, one of them."),
                        Row("except", .list(.scalar(.hostPattern)), "Hosts that are reached without it."),
                    ], shorthand: "url")),
            "The proxy that requests leave by (HTTP CONNECT).", default: "none", looser: .change),
        Row(
            "limits",
            .map(
                rates + [
                    Row(
                        "connections", .scalar(.integer(1...65_535)), "Connections at once.", default: "64",
                        looser: .more),
                    Row("body", .scalar(.bytes), "Size of one body.", default: "16M", looser: .more),
                    Row(
                        "header", .scalar(.bytes), "Size of one request's head, at most 64K.", default: "64K",
                        looser: .more),
                    Row(
                        "idle_timeout", .scalar(.span), "Longest time without a byte either way.", default: "10m",
                        looser: .more),
                    Row(
                        "request_timeout", .scalar(.span), "Longest time from a request to its answer's end.",
                        default: "1h", looser: .more),
                    Row(
                        "circuit_breaker", .map(breaker), "When a host that keeps failing is left alone."),
                ]), "Rates and sizes."),
    ]

    private static let piiHandling: [Row] = [
        Row(
            "mode", .scalar(.choice(["block", "redact_before_inference", "detect"])),
            "Replace, refuse, or only record what is found.", default: "redact_before_inference",
            looser: .later),
        Row(
            "types", .list(.scalar(.piiType)), "Types (EMAIL) or categories (personal); all.",
            default: "all", looser: .removal),
        Row("fields", .list(.scalar(.piiType)), "As types.", alias: "governance.pii_handling.types"),
        Row(
            "direction", .scalar(.choice(["both", "out", "in"])), "Requests, answers, both.",
            default: "both",
            looser: .notThis("both")),
        Row(
            "strategy", .scalar(.choice(["marker", "numbered", "pseudonym", "restore"])),
            "What stands in its place.",
            default: "marker", looser: .notThis("marker"), .no(except: ["marker"])),
        Row(
            "binary", .scalar(.choice(["block", "allow"])), "Images and other bytes that cannot be read.",
            default: "block",
            looser: .later),
    ]

    private static let budget: [Row] =
        [
            Row(
                "unknown_model", .scalar(.choice(["refuse", "allow"])),
                "What becomes of a model without a price.", default: "refuse",
                looser: .later),
            Row(
                "per_call",
                .map([Row("max_tokens", .scalar(.integer(1...100_000_000)), "Output cap.", looser: .more)]),
                "One call."),
            window("per_session", .perSession), window("per_minute", .perMinute),
            window("per_day", .perDay),
            Row(
                "max_tokens_per_call", .scalar(.integer(1...100_000_000)), "As per_call.max_tokens.",
                alias: "governance.budget.per_call.max_tokens"),
        ]
        + ["session", "minute", "day"].flatMap { span in
            [
                Row(
                    "max_cost_per_\(span)", .scalar(.money), "As per_\(span).max_cost_usd.",
                    alias: "governance.budget.per_\(span).max_cost_usd"),
                Row(
                    "max_tokens_per_\(span)", .scalar(.integer(0...Int64.max)), "As per_\(span).max_tokens.",
                    alias: "governance.budget.per_\(span).max_tokens"),
                Row(
                    "max_requests_per_\(span)", .scalar(.integer(0...Int64.max)),
                    "As per_\(span).max_requests.",
                    alias: "governance.budget.per_\(span).max_requests"),
            ]
        }

    enum Span { case perSession, perMinute, perDay }

    /// A window of the budget; a day's is not enforced yet, because it outlives a session.
    static func window(_ key: String, _ span: Span) -> Row {
        Row(
            key,
            .map([
                Row(
                    "max_cost_usd", .scalar(.money), "Money, as decimal text.",
                    default: span == .perSession ? "1.00" : nil,
                    looser: .more),
                Row("max_tokens", .scalar(.integer(0...Int64.max)), "Tokens in and out.", looser: .more),
                Row(
                    "max_requests", .scalar(.integer(0...Int64.max)), "Requests to providers.", looser: .more),
                Row(
                    "action_on_exceed",
                    .scalar(
                        .choice(
                            ["terminate", "throttle", "alert_and_queue", "alert"],
                            synonyms: ["terminate_with_summary": "terminate"])),
                    "What happens at the limit.", default: span == .perMinute ? "throttle" : "terminate",
                    looser: span == .perSession ? .later : .laterOfLimit,
                    .no(except: ["terminate", "throttle", "alert"])),
                Row("grace", .scalar(.span), "From the refusal to the kill.", default: "2s", looser: .more),
            ]), "The limits of one window.", span == .perDay ? .no() : .yes)
    }

    static let modelRouting: [Row] = [
        Row(
            "rules",
            .list(
                .map([
                    Row("condition", .scalar(.text(1024)), "When this rule holds.", required: true),
                    Row("model", .scalar(.text(256)), "The model to ask.", required: true),
                    Row("reason", .scalar(.text(1024)), "Why, for the log."),
                    Row(
                        "max_retries", .scalar(.integer(0...100)),
                        "Retries of the agent's that are let through."),
                ])), "The first that holds.")
    ]
}
