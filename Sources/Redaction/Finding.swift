// Finding: what was found and where, and why a scan could not be done. Neither ever holds a byte of the text.

/// The four families that a profile can name as a whole.
public enum Category: String, Sendable, Hashable, CaseIterable {
    case personal, financial, network
    /// Keys, tokens, private keys. Always looked for, whatever the profile names.
    case secrets
}

/// One sensitive span.
public struct Finding: Sendable, Hashable {
    /// `EMAIL`, `CREDIT_CARD`: the word of the marker `«EMAIL»`, of a profile's `types` and of the log.
    public let type: String
    public let category: Category
    /// RFC 6901 pointer of the JSON leaf; empty where the text is no JSON.
    public let pointer: String
    /// Bytes of the original body or text, `start..<end`.
    public let start: Int
    public let end: Int
    /// A check digit, a checksum or a decoded header agreed, not the shape alone.
    public let validated: Bool
    /// It stands in a field that must not be altered (see `LeafFilter`) and was left there: the caller decides.
    public let kept: Bool

    public init(type: String, category: Category, pointer: String = "", start: Int, end: Int, validated: Bool, kept: Bool = false) {
        self.type = type
        self.category = category
        self.pointer = pointer
        self.start = start
        self.end = end
        self.validated = validated
        self.kept = kept
    }
}

extension Collection where Element == Finding {
    /// How many of each type, as the log and `output.json` tell it.
    public var counts: [String: Int] { reduce(into: [:]) { $0[$1.type, default: 0] += 1 } }
}

/// A body or text with its findings replaced by markers.
public struct Redacted: Sendable, Hashable {
    public var body: [UInt8]
    /// In the order of the original.
    public var findings: [Finding]

    public init(body: [UInt8], findings: [Finding]) {
        self.body = body
        self.findings = findings
    }
}

/// Which detectors a scan uses.
public enum Scope: Sendable, Hashable {
    /// What the profile names, and secrets.
    case all
    /// Secrets only: tool arguments that come back, hosts with `redact: {in: secrets}`.
    case secrets
}

/// Why a scan was not finished. Whoever gets one refuses what was to be scanned.
public enum ScanError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The pattern database does not load, or was built from other anchors than this program's.
    case database(String)
    /// The body is not what it was said to be; the JSON error tells the place.
    case malformed(String)
    /// The work allowed for this text was used up.
    case budget
    /// The matcher failed; the number is Vectorscan's.
    case matcher(Int32)

    public var description: String {
        switch self {
        case .database(let why): "the pattern database cannot be used: \(why)"
        case .malformed(let why): why
        case .budget: "the text needs more scanning than is allowed"
        case .matcher(let code): "the pattern matcher failed with code \(code)"
        }
    }
}

/// Work allowed for one text, in bytes looked at; no clock, so that the answer is the same on every machine.
public struct ScanBudget: Sendable, Hashable {
    var units: Int

    public init(units: Int) { self.units = units }

    /// What honest texts need by two orders of magnitude less.
    public static func standard(for bytes: Int) -> ScanBudget {
        ScanBudget(units: 1 << 20 + bytes.multipliedReportingOverflow(by: 64).partialValue)
    }

    mutating func spend(_ count: Int) throws(ScanError) {
        units -= count
        if units < 0 { throw ScanError.budget }
    }
}
