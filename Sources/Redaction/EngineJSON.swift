// JSON bodies: string leaves are matched as the text they decode to and replaced in place; the body stays valid and every
// byte that is not part of a finding stays what it was.

public import JSONBytes
import Profile

extension Engine {
    /// String values, keys (a marker that would repeat a key of its object gets a number, `«EMAIL:2»`) and, as numbers, payment
    /// cards only: 13 to 19 digits under a key that says card, replaced by a string. Other numbers are never touched.
    ///
    /// - Throws: `malformed` unless the body is strict RFC 8259 (see `JSONLeaves.scan`).
    public func redactJSON(
        _ body: [UInt8], scope: Scope = .all, filter: LeafFilter = .providers, budget: ScanBudget? = nil
    ) throws(ScanError) -> Redacted {
        var budget = budget ?? .standard(for: body.count)
        let leaves: JSONLeaves
        do { leaves = try JSONLeaves.scan(body, numbers: true) } catch { throw .malformed(error.description) }
        return try redact(body, leaves, scope: scope, filter: filter, budget: &budget)
    }

    /// For callers that have scanned the body already (with `numbers: true`).
    public func redactJSON(
        _ body: [UInt8], leaves: JSONLeaves, scope: Scope = .all, filter: LeafFilter = .providers
    ) throws(ScanError) -> Redacted {
        var budget = ScanBudget.standard(for: body.count)
        return try redact(body, leaves, scope: scope, filter: filter, budget: &budget)
    }

    private func redact(
        _ body: [UInt8], _ leaves: JSONLeaves, scope: Scope, filter: LeafFilter, budget: inout ScanBudget
    ) throws(ScanError) -> Redacted {
        var findings: [Finding] = []
        var edits: [JSONEdit] = []
        var keys = KeyMarkers()
        let hits = try body.withUnsafeBufferPointer { (buffer) throws(ScanError) in try database.scan(buffer) }
        try budget.spend(body.count)
        var next = 0
        var isAnnounced = false
        for leaf in leaves.leaves {
            // Anchors hold no byte that a short escape could hide, so the raw body's hits tell which leaves need a look. The
            // others could hold a letter as an escape, or a look-alike.
            while next < hits.count, hits[next].end <= leaf.range.lowerBound { next += 1 }
            var last = next
            while last < hits.count, hits[last].end <= leaf.range.upperBound { last += 1 }
            let own = hits[next..<last]
            next = last
            let matches = try self.matches(leaf, own, isAnnounced: isAnnounced, in: body, leaves, scope: scope, budget: &budget)
            // A key word in a key announces its value, which may hold no anchor itself.
            isAnnounced = leaf.kind == .key && (!own.isEmpty || leaf.traits.contains(.unicodeEscapes))
            if matches.isEmpty { continue }
            let treatment = filter.treatment(leaf, in: leaves, of: body)
            let pointer = leaves.pointer(of: leaf, in: body)
            for (match, range) in matches {
                let finding = Self.finding(match, range, pointer: pointer, kept: treatment != .redact && leaf.kind != .key)
                if treatment == .ignore, finding.category != .secrets { continue }
                findings.append(finding)
                guard mode != .detect, !finding.kept else { continue }
                let marker: String =
                    switch leaf.kind {
                    case .string: Self.marker(finding.type)
                    case .number: "\"\(Self.marker(finding.type))\""
                    case .key: keys.marker(finding.type, leaf, in: leaves, of: body)
                    }
                edits.append(JSONEdit(range, Array(marker.utf8)))
            }
        }
        return Redacted(body: splice(body, edits), findings: findings)
    }

