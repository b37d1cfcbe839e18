// UsedIDs: which request ids were used, in bounded memory. An id is good for one admission, ever.

struct UsedIDs: Sendable {
    /// How far behind the highest id one may still be admitted for the first time: a call that waits for room is asked for
    /// again behind newer ones.
    private let reach: UInt64
    private var highest: UInt64 = 0
    private var recent: Set<UInt64> = []
    var remembered: Int { recent.count }

    init(reach: UInt64 = 4096) { self.reach = reach }

    func isFresh(_ id: UInt64) -> Bool {
        if highest > reach, id <= highest - reach { return false }
        return !recent.contains(id)
    }

    mutating func use(_ id: UInt64) {
        recent.insert(id)
        highest = max(highest, id)
        guard recent.count > 2 * Int(clamping: reach), highest > reach else { return }
        let oldest = highest - reach
        recent = recent.filter { $0 > oldest }
    }
}
