// CageEvent: what init says, and what it is told. One packet each (CShims/CInit/plan.h).

/// A message from the cage.
public enum CageEvent: Sendable, Hashable {
    /// A step the plan could do without was not possible; its words and the reason.
    case absent(step: String, errno: Int32)
    /// All is set up and checked; the agent starts on `go()`.
    case ready
    /// The agent's process exists, with this id on the host.
    case forked(pid: Int32)
    /// exec succeeded: the agent runs.
    case started
    case stopped(signal: Int32)
    case continued
    case exited(status: Int32)
    case signalled(signal: Int32)
    /// Nothing ran: 126 or 127 by errno.
    case notExecuted(errno: Int32)
    /// A step failed; the cage is gone, nothing ran.
    case failed(step: String, errno: Int32)
    /// Init has closed its end: every process in the cage is dead or dying.
    case ended
}

enum Report {
    static let size = 16
    static let failed: UInt32 = 1
    static let absent: UInt32 = 2
    static let listeners: UInt32 = 3
    static let ready: UInt32 = 4
    static let agent: UInt32 = 5
    static let started: UInt32 = 6
    static let stopped: UInt32 = 7
    static let continued: UInt32 = 8
    static let exited: UInt32 = 9
    static let signalled: UInt32 = 10
    static let notExecuted: UInt32 = 11
    static let watch: UInt32 = 12
}

/// An order to init.
public enum CageOrder: Sendable, Hashable {
    /// To the agent's process group.
    case signal(Int32)
    /// Every process in the cage, and its end.
    case killAll

    static let go: UInt32 = 1
    static let content: UInt32 = 2

    var bytes: [UInt8] {
        switch self {
        case .signal(let number): Self.bytes(3, number)
        case .killAll: Self.bytes(4, 0)
        }
    }

    static func bytes(_ kind: UInt32, _ number: Int32) -> [UInt8] {
        [kind, UInt32(bitPattern: number)].flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
    }
}

func littleWord(_ bytes: [UInt8], at offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
}
