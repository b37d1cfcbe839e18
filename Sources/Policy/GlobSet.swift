// GlobSet: all path patterns of one host as one trie, walked once a path. `*` stands for anything within a segment, `**`
// for anything at all. The time depends on the path and on how many patterns are alive at once, not on how many there are.

struct GlobSet: Sendable, Hashable {
    private typealias Index = Int32
    private static let slash = UInt8(ascii: "/")

    private enum Kind: UInt8, Sendable, Hashable { case byte, segment, anything }

    // A node is a column. Arrays of small numbers, because a profile may have a thousand patterns.
    private var kinds: [Kind] = [.byte]
    private var bytes: [UInt8] = [0]
    private var children: [Index] = [-1]
    private var siblings: [Index] = [-1]
    private var stars: [Index] = [-1]
    /// The patterns that end at a node, as a place in `accepted`.
    private var ends: [Index] = [-1]
    private var accepted: [[Int]] = []

    /// Adds a pattern. `id` is what `matching` answers.
    mutating func insert(_ pattern: String, id: Int) {
        var node = 0
        var rest = pattern.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "*") else {
                node = made(below: node, .byte, byte)
                continue
            }
            var kind = Kind.segment
            while rest.first == UInt8(ascii: "*") {
                rest.removeFirst()
                kind = .anything
            }
            node = made(below: node, kind, 0)
        }
        if ends[node] < 0 {
            ends[node] = Index(accepted.count)
            accepted.append([])
        }
        if accepted[Int(ends[node])].last != id { accepted[Int(ends[node])].append(id) }
    }

    private mutating func made(below node: Int, _ kind: Kind, _ byte: UInt8) -> Int {
        var next = kind == .byte ? children[node] : stars[node]
        while next >= 0 {
            if kinds[Int(next)] == kind, bytes[Int(next)] == byte { return Int(next) }
            next = siblings[Int(next)]
        }
        let made = kinds.count
        kinds.append(kind)
        bytes.append(byte)
        children.append(-1)
        stars.append(-1)
        ends.append(-1)
        if kind == .byte {
            siblings.append(children[node])
            children[node] = Index(made)
        } else {
            siblings.append(stars[node])
            stars[node] = Index(made)
        }
        return made
    }

    /// The ids of all patterns that match the whole path, ascending, each once.
    func matching(_ path: [UInt8]) -> [Int] {
        var walk = Walk()
        enter(0, &walk)
        for byte in path {
            swap(&walk.alive, &walk.next)
            walk.alive.removeAll(keepingCapacity: true)
            // Stars that go on come first: one that is entered anew is then seen to be there already.
            for node in walk.next where goesOn(Int(node), byte) { walk.alive.append(node) }
            walk.going = walk.alive.count
            for node in walk.next {
                if let child = child(of: Int(node), byte) { enter(child, &walk) }
            }
            if walk.alive.isEmpty { break }
        }
        for node in walk.alive where ends[Int(node)] >= 0 { walk.found += accepted[Int(ends[Int(node)])] }
        guard walk.found.count > 1 else { return walk.found }
        walk.found.sort()
        var last = -1
        walk.found.removeAll { id in
            defer { last = id }
            return id == last
        }
        return walk.found
    }

    /// Where the patterns stand after the bytes so far. A node is alive at most once: only a star has two ways to it.
    private struct Walk {
        var alive: [Index] = []
        var next: [Index] = []
        /// So many of `alive` are stars that go on.
        var going = 0
        var found: [Int] = []
    }

    private func enter(_ node: Int, _ walk: inout Walk) {
        walk.alive.append(Index(node))
        var star = stars[node]
        while star >= 0 {
            let index = Int(star)
            if kinds[index] == .anything, children[index] < 0 {
                // `**` at the end: whatever follows.
                let ids = accepted[Int(ends[index])]
                for id in ids where !walk.found.contains(id) { walk.found.append(id) }
            } else if !walk.alive[..<walk.going].contains(star) {
                walk.alive.append(star)
            }
            star = siblings[index]
        }
    }

    private func goesOn(_ node: Int, _ byte: UInt8) -> Bool {
        switch kinds[node] {
        case .byte: false
        case .segment: byte != Self.slash
        case .anything: true
        }
    }

    private func child(of node: Int, _ byte: UInt8) -> Int? {
        var next = children[node]
        while next >= 0 {
            if bytes[Int(next)] == byte { return Int(next) }
            next = siblings[Int(next)]
        }
        return nil
    }
}
