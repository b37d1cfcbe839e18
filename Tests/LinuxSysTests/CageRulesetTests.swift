// The prepared batch must leave in a kernel exactly what `nft -f profiles/cage.nft` leaves there. Both are loaded into
// network namespaces that end with the test.

import Glibc
import LinuxSys
import Testing

/// Enters a network namespace of its own: as root directly, otherwise with a user namespace.
private let isolated = geteuid() == 0 ? ["unshare", "-n"] : ["unshare", "-Urn"]

private let canLoad: Bool = testsMustRun || ((try? run(isolated + ["nft", "list", "ruleset"]))?.status == 0)

private let root = String(#filePath.dropLast("/Tests/LinuxSysTests/CageRulesetTests.swift".count))

@Suite struct CageRulesetTests {
    @Test(.enabled(if: canLoad, "needs nft and a network namespace"))
    func batchEqualsText() throws {
        let text = try run(isolated + ["sh", "-c", "nft -f '\(root)/profiles/cage.nft' && nft list ruleset"])
        try #require(text.status == 0, "\(text.errors)")
        let loader = ["python3", "\(root)/Tests/Probes/load_batch.py", "\(CageRuleset.expectedAcknowledgements)"]
        let batch = try run(isolated + loader, input: try CageRuleset.batch())
        try #require(batch.status == 0, "\(batch.errors)")
        #expect(batch.output == text.output)
        #expect(batch.output.contains("tproxy ip6 to [::1]:1"))
    }

    @Test(.enabled(if: canLoad, "needs nft and a network namespace"))
    func aRefusedMessageIsSeen() throws {
        var bytes = try CageRuleset.batch()
        // The first message after the batch's start is the table; without its name attribute the kernel refuses it.
        bytes[20 + 20 + 2] = 0x7f
        let loader = ["python3", "\(root)/Tests/Probes/load_batch.py", "\(CageRuleset.expectedAcknowledgements)"]
        let result = try run(isolated + loader, input: bytes)
        #expect(result.status == 1)
        #expect(result.errors.contains("message "))
    }

    @Test func theProxysPortIsInEveryPlace() throws {
        let one = try CageRuleset.batch()
        let other = try CageRuleset.batch(proxyPort: 0x3A3B)
        #expect(one.count == other.count)
        let changed = zip(one, other).filter { $0 != $1 }.count
        #expect(changed == 8, "two captures and two fences, two bytes each")
        #expect(other.indices.dropLast().filter { other[$0] == 0x3A && other[$0 + 1] == 0x3B }.count == 4)
    }
}
