// Documents that must load as they stand: the seeds', the example of the whole language, the shipped profiles.

import Foundation
import Profile
import ProfileFile
import Testing
import Vocabulary

@Suite struct SeedTests {
    static let agentPolicy = """
        apiVersion: akios/v1
        kind: AgentPolicy
        metadata:
          name: my-first-agent
        spec:
          governance:
            network_access:
              allowlist:
                - host: "api.openai.com"
                  methods: ["POST"]
                - host: "internal-crm.corp"
                  methods: ["GET"]
            budget:
              max_tokens_per_minute: 10000
              max_cost_per_session: $1.00
            pii_handling:
              mode: redact_before_inference
              fields: ["email", "phone", "ssn"]
        """

    static let fluxConfig = """
        apiVersion: akios/v1
        kind: FluxConfig
        metadata:
          name: production-cost-controls
        spec:
          budgets:
            per_session: {max_cost_usd: 2.00, max_tokens: 50000, action_on_exceed: terminate_with_summary}
            per_minute: {max_tokens: 8000, action_on_exceed: throttle}
            per_day: {max_cost_usd: 500.00, action_on_exceed: alert_and_queue}
          model_routing:
            rules:
              - {condition: "task.complexity == 'lookup'", model: "gpt-4o-mini", reason: "Simple retrieval"}
              - {condition: "task.complexity == 'analysis'", model: "gpt-4-turbo", max_retries: 2}
          scheduling: {predictive_scaling: true, look_ahead_seconds: 30, context_packing: true, spot_instance_fallback: true}
        """

    @Test func anAgentPolicy() throws {
        let folder = try Folder(["a.yaml": Self.agentPolicy])
        let resolved = try folder.load("a.yaml")
        let spec = resolved.spec
        #expect(spec.name == "my-first-agent")
        #expect(spec.network.allow.map(\.host.description) == ["api.openai.com", "internal-crm.corp"])
        #expect(spec.network.allow.map(\.methods) == [["POST"], ["GET"]])
        #expect(spec.network.allow.map(\.namesPaths) == [false, false])
        #expect(spec.budget.perMinute.maxTokens == 10000)
        #expect(spec.budget.perMinute.action == .throttle)
        #expect(spec.budget.perSession.maxCost == Money(nanos: 1_000_000_000))
        #expect(spec.pii.types == ["EMAIL", "PHONE", "SSN"])
        #expect(resolved.unenforced.isEmpty)
        #expect(resolved.sources.map(\.name) == ["builtin/base", "a.yaml"])
    }

    @Test func aFluxConfig() throws {
        let folder = try Folder(["f.yaml": Self.fluxConfig])
        let resolved = try folder.load("f.yaml")
        #expect(resolved.sources.map(\.name) == ["builtin/standard", "f.yaml"])
        #expect(resolved.spec.budget.perSession.maxTokens == 50000)
        #expect(resolved.spec.budget.perSession.action == .terminate)
        #expect(resolved.spec.budget.perDay?.maxCost == Money(nanos: 500_000_000_000))
        #expect(
            resolved.unenforced.map(\.key) == ["governance.budget.per_day", "governance.model_routing"])
        #expect(
            resolved.notes.filter { $0.kind == .ignored }.map(\.key) == [
                "scheduling.predictive_scaling", "scheduling.look_ahead_seconds",
                "scheduling.context_packing",
                "scheduling.spot_instance_fallback",
            ])
    }

    @Test func bothTogether() throws {
        let folder = try Folder(["a.yaml": Self.agentPolicy, "f.yaml": Self.fluxConfig])
        let resolved = try folder.load("a.yaml", "f.yaml")
        #expect(resolved.sources.map(\.name) == ["builtin/base", "a.yaml", "f.yaml"])
        #expect(resolved.spec.budget.perSession.maxCost == Money(nanos: 2_000_000_000))
        #expect(resolved.spec.pii.types == ["EMAIL", "PHONE", "SSN"])
    }

    @Test func olderFolders() throws {
        let folder = try Folder([
            "a.yaml": policy(
                """
                  security:
                    allowedDirectories: {read: ["${HOME}/.aiox"], write: ["${PROJECT_ROOT}/src"], execute: ["${PROJECT_ROOT}/src/bin"]}
                    blockedPaths: ["~/.netrc"]
                """)
        ])
        let files = try folder.load("a.yaml").spec.sandbox.filesystem
        #expect(files.read.last == .path(PathSpec(path: "~/.aiox")))
        #expect(files.write == [PathSpec(path: folder.path + "/src")])
        #expect(files.exec.last == .path(PathSpec(path: folder.path + "/src/bin")))
        #expect(files.hide.last == "~/.netrc")
    }

    @Test(arguments: Builtin.names)
    func shippedProfilesCarryOnlyWhatIsEnforced(_ name: String) throws {
        let resolved = try Folder().load(name)
        #expect(resolved.notes.isEmpty)
        #expect(resolved.spec.name == name)
        #expect(resolved.spec.sandbox.unixSockets == false)
        #expect(resolved.spec.budget.perSession.maxCost == Money(nanos: 1_000_000_000))
        #expect(resolved.spec.pii.mode == .redact)
        #expect(resolved.productionErrors().isEmpty)
    }

    @Test(arguments: Builtin.names)
    func whatIsShownLoadsAgain(_ name: String) throws {
        let folder = try Folder()
        let shown = try folder.load(
            name,
            sets: [
                "sandbox.environment.set.A=x: y # \"z\"", "governance.network_access.allowlist=['*.a.com']",
            ])
        try folder.write("shown.yaml", shown.yaml())
        let again = try folder.load("shown.yaml")
        #expect(again.spec == shown.spec)
        #expect(again.canonicalJSON() == shown.canonicalJSON())
    }

    @Test func aTypeThatNothingLooksFor() throws {
        let folder = try Folder(["a.yaml": Self.agentPolicy.replacing("\"ssn\"", with: "\"emial\", \"personal\"")])
        let resolved = try folder.load("a.yaml")
        #expect(resolved.spec.pii.unknownTypes(known: ["EMAIL", "PHONE"]) == ["EMIAL"])
        #expect(
            resolved.unknownTypes(known: ["EMAIL", "PHONE"]).map(\.description) == [
                "error: a.yaml:18:34: nothing looks for 'EMIAL'\nhint: did you mean 'EMAIL'?"
            ])
        let all = try folder.load("strict")
        #expect(all.unknownTypes(known: [String]()).isEmpty)
    }

    @Test func detectIsNotForProduction() throws {
        let resolved = try Folder().load("strict", sets: ["governance.pii_handling.mode=detect"])
        #expect(resolved.productionErrors().map(\.message) == ["'detect' only records what it finds"])
    }
}

@Suite struct ExampleTests {
    /// profiles/example.yaml shows the whole language, also what later releases enforce.
    @Test func theWholeLanguage() throws {
        let folder = try Folder()
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
        try folder.write("example.yaml", try String(contentsOfFile: here + "/../../profiles/example.yaml", encoding: .utf8))
        let resolved = try folder.load("example.yaml")
        #expect(
            resolved.unenforced.map(\.key) == [
                "governance.loop_detection"
            ])
        #expect(resolved.loosened.isEmpty)
        // But for those, the shipped profile says the same.
        let strict = try folder.load("strict").spec
        #expect(resolved.spec == strict)
    }
}
