// Tier: how much of the cage a host can give, weakest to strongest (docs/process-model.md has the table).

public enum Tier: String, Sendable, Hashable, Comparable, CaseIterable {
    case contained, strong, full

    private var rank: Int {
        switch self {
        case .contained: 0
        case .strong: 1
        case .full: 2
        }
    }

    public static func < (a: Tier, b: Tier) -> Bool { a.rank < b.rank }
}
