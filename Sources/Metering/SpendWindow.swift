// SpendWindow: one limit over one span of time. Holds what was spent in it and what is reserved against it.

import Profile
public import Vocabulary

/// An amount of all three things a budget limits.
public struct Spend: Sendable, Hashable {
    public var cost: Money
    public var tokens: Int64
    public var requests: Int64

    public init(cost: Money = .zero, tokens: Int64 = 0, requests: Int64 = 0) {
        self.cost = cost
        self.tokens = tokens
        self.requests = requests
    }

    static func + (a: Spend, b: Spend) -> Spend {
        Spend(cost: a.cost + b.cost, tokens: saturatingSum(a.tokens, b.tokens), requests: saturatingSum(a.requests, b.requests))
    }

    static func - (a: Spend, b: Spend) -> Spend {
        Spend(cost: a.cost - b.cost, tokens: a.tokens - b.tokens, requests: a.requests - b.requests)
    }
}

/// Which limit.
public enum BudgetWindow: String, Sendable, Hashable, CaseIterable {
    case perSession = "per_session"
    case perMinute = "per_minute"
    case perDay = "per_day"

    /// Length in milliseconds, and how fine the sliding sum is; nil: the whole session.
    var span: (length: UInt64, bucket: UInt64)? {
        switch self {
        case .perSession: nil
        case .perMinute: (60_000, 1000)
        case .perDay: (86_400_000, 60_000)
        }
    }
}

/// A sliding sum in buckets. A bucket is forgotten only when all of it is older than the span, so the sum is never less
/// than what the last `length` milliseconds held.
struct SpendWindow: Sendable {
    private struct Bucket: Sendable {
        var number: UInt64
        var spend: Spend
    }

    let kind: BudgetWindow
    let limit: Budget.Window
    private var buckets: [Bucket] = []
    /// Settled within the window.
    private(set) var settled = Spend()

    init(_ kind: BudgetWindow, limit: Budget.Window) {
        self.kind = kind
        self.limit = limit
    }

    func fits(_ spend: Spend) -> Bool {
        if let most = limit.maxCost, spend.cost > most { return false }
        if let most = limit.maxTokens, spend.tokens > most { return false }
        if let most = limit.maxRequests, spend.requests > most { return false }
        return true
    }

    mutating func advance(to now: UInt64) {
        guard let span = kind.span else { return }
        var expired = 0
        while expired < buckets.count, Self.end(of: buckets[expired].number, span) <= now {
            settled = settled - buckets[expired].spend
            expired += 1
        }
        buckets.removeFirst(expired)
    }

    mutating func add(_ spend: Spend, at now: UInt64) {
        settled = settled + spend
        guard let span = kind.span else { return }
        let number = now / span.bucket
        if let last = buckets.last, last.number >= number {
            buckets[buckets.count - 1].spend = last.spend + spend
        } else {
            buckets.append(Bucket(number: number, spend: spend))
        }
    }

    /// When enough will have slid out for `spend` on top of `reserved`; nil: nothing that slides out makes room.
    func roomAt(_ spend: Spend, reserved: Spend) -> UInt64? {
        guard let span = kind.span else { return nil }
        var left = settled
        for bucket in buckets {
            left = left - bucket.spend
            if fits(left + reserved + spend) { return Self.end(of: bucket.number, span) }
        }
        return nil
    }

    private static func end(of bucket: UInt64, _ span: (length: UInt64, bucket: UInt64)) -> UInt64 {
        (bucket + 1) * span.bucket + span.length
    }
}
