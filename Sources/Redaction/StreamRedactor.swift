// StreamRedactor: an answer's text, piece by piece. What comes out is, whatever the pieces were, what `redactText` would have
// made of the whole. Only the last run of bytes that could still become part of a value is held back.

import Profile

public struct StreamRedactor: Sendable {
    private enum State { case text, withinBlock }

    private let engine: Engine
    private let scope: Scope
    private var state = State.text
    /// Folded text before `pending` that was sent already: context only.
    private var history: [UInt8] = []
    /// Raw bytes not sent yet.
    private var pending: [UInt8] = []
    /// Bytes of the stream before `pending`.
    private var offset = 0
    private var blockStart = 0
    private var isFinished = false
    /// What was replaced so far (in mode `detect`: found), with offsets in the stream's original bytes.
    public private(set) var findings: [Finding] = []

    public init(_ engine: Engine, scope: Scope = .all) {
        self.engine = engine
        self.scope = scope
    }

    /// Bytes that are held back: at most one run (8 KiB) and what decides whether a private key begins.
    var heldBack: Int { pending.count }

    public mutating func feed(_ text: String) throws(ScanError) -> [UInt8] { try feed(Array(text.utf8)) }

    /// Takes the next piece and gives what may be sent now. A piece may end within a character. After an error nothing more
    /// may be sent: what was held back stays here.
    public mutating func feed(_ bytes: [UInt8]) throws(ScanError) -> [UInt8] {
        guard !bytes.isEmpty, !isFinished else { return [] }
        pending += bytes
        return try advance(isFinal: false)
    }

    /// The text is over: gives the rest.
    public mutating func finish() throws(ScanError) -> [UInt8] {
        guard !isFinished else { return [] }
        isFinished = true
        return try advance(isFinal: true)
    }

    private mutating func advance(isFinal: Bool) throws(ScanError) -> [UInt8] {
        var output: [UInt8] = []
        // Each turn either sends or drops something, or is the last.
        while true {
            switch state {
            case .text:
                if try !text(isFinal, &output) { return output }
            case .withinBlock:
                if !block(isFinal, &output) { return output }
            }
        }
    }

    /// True: a block began, go on with it.
    private mutating func text(_ isFinal: Bool, _ output: inout [UInt8]) throws(ScanError) -> Bool {
        var budget = ScanBudget.standard(for: history.count + pending.count)
        let context = history
        let folded = pending.withUnsafeBufferPointer { FoldedText($0, .plain, context: context, isFinal: isFinal) }
        let outcome = try folded.bytes.withUnsafeBufferPointer { (bytes) throws(ScanError) in
            try Matcher(bytes: bytes, candidates: engine.database.scan(bytes), from: folded.start, plan: engine.plan(scope))
                .run(isFinal: isFinal, budget: &budget)
        }
        var at = 0
        var floor = 0
        for match in outcome.matches {
            let range = folded.raw(match.range)
            output += pending[at..<range.lowerBound]
            findings.append(Engine.finding(match, range, at: offset))
            output += replacement(match, pending[range])
            at = range.upperBound
            if match.detector == nil { floor = match.range.upperBound }
        }
        let cut = folded.rawStart(outcome.settled)
        if cut > at { output += pending[at..<cut] }
        guard let body = outcome.openBlock else {
            history = Array(folded.bytes[max(floor, outcome.settled - Segment.history)..<outcome.settled])
            drop(max(cut, at))
            return false
        }
        // In mode `detect` the block is passed on as it comes; else its marker goes out now and its bytes never.
        blockStart = offset + cut
        if engine.mode != .detect { output += Array(Engine.marker(PEM.detector).utf8) }
        let bodyStart = folded.rawStart(body)
        if engine.mode == .detect { output += pending[cut..<bodyStart] }
        history = []
        drop(bodyStart)
        state = .withinBlock
        return true
    }

    /// True: the block ended, go on with the text behind it.
    private mutating func block(_ isFinal: Bool, _ output: inout [UInt8]) -> Bool {
        let folded = pending.withUnsafeBufferPointer { FoldedText($0, .plain, isFinal: isFinal) }
        let end = folded.bytes.withUnsafeBufferPointer { PEM.closing($0, from: 0, end: $0.count) }
        let gone: Int
        if let end {
            gone = end == 0 ? 0 : folded.raw((end - 1)..<end).upperBound
        } else if isFinal {
            gone = pending.count
        } else {
            gone = folded.rawStart(max(0, folded.bytes.count - PEM.closingReach))
        }
        if engine.mode == .detect { output += pending[..<gone] }
        if end != nil || isFinal {
            findings.append(
                Finding(type: PEM.detector, category: .secrets, start: blockStart, end: offset + gone, validated: false))
        }
        drop(gone)
        if end != nil { state = .text }
        return end != nil
    }

    private func replacement(_ match: Match, _ original: ArraySlice<UInt8>) -> [UInt8] {
        if engine.mode == .detect { return Array(original) }
        return Array(Engine.marker(match.detector.map { Detectors.all[$0].type } ?? PEM.detector).utf8)
    }

    private mutating func drop(_ count: Int) {
        pending.removeFirst(count)
        offset += count
    }
}
