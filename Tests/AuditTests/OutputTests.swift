// output.json and the receipt's statement: exactly the members that scripts were promised.

import Audit
import Events
import JSONBytes
import Testing
import Vocabulary

@Suite struct OutputTests {
    static let session = SessionID(at: Timestamp(nanoseconds: 0), random: 7)

    @Test func everyMemberIsThereAndMoneyIsText() throws {
        var document = OutputDocument(
            session: Self.session, profile: "strict", exit: ExitStatus(by: .akios, ran: true, status: 120, reason: "budget"))
        document.cost.total = Money(nanos: 2_500_000)
        document.cost.limit = Money(nanos: 1_000_000_000)
        document.cost.tokensInput = 400
        document.cost.tokensOutput = 80
        document.cost.byModel["gpt-4o"] = .init()
        document.redactions = ["EMAIL": 3]
        document.egress.hosts = ["b.example": 1, "a.example": 2]
        let bytes = document.bytes()
        #expect(bytes.last == 0x0a)
        let json = try JSONValue.parse(Array(bytes.dropLast()))
        #expect(json.canonical() == Array(bytes.dropLast()))
        #expect(
            json.members?.map(\.key) == [
                "audit", "command", "controls", "cost", "egress", "ended", "exit", "profile", "redactions", "session", "started",
                "tier", "version",
            ])
        #expect(json["exit"]?.members?.map(\.key) == ["by", "ran", "reason", "signal", "status"])
        #expect(json["cost"]?["total_cost_usd"] == .string("0.0025"))
        #expect(json["cost"]?["remaining_budget_usd"] == .string("0.9975"))
        #expect(json["cost"]?["tokens_total"]?.intValue == 480)
        #expect(json["audit"]?["root"] == .null)
    }

    @Test func remainingIsNeverNegative() throws {
        var document = OutputDocument(session: Self.session, profile: "p", exit: ExitStatus(by: .akios, ran: true, status: 120))
        document.cost.total = Money(nanos: 5)
        document.cost.limit = Money(nanos: 4)
        let cost = try JSONValue.parse(Array(document.bytes().dropLast()))["cost"]
        #expect(cost?["remaining_budget_usd"] == .string("0.00"))
        // A limit that only alerts was passed all the same.
        #expect(cost?["over_budget"]?.boolValue == true)
        document.cost.limit = document.cost.total
        #expect(try JSONValue.parse(Array(document.bytes().dropLast()))["cost"]?["over_budget"]?.boolValue == false)
    }

    @Test func statementNamesTheAgentAsItsSubject() throws {
        let root = try #require(TreeHash(hex: MerkleTests.roots[1]))
        let receipt = Receipt(
            agentName: "python3", agentDigest: root, session: Self.session, profile: "strict", profileDigest: "sha256:1",
            tierRequested: .full,
            tierEnforced: .strong, controls: [], caFingerprint: nil, records: 3, root: root, cost: .zero,
            exit: ExitStatus(by: .agent, ran: true, status: 0), versions: [:])
        let json = try JSONValue.parse(receipt.statement())
        #expect(json.canonical() == receipt.statement())
        #expect(json["_type"] == .string("https://in-toto.io/Statement/v1"))
        #expect(json["subject"]?[0]?["digest"]?["sha256"] == .string(root.hex))
        #expect(json["predicate"]?["tier"]?["enforced"] == .string("strong"))
        #expect(json["predicate"]?["audit"]?["root"] == .string(root.hex))
    }
}
