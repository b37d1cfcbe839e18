// SpendTotals: what a session spent, for the receipt and output.json.

public import Vocabulary

public struct SpendTotals: Sendable, Hashable {
    public struct Model: Sendable, Hashable {
        public var calls: Int64 = 0
        public var cost = Money.zero
        public var usage = TokenUsage()
        /// Tokens of calls that reported nothing, at their reservation.
        public var unreported: Int64 = 0
    }

    public private(set) var cost = Money.zero
    public private(set) var calls: Int64 = 0
    public private(set) var usage = TokenUsage()
    public private(set) var unreported: Int64 = 0
    public private(set) var byModel: [String: Model] = [:]
    /// Where unpriced models are let through, names are the agent's choice: beyond this many they share one row.
    static let mostModels = 64

    public init() {}

    mutating func add(_ spend: Spend, usage used: TokenUsage?, model name: String) {
        guard spend != Spend() || used.map({ $0 != TokenUsage() }) == true else { return }
        let name = byModel[name] != nil || byModel.count < Self.mostModels ? name : "other"
        var model = byModel[name] ?? Model()
        cost += spend.cost
        model.cost += spend.cost
        calls = saturatingSum(calls, 1)
        model.calls = saturatingSum(model.calls, 1)
        if let used {
            usage = usage.adding(used)
            model.usage = model.usage.adding(used)
        } else {
            unreported = saturatingSum(unreported, spend.tokens)
            model.unreported = saturatingSum(model.unreported, spend.tokens)
        }
        byModel[name] = model
    }
}

extension TokenUsage {
    func adding(_ other: TokenUsage) -> TokenUsage {
        TokenUsage(
            input: saturatingSum(input, other.input), cachedInput: saturatingSum(cachedInput, other.cachedInput),
            cacheWrite: saturatingSum(cacheWrite, other.cacheWrite), output: saturatingSum(output, other.output))
    }
}
