// Usage: what a provider says a call used. An explicit zero is a number; only an absent count is missing.

public import Vocabulary

/// A provider's report. `tokens.input` is always the uncached rest, whichever way the vendor counts.
public struct ReportedUsage: Sendable, Hashable {
    public var tokens: TokenUsage
    /// The part of `tokens.cacheWrite` that is kept for an hour and costs more.
    public var longCacheWrite: Int64
    /// Model and tier of the answer, where named: they may differ from what was asked. Price the dearer one.
    public var model: String?
    public var serviceTier: String?
    /// Calls of tools that run at the provider (web search), billed apiece.
    public var serverToolCalls: Int64

    public init(
        tokens: TokenUsage, longCacheWrite: Int64 = 0, model: String? = nil, serviceTier: String? = nil, serverToolCalls: Int64 = 0
    ) {
        self.tokens = tokens
        self.longCacheWrite = longCacheWrite
        self.model = model
        self.serviceTier = serviceTier
        self.serverToolCalls = serverToolCalls
    }
}
