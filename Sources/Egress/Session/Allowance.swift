// Allowance: so much of something that all connections share. Lives on the event loop.

final class Allowance {
    private let most: Int
    private var taken = 0

    init(most: Int) { self.most = most }

    /// False: there is not that much left, and nothing was taken.
    func take(_ count: Int) -> Bool {
        guard count <= most - taken else { return false }
        taken += count
        return true
    }

    func give(_ count: Int) { taken -= count }
}
