// Engine: the detectors that a profile wants, over the pattern database. One per process, shared by all threads.

import JSONBytes
public import Profile

public final class Engine: Sendable {
    let database: PatternDatabase
    let mode: PIIHandling.Mode
    private let all: DetectorPlan
    private let secretsOnly: DetectorPlan

    /// - Parameters:
    ///   - database: what `akios-patterns` built (`CData` holds it). Loading takes well under a millisecond; nothing is compiled.
    ///   - handling: `types` names types (`EMAIL`) or categories (`personal`), nil is all. Secrets are on whatever it says.
    public init(database: [UInt8], handling: PIIHandling) throws(ScanError) {
        self.database = try PatternDatabase(database)
        mode = handling.mode
        let wanted = handling.types.map { Set($0.map { $0.uppercased() }) }
        all = DetectorPlan { detector in
            guard detector.category != .secrets, let wanted else { return true }
            return wanted.contains("ALL") || wanted.contains(detector.type)
                || wanted.contains(detector.category.rawValue.uppercased())
        }
        secretsOnly = DetectorPlan { $0.category == .secrets }
    }

    /// Every type there is, with its category: what a profile may name.
    public static var types: [(type: String, category: Category)] {
        var seen: Set<String> = []
        return Detectors.all.map { ($0.type, $0.category) }.filter { seen.insert($0.type).inserted } + [(PEM.detector, .secrets)]
    }

    /// `«EMAIL»`.
    public static func marker(_ type: String) -> String { "«\(type)»" }

    /// Plain text: tool output, an answer's text, a file. Bytes that are not UTF-8 are looked at as they are.
    /// In mode `detect` the body comes back as it was.
    public func redactText(_ text: [UInt8], scope: Scope = .all, budget: ScanBudget? = nil) throws(ScanError) -> Redacted {
        var budget = budget ?? .standard(for: text.count)
        let findings = try scan(text[...], .plain, scope: scope, budget: &budget)
        return Redacted(body: replace(text, findings) { Array($0.utf8) }, findings: findings)
    }

    /// `application/x-www-form-urlencoded`: decoded for matching, markers written percent-encoded.
    public func redactForm(_ body: [UInt8], scope: Scope = .all, budget: ScanBudget? = nil) throws(ScanError) -> Redacted {
        var budget = budget ?? .standard(for: body.count)
        let findings = try scan(body[...], .form, scope: scope, budget: &budget)
        return Redacted(body: replace(body, findings) { Self.percentEncoded($0) }, findings: findings)
    }

    /// A request target (path and query), percent-decoded. A URL is never altered: the caller blocks on a finding.
    public func scanURL(_ target: some StringProtocol, budget: ScanBudget? = nil) throws(ScanError) -> [Finding] {
        let bytes = Array(target.utf8)
        var budget = budget ?? .standard(for: bytes.count)
        let query = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        // `+` is a blank in a query only.
        let found =
            try scan(bytes[..<query], .percent, scope: .all, budget: &budget)
            + scan(bytes[query...], .form, scope: .all, budget: &budget)
        // An encoded percent sign: what a server decodes twice is read twice, and so on. Each turn is shorter, and is paid for.
        guard found.isEmpty, let inner = Self.percentDecoded(bytes) else { return found }
        return try scanURL(String(decoding: inner, as: UTF8.self), budget: budget)
    }

    /// Text that may hold JSON in pieces, with JSON's escapes undone. Where a finding stands is of no use: the caller blocks.
    public func scanEscaped(_ text: [UInt8], scope: Scope = .all) throws(ScanError) -> [Finding] {
        var budget = ScanBudget.standard(for: text.count)
        return try scan(text[...], .json, scope: scope, budget: &budget)
    }

