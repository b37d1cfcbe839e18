// Records that frame a session: start, stop, end, crash, and the checkpoints between.

public import JSONBytes
public import Vocabulary

/// One layer of the cage: what was asked for and what stands (`enforced`, `partial`, `absent`), with the evidence for it.
public struct ControlState: Sendable, Hashable {
    public enum State: String, Sendable, Hashable { case enforced, partial, absent }

    public var id: String
    public var required: Bool
    public var state: State
    public var evidence: String

    public init(id: String, required: Bool, state: State, evidence: String) {
        self.id = id
        self.required = required
        self.state = state
        self.evidence = evidence
    }

    public func write(to out: inout JSONBuilder) {
        out.object { out in
            out.member("evidence", evidence)
            out.member("id", id)
            out.member("required", required)
            out.member("state", state.rawValue)
        }
    }
}

/// The first record. Digests are `sha256:` and 64 hexadecimal digits.
public struct SessionStart: EventPayload, Hashable {
    public static let kind = EventKind.sessionStart

    /// Arguments may hold secrets: only the program's name, their number and a digest of all of them are kept.
    public struct Command: Sendable, Hashable {
        public var program: String
        public var arguments: Int
        public var digest: String
        public init(program: String, arguments: Int, digest: String) {
            self.program = program
            self.arguments = arguments
            self.digest = digest
        }
    }

    public var profile: String
    public var profileDigest: String
    public var command: Command
    public var tierRequested: Tier
    public var tierEnforced: Tier
    public var controls: [ControlState]
    /// Program → version: `akios-exec`, `linux`, `price_book`, `detectors`.
    public var versions: [String: String]
    /// SHA-256 of the session CA's certificate in DER; nil when nothing is intercepted.
    public var caFingerprint: String?
    public var hostDigest: String
    /// Keys that a child profile or `--set` loosened against its parent.
    public var loosened: [String]
    /// Hosts whose keys do not come from our broker.
    public var unbrokered: [String]

    public init(
        profile: String, profileDigest: String, command: Command, tierRequested: Tier, tierEnforced: Tier, controls: [ControlState],
        versions: [String: String], caFingerprint: String?, hostDigest: String, loosened: [String], unbrokered: [String]
    ) {
        self.profile = profile
        self.profileDigest = profileDigest
        self.command = command
        self.tierRequested = tierRequested
        self.tierEnforced = tierEnforced
        self.controls = controls
        self.versions = versions
        self.caFingerprint = caFingerprint
        self.hostDigest = hostDigest
        self.loosened = loosened
        self.unbrokered = unbrokered
    }

    public func write(to out: inout JSONBuilder) {
        out.optional("ca_fingerprint", caFingerprint)
        out.member(object: "command") { out in
            out.member("arguments", command.arguments)
            out.member("digest", command.digest)
            out.member("program", command.program)
        }
        out.member(array: "controls") { out in for control in controls { control.write(to: &out) } }
        out.member("host_digest", hostDigest)
        out.texts("loosened", loosened)
        out.member("profile", profile)
        out.member("profile_digest", profileDigest)
        out.member(object: "tier") { out in
            out.member("enforced", tierEnforced.rawValue)
            out.member("requested", tierRequested.rawValue)
        }
        out.texts("unbrokered", unbrokered)
        out.member(object: "versions") { out in
            for (name, version) in versions.sorted(by: { JSONKeyOrder.precedes($0.key, $1.key) }) { out.member(name, version) }
        }
    }
}

/// Somebody decided that the session ends; what follows is the ending. `code` is `budget`, `wall_time`, `memory`, `signal`,
/// `log_failed`, `egress_failed` or `cage_failed`.
public struct SessionStop: EventPayload, Hashable {
    public static let kind = EventKind.sessionStop
    public var code: String
    public var reason: String
    public init(code: String, reason: String) {
        self.code = code
        self.reason = reason
    }
    public func write(to out: inout JSONBuilder) {
        out.member("code", code)
        out.member("reason", reason)
    }
}

/// Who spoke last, and what. `status` is what `akios-exec` exits with.
public struct ExitStatus: Sendable, Hashable {
    public enum Speaker: String, Sendable, Hashable { case agent, akios }

    public var by: Speaker
    /// False when the agent's first instruction was never reached.
    public var ran: Bool
    public var status: Int
    public var signal: Int?
    public var reason: String?

    public init(by: Speaker, ran: Bool, status: Int, signal: Int? = nil, reason: String? = nil) {
        self.by = by
        self.ran = ran
        self.status = status
        self.signal = signal
        self.reason = reason
    }

    /// Absent parts are null, so that scripts need no test for presence.
    public func write(to out: inout JSONBuilder) {
        out.object { out in
            out.member("by", by.rawValue)
            out.member("ran", ran)
            out.member("reason", reason.map { .string($0) } ?? .null)
            out.member("signal", signal.map { .integer(Int64($0)) } ?? .null)
            out.member("status", status)
        }
    }
}

/// What a session used in all.
public struct SessionTotals: Sendable, Hashable {
    public var requests: UInt64 = 0
    public var denied: UInt64 = 0
    public var bytesOut: UInt64 = 0
    public var bytesIn: UInt64 = 0
    public var cost = Money.zero
    public var tokensInput: UInt64 = 0
    public var tokensOutput: UInt64 = 0
    public var redactions: [String: UInt64] = [:]
    public init() {}

    public func write(to out: inout JSONBuilder) {
        out.object { out in
            out.member("bytes_in", text: bytesIn)
            out.member("bytes_out", text: bytesOut)
            out.member("cost_usd", cost.decimal)
            out.count("denied", denied)
            out.counts("redactions", redactions)
            out.count("requests", requests)
            out.count("tokens_input", tokensInput)
            out.count("tokens_output", tokensOutput)
        }
    }
}

/// The last record of a session that ended in order.
public struct SessionEnd: EventPayload, Hashable {
    public static let kind = EventKind.sessionEnd
    public var exit: ExitStatus
    public var totals: SessionTotals
    public init(exit: ExitStatus, totals: SessionTotals) {
        self.exit = exit
        self.totals = totals
    }
    public func write(to out: inout JSONBuilder) {
        out.key("exit")
        exit.write(to: &out)
        out.key("totals")
        totals.write(to: &out)
    }
}

/// The last record of a log whose writer died, appended by a later process. What was torn off the end is in `audit.torn`.
public struct SessionCrashed: EventPayload, Hashable {
    public static let kind = EventKind.sessionCrashed
    public var reason: String
    public var tornBytes: UInt64
    /// Of the torn bytes; nil when there are none.
    public var tornDigest: String?
    public init(reason: String, tornBytes: UInt64, tornDigest: String?) {
        self.reason = reason
        self.tornBytes = tornBytes
        self.tornDigest = tornDigest
    }
    public func write(to out: inout JSONBuilder) {
        out.member("reason", reason)
        out.count("torn_bytes", tornBytes)
        out.optional("torn_digest", tornDigest)
    }
}

/// The tree before this record, signed in `checkpoints/`. Its `size` is the record's own `seq`.
public struct CheckpointRecord: EventPayload, Hashable {
    public static let kind = EventKind.checkpoint
    public var size: UInt64
    /// 64 hexadecimal digits.
    public var root: String
    public init(size: UInt64, root: String) {
        self.size = size
        self.root = root
    }
    public func write(to out: inout JSONBuilder) {
        out.member("root", root)
        out.member("size", text: size)
    }
}
