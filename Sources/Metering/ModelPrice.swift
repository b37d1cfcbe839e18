// ModelPrice: what one model costs, in nano-dollars for a million tokens.

public import Vocabulary

/// Prices of one context length.
public struct TokenPrices: Sendable, Hashable {
    /// Each is the price of one million tokens.
    public var input: Money
    public var cachedInput: Money
    public var cacheWrite5m: Money
    public var cacheWrite1h: Money
    public var output: Money

    /// The cost of a usage, every part rounded up to a whole nano-dollar. Saturates.
    func cost(_ usage: TokenUsage, longCacheWrite: Int64) -> Money {
        let long = min(max(0, longCacheWrite), max(0, usage.cacheWrite))
        return price(usage.input, input) + price(usage.cachedInput, cachedInput) + price(usage.cacheWrite - long, cacheWrite5m)
            + price(long, cacheWrite1h) + price(usage.output, output)
    }
}

/// A model's prices and the bounds that a reservation needs.
public struct ModelPrice: Sendable, Hashable {
    public var provider: ProviderID
    /// The name, or a pattern in which `#` stands for one digit.
    public var model: String
    public var prices: TokenPrices
    /// From how many input tokens on (exclusive) the whole call costs `longPrices`; nil: one price.
    public var longContextAbove: Int64?
    public var longPrices: TokenPrices?
    /// Most tokens the model takes in; a longer request is refused by the provider unpaid.
    public var context: Int64
    public var maxOutput: Int64
    /// Most tokens that one image costs; nil: not known, so requests with images are refused.
    public var imageTokens: Int64?

    /// Prices for a call with that much input. Both vendors decide by all input tokens, cached ones included.
    public func prices(input: Int64) -> TokenPrices {
        guard let threshold = longContextAbove, let long = longPrices, input > threshold else { return prices }
        return long
    }

    public func cost(_ usage: TokenUsage, longCacheWrite: Int64 = 0) -> Money {
        prices(input: saturatingSum(usage.input, usage.cachedInput, usage.cacheWrite)).cost(usage, longCacheWrite: longCacheWrite)
    }
}

/// `tokens` at a price for a million, rounded up. Negative counts cost nothing; too much is the largest amount.
func price(_ tokens: Int64, _ million: Money) -> Money {
    guard tokens > 0, million.nanos > 0 else { return .zero }
    let product = tokens.magnitude.multipliedFullWidth(by: million.nanos.magnitude)
    guard product.high < 1_000_000 else { return Money(nanos: .max) }
    let (quotient, remainder) = UInt64(1_000_000).dividingFullWidth((product.high, product.low))
    guard let nanos = Int64(exactly: quotient) else { return Money(nanos: .max) }
    return Money(nanos: nanos) + Money(nanos: remainder > 0 ? 1 : 0)
}

/// A sum that stops at the largest value instead of wrapping round to a small one.
func saturatingSum(_ values: Int64...) -> Int64 {
    values.reduce(0) { total, value in
        let (sum, overflow) = total.addingReportingOverflow(value)
        return overflow ? (value > 0 ? .max : .min) : sum
    }
}