    /// Matches of one leaf with their ranges in the body.
    private func matches(
        _ leaf: JSONLeaf, _ hits: ArraySlice<Candidate>, isAnnounced: Bool, in body: [UInt8], _ leaves: JSONLeaves, scope: Scope,
        budget: inout ScanBudget
    ) throws(ScanError) -> [(Match, Range<Int>)] {
        if leaf.kind == .number { return hits.isEmpty ? [] : number(leaf, in: body, leaves, scope: scope) }
        return try body[leaf.range].withUnsafeBufferPointer { (content) throws(ScanError) -> [(Match, Range<Int>)] in
            let isHidden = leaf.traits.contains(.unicodeEscapes) || (leaf.traits.contains(.notASCII) && Self.needsFolding(content))
            if !isHidden, hits.isEmpty, !isAnnounced { return [] }
            let offset = leaf.range.lowerBound
            let context = context(leaf, in: body, leaves)
            if !isHidden, !leaf.hasEscapes, context.isEmpty {
                let own = hits.map { Candidate(anchor: $0.anchor, end: $0.end - offset) }
                let matcher = Matcher(bytes: content, candidates: own, from: 0, plan: plan(scope))
                return try matcher.run(isFinal: true, budget: &budget).matches.map { ($0, Self.moved($0.range, offset)) }
            }
            try budget.spend(content.count)
            let text = FoldedText(content, .json, context: context)
            let matches: [Match]
            if isHidden || !context.isEmpty {
                matches = try self.matches(text, scope: scope, budget: &budget)
            } else {
                let own = hits.map { Candidate(anchor: $0.anchor, end: text.index(raw: $0.end - 1 - offset) + 1) }
                matches = try text.bytes.withUnsafeBufferPointer { (bytes) throws(ScanError) in
                    try Matcher(bytes: bytes, candidates: own, from: 0, plan: plan(scope)).run(isFinal: true, budget: &budget)
                        .matches
                }
            }
            return matches.map { ($0, Self.moved(text.raw($0.range), offset)) }
        }
    }

    /// A short value is read together with its key: `{"ssn": "…"}`, `{"secret_access_key": "…"}`.
    private func context(_ leaf: JSONLeaf, in body: [UInt8], _ leaves: JSONLeaves) -> [UInt8] {
        guard leaf.kind == .string, leaf.range.count <= 512, let key = leaves.key(of: leaf), key.range.count <= 64 else {
            return []
        }
        return (key.hasEscapes ? JSONString.unescape(body[key.range]) : Array(body[key.range])) + [UInt8(ascii: "=")]
    }

    private func number(_ leaf: JSONLeaf, in body: [UInt8], _ leaves: JSONLeaves, scope: Scope) -> [(Match, Range<Int>)] {
        guard (13...19).contains(leaf.range.count), let key = leaves.key(of: leaf), key.range.count <= 64,
            let card = Detectors.all.firstIndex(where: { $0.type == "CREDIT_CARD" }),
            plan(scope).direct.contains(where: { $0.contains(card) }),
            body[leaf.range].allSatisfy(ASCII.isDigit), Detectors.isCard(body[leaf.range].map { $0 - 0x30 })
        else { return [] }
        let text = Array(body[key.range]) + [UInt8(ascii: "=")]
        let isCard = text.withUnsafeBufferPointer {
            Segment(bytes: $0, lower: 0, upper: $0.count, floor: 0).context(before: text.count, Detectors.cardWords)
        }
        return isCard ? [(Match(range: 0..<leaf.range.count, detector: card, validated: true), leaf.range)] : []
    }

    private static func moved(_ range: Range<Int>, _ offset: Int) -> Range<Int> {
        (range.lowerBound + offset)..<(range.upperBound + offset)
    }
}

/// Markers for keys. No key may come twice, so the second one of a kind in an object is numbered; so is one that meets a key
/// that holds the like of it already.
private struct KeyMarkers {
    private struct Slot: Hashable {
        let object: Int
        let word: String
    }

    private var given: [Slot: Int] = [:]
    /// What stands between guillemets in the body's own keys; read once, when the first key is changed.
    private var taken: Set<Slot>?

    mutating func marker(_ type: String, _ leaf: JSONLeaf, in leaves: JSONLeaves, of body: [UInt8]) -> String {
        let taken = self.taken ?? Self.words(leaves, of: body)
        self.taken = taken
        let object = leaves.object(of: leaf)
        var number = given[Slot(object: object, word: type), default: 0]
        var word: String
        repeat {
            number += 1
            word = number == 1 ? type : "\(type):\(number)"
        } while taken.contains(Slot(object: object, word: word))
        given[Slot(object: object, word: type)] = number
        return Engine.marker(word)
    }

    private static func words(_ leaves: JSONLeaves, of body: [UInt8]) -> Set<Slot> {
        var words: Set<Slot> = []
        for leaf in leaves.leaves where leaf.kind == .key && (leaf.hasEscapes || leaf.traits.contains(.notASCII)) {
            let key = String(decoding: JSONString.unescape(body[leaf.range]), as: UTF8.self)
            for part in key.split(separator: "«", omittingEmptySubsequences: false).dropFirst() {
                words.insert(Slot(object: leaves.object(of: leaf), word: String(part.prefix { $0 != "»" })))
            }
        }
        return words
    }
}
