// Matcher: from anchors to spans. The same steps serve a whole text and a stream; they differ only in whether more may follow.

/// A span to be replaced, in folded text.
struct Match: Equatable {
    var range: Range<Int>
    /// An index into `Detectors.all`; nil: a PEM block.
    var detector: Int?
    var validated: Bool
}

/// What one step over a text gave.
struct Outcome {
    var matches: [Match] = []
    /// Nothing before this can change any more; all of `matches` end at or before it.
    var settled: Int
    /// A private key opens at `settled` and its body begins here; its end is not known yet.
    var openBlock: Int?
}

/// Which detectors are asked for which anchor's hits.
struct DetectorPlan: Sendable {
    let direct: [[Int]]
    let seeking: [[Int]]

    init(_ isEnabled: (Detector) -> Bool) {
        let enabled = Detectors.all.map(isEnabled)
        direct = Detectors.byAnchor.map { $0.filter { enabled[$0] && Detectors.all[$0].seek == nil } }
        seeking = Detectors.byAnchor.map { $0.filter { enabled[$0] && Detectors.all[$0].seek != nil } }
    }
}

/// A value behind a key word: where it begins, and whom to ask about it.
private struct Announced {
    let anchor: Int
    /// One past its first byte, as a hit has it.
    let end: Int
    let detector: Int
}

/// A text to be looked through.
struct Matcher {
    let bytes: UnsafeBufferPointer<UInt8>
    let candidates: [Candidate]
    /// Bytes before this are context only.
    let from: Int
    let plan: DetectorPlan

    /// Looks at `bytes[from...]`, ended or to be continued.
    func run(isFinal: Bool, budget: inout ScanBudget) throws(ScanError) -> Outcome {
        try budget.spend(bytes.count - from + candidates.count * 16)
        var outcome = Outcome(settled: from)
        var floor = 0
        var start = from
        for candidate in candidates where candidate.anchor == 0 {
            let at = candidate.end - 10
            guard at >= start else { continue }
            try budget.spend(PEM.closingReach)
            switch PEM.opening(bytes, at: at, end: bytes.count, isFinal: isFinal) {
            case .no: continue
            case .undecided:
                // Also what stands before it directly: whether it ends here depends on the answer.
                let settled = try piece(floor: floor, start: start, end: at, isFinal: false, budget: &budget, into: &outcome)
                outcome.settled = settled
                return outcome
            case .yes(let body):
                _ = try piece(floor: floor, start: start, end: at, isFinal: true, budget: &budget, into: &outcome)
                let end = PEM.closing(bytes, from: body, end: bytes.count)
                try budget.spend((end ?? bytes.count) - at)
                guard let end = end ?? (isFinal ? bytes.count : nil) else {
                    outcome.settled = at
                    outcome.openBlock = body
                    return outcome
                }
                outcome.matches.append(Match(range: at..<end, detector: nil, validated: false))
                floor = end
                start = end
            }
        }
        outcome.settled = try piece(floor: floor, start: start, end: bytes.count, isFinal: isFinal, budget: &budget, into: &outcome)
        return outcome
    }

    /// A stretch without PEM blocks. Returns up to where it is settled.
    private func piece(
        floor: Int, start: Int, end: Int, isFinal: Bool, budget: inout ScanBudget, into outcome: inout Outcome
    ) throws(ScanError) -> Int {
        let breaks = Breaks(bytes: bytes, floor: floor, end: end, isFinal: isFinal)
        let settled = isFinal ? end : try settledEnd(breaks, start: start, budget: &budget)
        var segment = Segment(bytes: bytes, lower: start, upper: start, floor: floor)
        var found: [Found] = []
        var inSegment: [Match] = []
        var runDone = start
        /// False: nothing behind this one is settled.
        func look(_ anchor: Int, _ end: Int, only: Int? = nil) throws(ScanError) -> Bool {
            let probe = end - 1
            if probe >= segment.upper {
                Self.resolve(&inSegment, into: &outcome.matches)
                segment = try self.segment(around: probe, after: segment.upper, breaks, floor: floor, budget: &budget)
            }
            if segment.lower >= settled { return false }
            if let only {
                try ask(only, segment, end, &found, &inSegment, &budget)
                return true
            }
            if Detectors.anchors[anchor].isRun {
                if probe < runDone { return true }
                let before = max(runDone, segment.lower)
                runDone = DigitRun.end(segment, probe)
                try budget.spend(runDone - before)
            }
            for index in plan.direct[anchor] { try ask(index, segment, end, &found, &inSegment, &budget) }
            return true
        }
        // Hits and announced values in one order. Hits are not gathered anew: a hostile text has one for each byte.
        var announced = announced(start: start, end: settled, floor: floor)[...]
        for candidate in hits(behind: start, through: settled) where !plan.direct[candidate.anchor].isEmpty {
            while let value = announced.first, value.end < candidate.end {
                announced.removeFirst()
                guard try look(value.anchor, value.end, only: value.detector) else { break }
            }
            guard try look(candidate.anchor, candidate.end) else { break }
        }
        for value in announced { guard try look(value.anchor, value.end, only: value.detector) else { break } }
        Self.resolve(&inSegment, into: &outcome.matches)
        return settled
    }

