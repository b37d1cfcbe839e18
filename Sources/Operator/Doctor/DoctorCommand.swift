// akios doctor: which tier this host gives, and for each layer what was tried, what came of it and what to do.

import ArgumentParser
import CagePlan
import HostProbe
import JSONBytes
import Vocabulary

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Say which tier this host gives, layer by layer.",
        discussion: """
            Builds the namespaces of a cage in a child that ends at once; nothing stays. Run it as akios-exec will run: root
            and an ordinary user get different answers. Status 1 if a layer of tier `full` is missing.
            """)

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        let report = DoctorReport(HostProbe.thorough())
        if json { Console.json(report.json) } else { report.print() }
        if !report.healthy { throw ExitCode(Status.no.rawValue) }
    }
}

/// Facts as checks: each passes, warns (something stands in, or it is no layer of a tier) or fails.
struct DoctorReport {
    enum CheckStatus: String { case pass, warn, fail }

    struct Check {
        var id: String
        var title: String
        var status: CheckStatus
        var evidence: String
        var remedy: String?
    }

    let facts: HostFacts
    let checks: [Check]
    let tier: String
    var healthy: Bool { !checks.contains { $0.status == .fail } }

    init(_ facts: HostFacts) {
        self.facts = facts
        tier = TierDecision.best(facts)?.rawValue ?? "none"
        checks = CageLayer.allCases.map { layer in
            guard let finding = facts.layers[layer] else {
                return Check(
                    id: layer.rawValue, title: TierDecision.words(layer), status: .warn,
                    evidence: "not tried, because an earlier trial failed", remedy: nil)
            }
            let status: CheckStatus =
                switch finding.state {
                case .available: .pass
                case .replaced: .warn
                case .missing: .fail
                }
            return Check(
                id: layer.rawValue, title: TierDecision.words(layer), status: status, evidence: finding.evidence,
                remedy: finding.remedy)
        }
    }

    var json: JSONValue {
        let list = checks.map { check -> JSONValue in
            var members: [JSONValue.Member] = [
                .init("evidence", .string(check.evidence)), .init("id", .string(check.id)),
                .init("status", .string(check.status.rawValue)),
            ]
            if let remedy = check.remedy { members.append(.init("remedy", .string(remedy))) }
            return .object(members)
        }
        var members: [JSONValue.Member] = [
            .init("checks", .array(list)), .init("healthy", .bool(healthy)), .init("kernel", .string(facts.kernel)),
            .init("privileged", .bool(facts.privileged)), .init("tier", .string(tier)),
        ]
        if let container = facts.container { members.append(.init("container", .string(container))) }
        return .object(members)
    }

    func print() {
        let whom = facts.privileged ? "root" : "an ordinary user"
        Console.line("tier \(tier): Linux \(facts.kernel), as \(whom)\(facts.container.map { ", in a container (\($0))" } ?? "")")
        Console.table(["", "LAYER", "EVIDENCE"], checks.map { [$0.status.rawValue, $0.title, $0.evidence] })
        for check in checks {
            if check.status != .pass, let remedy = check.remedy { Console.hint("\(check.title): \(remedy)") }
        }
    }
}
