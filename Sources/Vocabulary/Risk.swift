// Risk: how much harm a request can do, as the operator sees it.

public enum Risk: String, Sendable, Hashable, Comparable, CaseIterable {
    case low, medium, high
    public static func < (a: Risk, b: Risk) -> Bool { a.rank < b.rank }
    private var rank: Int {
        switch self {
        case .low: 0
        case .medium: 1
        case .high: 2
        }
    }
}
