// Which tier follows from which facts, and the words of the refusal.

import CagePlan
import Testing
import Vocabulary

private func facts(missing: [CageLayer: LayerFinding] = [:]) -> HostFacts {
    var facts = HostFacts(kernel: "6.1.0", privileged: true)
    for layer in CageLayer.allCases { facts.layers[layer] = missing[layer] ?? LayerFinding(.available, "tried") }
    return facts
}

private let noCgroup: [CageLayer: LayerFinding] = [
    .cgroup: LayerFinding(
        .missing, "memory, pids, cpu are bound to v1 hierarchies",
        remedy: "boot with cgroup_no_v1=all, or use a host with unified cgroups")
]

@Suite struct TierDecisionTests {
    @Test func tiersFollowFromLayers() {
        #expect(TierDecision.best(facts()) == .full)
        #expect(TierDecision.best(facts(missing: noCgroup)) == .strong)
        for layer in [CageLayer.namespaces, .procfs, .packetRules] {
            #expect(TierDecision.best(facts(missing: [layer: LayerFinding(.missing, "refused")])) == .contained)
        }
        for layer in [CageLayer.systemCallFilter, .landlock] {
            #expect(TierDecision.best(facts(missing: [layer: LayerFinding(.missing, "refused")])) == nil)
        }
        for layer in [CageLayer.overlay, .memoryExecution, .terminalInjection] {
            #expect(TierDecision.best(facts(missing: [layer: LayerFinding(.replaced, "refused")])) == .full)
        }
    }

    @Test func theRefusalReadsAsDocumented() {
        do throws(Complaint) {
            _ = try TierDecision.decide(profile: "strict", requires: .full, accepted: nil, facts(missing: noCgroup))
            Issue.record("it ran")
        } catch {
            #expect(
                error.description == """
                    error: profile 'strict' requires tier 'full', this host gives 'strong'; nothing was run
                      missing cgroup v2: memory, pids, cpu are bound to v1 hierarchies
                    hint: boot with cgroup_no_v1=all, or use a host with unified cgroups
                    hint: once, weaker (memory and cpu by rlimits only; recorded): --accept-tier strong
                    hint: akios doctor

                    """)
        }
    }

    @Test func acceptingIsForTheNamedTierOnly() throws {
        #expect(try TierDecision.decide(profile: "p", requires: .full, accepted: .strong, facts(missing: noCgroup)) == .strong)
        #expect(try TierDecision.decide(profile: "p", requires: .strong, accepted: nil, facts(missing: noCgroup)) == .strong)
        #expect(try TierDecision.decide(profile: "p", requires: .full, accepted: .strong, facts()) == .full)
        let contained = facts(missing: [.namespaces: LayerFinding(.missing, "refused")])
        #expect(throws: Complaint.self) { try TierDecision.decide(profile: "p", requires: .full, accepted: .strong, contained) }
        #expect(try TierDecision.decide(profile: "p", requires: .full, accepted: .contained, contained) == .contained)
        let nothing = facts(missing: [.landlock: LayerFinding(.missing, "refused")])
        #expect(throws: Complaint.self) {
            try TierDecision.decide(profile: "p", requires: .contained, accepted: .contained, nothing)
        }
    }
}