    /// One layer of percent encoding taken off; nil: there is no other beneath it.
    private static func percentDecoded(_ text: [UInt8]) -> [UInt8]? {
        var out: [UInt8] = []
        var at = 0
        while at < text.count {
            let value = encoded(text, at)
            out.append(value ?? text[at])
            at += value == nil ? 1 : 3
        }
        return out.count < text.count && out.indices.contains { encoded(out, $0) != nil } ? out : nil
    }

    /// The byte that the three at `at` stand for.
    private static func encoded(_ text: [UInt8], _ at: Int) -> UInt8? {
        guard text[at] == UInt8(ascii: "%"), at + 2 < text.count else { return nil }
        return FoldedText.hexByte(text[at + 1], text[at + 2])
    }

    /// Findings in `raw`, with offsets in the array it is a slice of.
    func scan(
        _ raw: ArraySlice<UInt8>, _ encoding: FoldedText.Encoding, scope: Scope, budget: inout ScanBudget
    ) throws(ScanError) -> [Finding] {
        try raw.withUnsafeBufferPointer { (buffer) throws(ScanError) -> [Finding] in
            try budget.spend(buffer.count)
            if encoding == .plain, !Self.needsFolding(buffer) {
                let matches = try matches(buffer, from: 0, scope: scope, budget: &budget)
                return matches.map { Self.finding($0, $0.range, at: raw.startIndex) }
            }
            let text = FoldedText(buffer, encoding)
            let matches = try self.matches(text, scope: scope, budget: &budget)
            return matches.map { Self.finding($0, text.raw($0.range), at: raw.startIndex) }
        }
    }

    func matches(_ text: FoldedText, scope: Scope, budget: inout ScanBudget) throws(ScanError) -> [Match] {
        try text.bytes.withUnsafeBufferPointer { (bytes) throws(ScanError) in
            try matches(bytes, from: text.start, scope: scope, budget: &budget)
        }
    }

    func matches(_ bytes: UnsafeBufferPointer<UInt8>, from: Int, scope: Scope, budget: inout ScanBudget) throws(ScanError)
        -> [Match]
    {
        let matcher = Matcher(bytes: bytes, candidates: try database.scan(bytes), from: from, plan: plan(scope))
        return try matcher.run(isFinal: true, budget: &budget).matches
    }

    func plan(_ scope: Scope) -> DetectorPlan { scope == .all ? all : secretsOnly }

    /// Whether any character is matched as another one than it is.
    static func needsFolding(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var at = 0
        while true {
            at = JSONString.firstNotASCII(bytes, from: at)
            guard at < bytes.count else { return false }
            guard let length = JSONString.scalarLength(bytes, at: at) else {
                at += 1
                continue
            }
            if Folding.fold(FoldedText.scalar(bytes, at, length)) != .same { return true }
            at += length
        }
    }

    static func finding(_ match: Match, _ range: Range<Int>, at offset: Int = 0, pointer: String = "", kept: Bool = false)
        -> Finding
    {
        let detector = match.detector.map { Detectors.all[$0] }
        return Finding(
            type: detector?.type ?? PEM.detector, category: detector?.category ?? .secrets, pointer: pointer,
            start: offset + range.lowerBound, end: offset + range.upperBound, validated: match.validated, kept: kept)
    }

    func replace(_ body: [UInt8], _ findings: [Finding], _ encode: (String) -> [UInt8]) -> [UInt8] {
        guard mode != .detect, !findings.isEmpty else { return body }
        var result: [UInt8] = []
        result.reserveCapacity(body.count)
        var at = 0
        for finding in findings where !finding.kept && finding.start >= at {
            result += body[at..<finding.start]
            result += encode(Self.marker(finding.type))
            at = finding.end
        }
        return result + body[at...]
    }

    private static func percentEncoded(_ text: String) -> [UInt8] {
        text.utf8.flatMap { byte -> [UInt8] in
            if ASCII.isAlphanumeric(byte) || byte == UInt8(ascii: "_") { return [byte] }
            let digits = Array("0123456789ABCDEF".utf8)
            return [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
}
