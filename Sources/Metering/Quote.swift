// Quote: what a request may cost at worst, before it leaves, and what it did cost, when its usage is known.

public import Profile
public import Providers
public import Vocabulary
public import Wire

/// A priced request: what to reserve, and the edits that make the reservation a true bound.
public struct Quote: Sendable, Hashable {
    public let reservation: Reservation
    public let rewritten: RewrittenRequest
    /// nil: the model has no price and the profile lets it pass.
    public let price: ModelPrice?
}

extension PriceBook {
    /// - Returns: the worst case of `request` under the profile's cap.
    /// - Throws: `.unknownModel` without a price, `.unpricedOperation` for images of unknown cost, and what `rewritten` throws.
    public func quote(_ request: ProviderRequest, budget: Budget, words: RefusalWords) throws(Refusal) -> Quote {
        guard request.kind.isMetered else {
            return Quote(reservation: .nothing, rewritten: try request.rewritten(cap: nil, words: words), price: nil)
        }
        guard let price = price(request.model, provider: request.provider) else {
            guard budget.unknownModel == .allow else { throw words.unknownModel(request.model) }
            let rewritten = try request.rewritten(cap: budget.perCallMaxTokens, words: words)
            let tokens = saturatingSum(request.textTokensBound, rewritten.outputTokensBound ?? 0)
            return Quote(reservation: Reservation(cost: .zero, tokens: tokens), rewritten: rewritten, price: nil)
        }
        let cap = min(budget.perCallMaxTokens ?? price.maxOutput, price.maxOutput)
        let rewritten = try request.rewritten(cap: cap, words: words)
        guard let input = Self.inputBound(request, price: price) else {
            throw words.refusal(
                .unpricedOperation, reason: "images have no price at '\(price.model)'", what: "the cost of images cannot be bounded"
            )
        }
        let output = rewritten.outputTokensBound ?? price.maxOutput
        // A longer input may cost less in no tier, but the book is an operator's file: take the dearer one.
        let tiers = [price.prices(input: 0), price.prices(input: input)]
        let cost =
            tiers.map { tier in
                var perInput = max(tier.input, tier.cachedInput)
                if request.cacheWrite >= .fiveMinutes { perInput = max(perInput, tier.cacheWrite5m) }
                if request.cacheWrite >= .oneHour { perInput = max(perInput, tier.cacheWrite1h) }
                // All but these cache without being asked.
                if ![.anthropic, .bedrock].contains(request.provider) { perInput = max(perInput, tier.cacheWrite5m) }
                return Metering.price(input, perInput) + Metering.price(output, tier.output)
            }.max() ?? Money(nanos: .max)
        // Four parts of a bill may each be rounded up.
        return Quote(
            reservation: Reservation(cost: cost + Money(nanos: 4), tokens: saturatingSum(input, output)), rewritten: rewritten,
            price: price)
    }

    private static func inputBound(_ request: ProviderRequest, price: ModelPrice) -> Int64? {
        var bound = max(0, request.textTokensBound)
        if request.images > 0 {
            guard let each = price.imageTokens else { return nil }
            let (all, overflow) = each.multipliedReportingOverflow(by: request.images)
            bound = overflow ? .max : saturatingSum(bound, all)
        }
        // Tools that run at the provider feed their results back in, pass after pass: bounded by nothing but
        // the context, for each of at most `serverToolPasses` passes.
        if !request.serverTools.isEmpty {
            let (all, overflow) = price.context.multipliedReportingOverflow(by: serverToolPasses)
            return overflow ? .max : all
        }
        return request.hasUnseenInput ? price.context : min(bound, price.context)
    }

    private static let serverToolPasses: Int64 = 10

    /// What an answered call costs. Without a report, at an unknown model, or at a service tier of another price, the
    /// reservation stands: credit is given only for what is known. Where the answer names another model than the
    /// request did, the dearer of both prices counts.
    public func settlement(_ reported: ReportedUsage?, request: ProviderRequest, reserved: Reservation) -> Settlement {
        guard let reported else { return Self.unknown(request.model, reserved) }
        let asked = price(request.model, provider: request.provider)
        let answered = reported.model.map { answeredPrice($0, provider: request.provider) } ?? asked
        let plainTier = reported.serviceTier.map { ["default", "standard"].contains($0) } ?? true
        guard let asked else {
            // Allowed without a price: tokens are counted, money cannot be.
            return Settlement(cost: .zero, usage: reported.tokens, model: request.model, usageKnown: true)
        }
        let known = [asked, answered].compactMap { $0?.cost(reported.tokens, longCacheWrite: reported.longCacheWrite) }
        var cost = known.max() ?? reserved.cost
        if answered == nil || !plainTier || reported.serverToolCalls > 0 { cost = max(cost, reserved.cost) }
        return Settlement(cost: cost, usage: reported.tokens, model: request.model, usageKnown: true)
    }

    /// Azure asks by a deployment's name and answers with the model's own, as OpenAI spells it.
    private func answeredPrice(_ model: String, provider: ProviderID) -> ModelPrice? {
        price(model, provider: provider) ?? (provider == .azure ? price(model, provider: .openai) : nil)
    }

    /// Nothing was reported: what was reserved counts as spent.
    public static func unknown(_ model: String, _ reserved: Reservation) -> Settlement {
        Settlement(cost: reserved.cost, usage: TokenUsage(), model: model, usageKnown: false)
    }
}
