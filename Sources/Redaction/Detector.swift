// Detector: what one type of sensitive value is: anchors that are cheap to find anywhere, and a check of the few
// bytes around one. To add a detector, write it into the list of its category's file.

/// Something that Vectorscan finds in one pass over a text. Literals hold no `/`, quote, backslash, control character or
/// non-ASCII byte, so that they are found in the raw bytes of a JSON string whatever short escapes stand around them.
struct Anchor: Sendable, Hashable {
    /// A regular expression of literals, byte classes and small repetitions.
    let pattern: String
    let caseless: Bool
    /// Ends in as many hits as a digit run has digits; its detectors are asked once for the whole run.
    let isRun: Bool

    static func literal(_ text: String, caseless: Bool = false) -> Anchor {
        let escaped = text.reduce(into: "") { $0 += "()[]{}.*+?^$|\\".contains($1) ? "\\\($1)" : "\($1)" }
        return Anchor(pattern: escaped, caseless: caseless, isRun: false)
    }

    static func shape(_ pattern: String, isRun: Bool = false) -> Anchor { Anchor(pattern: pattern, caseless: false, isRun: isRun) }

    /// Seven digits with at most two separators between: phone numbers, cards, account and insurance numbers.
    static let digits = Anchor.shape("[0-9](?:[ .()\\-]{0,2}[0-9]){6}", isRun: true)
}

/// A span that a detector claims.
struct Found: Sendable, Hashable {
    var range: Range<Int>
    var validated: Bool
}

struct Detector: Sendable {
    let type: String
    let category: Category
    /// Whose marker stands where spans overlap; the hull of all is replaced.
    let priority: Int
    let anchors: [Anchor]
    /// Moves from the end of a key word to the value it announces; nil: the anchor is part of the value.
    let seek: (@Sendable (_ segment: Segment, _ end: Int) -> Int?)?
    /// Adds what it finds around the anchor that ends at `end`, within the segment.
    let match: @Sendable (_ segment: Segment, _ end: Int, _ found: inout [Found]) -> Void

    init(
        _ type: String, _ category: Category, priority: Int = 50, anchors: [Anchor],
        seek: (@Sendable (Segment, Int) -> Int?)? = nil, match: @escaping @Sendable (Segment, Int, inout [Found]) -> Void
    ) {
        self.type = type
        self.category = category
        self.priority = priority
        self.anchors = anchors
        self.seek = seek
        self.match = match
    }
}

/// Every detector there is, and their distinct anchors in a fixed order: an anchor's place is its id in the database.
enum Detectors {
    static let all: [Detector] = personal + financial + network + secrets

    static let anchors: [Anchor] = {
        var seen: Set<Anchor> = []
        return ([PEM.anchor] + all.flatMap(\.anchors)).filter { seen.insert($0).inserted }
    }()

    /// For each anchor, the detectors that want its hits.
    static let byAnchor: [[Int]] = anchors.map { anchor in all.indices.filter { all[$0].anchors.contains(anchor) } }

    /// Binds a database to the anchors it was built from: FNV-1a over their text and flags.
    static let fingerprint: UInt64 = anchors.reduce(0xcbf2_9ce4_8422_2325) { hash, anchor in
        (Array(anchor.pattern.utf8) + [anchor.caseless ? 1 : 0, 0xff]).reduce(hash) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