    private func ask(
        _ detector: Int, _ segment: Segment, _ end: Int, _ found: inout [Found], _ matches: inout [Match],
        _ budget: inout ScanBudget
    ) throws(ScanError) {
        found.removeAll(keepingCapacity: true)
        Detectors.all[detector].match(segment, end, &found)
        try budget.spend(16)
        for span in found where span.range.lowerBound >= segment.lower && span.range.upperBound <= segment.upper {
            try budget.spend(span.range.count)
            matches.append(Match(range: span.range, detector: detector, validated: span.validated))
        }
    }

    /// Hits that end within a stretch. They come by their ends, and are not all looked at for each stretch between two keys.
    private func hits(behind lower: Int, through upper: Int) -> ArraySlice<Candidate> {
        let first = firstHit(behind: lower)
        return candidates[first..<max(first, firstHit(behind: upper))]
    }

    private func firstHit(behind position: Int) -> Int {
        var low = 0
        var high = candidates.count
        while low < high {
            let middle = (low + high) / 2
            if candidates[middle].end <= position { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The values that key words announce, in order.
    private func announced(start: Int, end: Int, floor: Int) -> [Announced] {
        var values: [Announced] = []
        let whole = Segment(bytes: bytes, lower: floor, upper: end, floor: floor)
        for candidate in hits(behind: floor, through: end) {
            for index in plan.seeking[candidate.anchor] {
                guard let value = Detectors.all[index].seek?(whole, candidate.end), value >= start, value < end else { continue }
                values.append(Announced(anchor: candidate.anchor, end: value + 1, detector: index))
            }
        }
        return values.sorted { $0.end < $1.end }
    }

    /// The run around a byte. `after` is the end of the segment before, which begins a new one if the run reaches it.
    private func segment(around probe: Int, after: Int, _ breaks: Breaks, floor: Int, budget: inout ScanBudget) throws(ScanError)
        -> Segment
    {
        var lower = probe
        while lower > after, !breaks.isBreak(lower) { lower -= 1 }
        try budget.spend(probe - lower)
        lower += (probe - lower) / Segment.limit * Segment.limit
        var upper = probe + 1
        while upper < breaks.end, upper - lower < Segment.limit, !breaks.isBreak(upper) { upper += 1 }
        try budget.spend(upper - probe)
        return Segment(bytes: bytes, lower: lower, upper: upper, floor: floor)
    }

    /// Where the last run, which may go on, begins.
    private func settledEnd(_ breaks: Breaks, start: Int, budget: inout ScanBudget) throws(ScanError) -> Int {
        if breaks.closesAtEnd || breaks.end == start { return breaks.end }
        var lower = breaks.end - 1
        while lower > start, !breaks.isBreak(lower) { lower -= 1 }
        try budget.spend(breaks.end - lower)
        return lower + (breaks.end - lower) / Segment.limit * Segment.limit
    }

    /// Overlapping spans become their hull, so that no byte of any of them is left; the strongest names it.
    private static func resolve(_ found: inout [Match], into matches: inout [Match]) {
        defer { found.removeAll(keepingCapacity: true) }
        guard found.count > 1 else {
            matches += found
            return
        }
        found.sort { ($0.range.lowerBound, $1.range.upperBound) < ($1.range.lowerBound, $0.range.upperBound) }
        var hull = found[0]
        var namer = found[0]
        for next in found.dropFirst() {
            if next.range.lowerBound >= hull.range.upperBound {
                matches.append(hull)
                (hull, namer) = (next, next)
                continue
            }
            let range = hull.range.lowerBound..<max(hull.range.upperBound, next.range.upperBound)
            if rank(next) > rank(namer) { namer = next }
            hull = Match(range: range, detector: namer.detector, validated: namer.validated)
        }
        matches.append(hull)
    }

    private static func rank(_ match: Match) -> (Int, Int) {
        (match.detector.map { Detectors.all[$0].priority } ?? 1000, match.range.count)
    }
}
