// Language: the whole profile language, key by key. `akios profile schema`, man/akios-profile.5 and lint say what these
// rows say. This file has the document; Language+Sandbox.swift and Language+Governance.swift have what stands below `spec`.

enum Language {
    static let apiVersion = "akios/v1"

    enum Kind: String, CaseIterable, Sendable {
        case agentPolicy = "AgentPolicy", fluxConfig = "FluxConfig"
    }

    /// The profile that a document without `extends` starts from, if nothing else stands below it.
    static func implicitParent(of kind: Kind) -> String { kind == .fluxConfig ? "standard" : "base" }

    static func document(_ kind: Kind) -> [Row] {
        head + [
            Row("spec", .map(kind == .fluxConfig ? flux : spec), "What is granted and what is limited.")
        ]
    }

    private static let head: [Row] = [
        Row(
            "apiVersion", .scalar(.choice([apiVersion])), "The version of the language.", required: true),
        Row(
            "kind", .scalar(.choice(Kind.allCases.map(\.rawValue))),
            "AgentPolicy, or FluxConfig: budgets alone, on top of `standard`.",
            default: Kind.agentPolicy.rawValue),
        Row(
            "metadata",
            .map([
                Row("name", .scalar(.text(64)), "The profile's name in records and refusals."),
                Row("description", .scalar(.text(1024)), "One sentence for `akios profile list`."),
            ]),
            "Who this profile is."),
        Row(
            "extends",
            .list(
                .map(
                    [
                        Row(
                            "name", .scalar(.profileName),
                            "A name, builtin/NAME, or a path relative to this file.", required: true),
                        Row(
                            "except", .list(.scalar(.dottedKey)),
                            "Dotted paths below `spec` that are not inherited."),
                    ], shorthand: "name")),
            "Parents, in merging order. Absent: [base], or [standard] for a FluxConfig."),
    ]

    static let spec: [Row] = [
        Row(
            "require", .scalar(.choice(["full", "strong", "contained"])),
            "The weakest tier to run at; below it nothing runs (exit 125).", default: "full",
            looser: .later),
        Row("sandbox", .map(sandbox), "The cage."),
        Row("governance", .map(governance), "What leaves and what it costs."),
        Row("audit", .map(audit), "The log."),
        Row(
            "security",
            .map([
                Row(
                    "allowedDirectories",
                    .map([
                        Row(
                            "read", .list(.scalar(.path(optional: true))), "As sandbox.filesystem.read.",
                            alias: "sandbox.filesystem.read"),
                        Row(
                            "write", .list(.scalar(.path(optional: true))), "As sandbox.filesystem.write.",
                            alias: "sandbox.filesystem.write"),
                        Row(
                            "execute", .list(.scalar(.path(optional: true))), "As sandbox.filesystem.exec.",
                            alias: "sandbox.filesystem.exec"),
                    ]), "Read as sandbox.filesystem."),
                Row(
                    "blockedPaths", .list(.scalar(.pattern)), "As sandbox.filesystem.hide.",
                    alias: "sandbox.filesystem.hide"),
            ]), "The older spelling of sandbox.filesystem."),
        scheduling,
    ]

    /// `kind: FluxConfig`.
    static let flux: [Row] = [
        Row(
            "budgets",
            .map([
                window("per_session", .perSession), window("per_minute", .perMinute),
                window("per_day", .perDay),
            ]),
            "As governance.budget.", alias: "governance.budget"),
        Row(
            "model_routing", .map(modelRouting), "As governance.model_routing.", .no(),
            alias: "governance.model_routing"),
        scheduling,
    ]

    private static let scheduling: Row = {
        let reason = "infrastructure is not this program's to schedule"
        return Row(
            "scheduling",
            .map([
                Row("predictive_scaling", .scalar(.bool), "No effect.", .ignored(reason)),
                Row(
                    "look_ahead_seconds", .scalar(.integer(0...86_400)),
                    "Warn when the budget will be gone within so many seconds.",
                    .ignored("budgets are held, not foreseen, in this release")),
                Row("context_packing", .scalar(.bool), "No effect.", .ignored("prompts are the agent's")),
                Row("spot_instance_fallback", .scalar(.bool), "No effect.", .ignored(reason)),
            ]), "Read for the sake of older documents.")
    }()

    static let audit: [Row] = [
        Row(
            "sync", .scalar(.choice(["always", "batch"])),
            "always: each record is on disk before the action; batch: within 50 ms.",
            default: "batch", looser: .later),
        Row(
            "checkpoint_every", .scalar(.integer(1...1_000_000)),
            "Records between two signed checkpoints.", default: "1000",
            looser: .more),
        Row(
            "bodies", .scalar(.choice(["none", "redacted"])), "Whether bodies are kept beside the log.",
            default: "none",
            looser: .notThis("none"), .no(except: ["none"])),
        Row(
            "alerts",
            .list(
                .either(
                    .choice(["syslog"]),
                    .map([
                        Row("webhook", .scalar(.url), "POST each alert to this HTTPS address."),
                        Row(
                            "command", .list(.scalar(.text(4096))),
                            "Run this command with the alert on standard input."),
                    ]))),
            "Who is told of requests that wait for approval, of passed budgets that only alert, and of stops.", looser: .removal),
    ]
}
