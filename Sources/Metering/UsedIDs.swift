// UsedIDs: which request ids were used, in bounded memory. An id is good for one admission, ever.

struct UsedIDs: Sendable {
    /// How far behind the highest id one may still be admitted for the first time: a call that waits for room is asked for
    /// again behind newer ones.
    private let reach: UInt64
    private var highest: UInt64 = 0
    private var recent: Set<UInt64> = []
    private var held: Set<UInt64> = []
    var remembered: Int { recent.count }

    init(reach: UInt64 = 4096) { self.reach = reach }

    func isFresh(_ id: UInt64) -> Bool {
        if held.contains(id) { return true }
        if highest > reach, id <= highest - reach { return false }
        return !recent.contains(id)
    }

    /// Keeps a fresh id good however far others go on, until it is used or let go. The caller bounds how many.
    mutating func hold(_ id: UInt64) {
        if isFresh(id) { held.insert(id) }
    }

    mutating func letGo(_ id: UInt64) { held.remove(id) }

    mutating func use(_ id: UInt64) {
        held.remove(id)
        recent.insert(id)
        highest = max(highest, id)
        guard recent.count > 2 * Int(clamping: reach), highest > reach else { return }
        let oldest = highest - reach
        recent = recent.filter { $0 > oldest }
    }
}
