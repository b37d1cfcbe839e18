// PriceTests: the shipped table, arithmetic that rounds up and saturates, and quotes that are true bounds.

import CData
import Profile
import Providers
import Testing
import Vocabulary
import Wire

@testable import Metering

let words = RefusalWords(host: "api.openai.com", profile: "strict")

func shipped() throws -> PriceBook {
    var bytes: UnsafePointer<UInt8>?
    var count = 0
    akios_data_prices(&bytes, &count)
    return try PriceBook(tsv: UnsafeBufferPointer(start: bytes, count: count))
}

func request(_ body: String, _ kind: OperationKind = .chatCompletions) throws -> ProviderRequest {
    try ProviderRequest.parse(
        kind, provider: kind == .messages ? .anthropic : .openai, body: Array(body.utf8), rules: .init(words: words))
}

struct ShippedPrices {
    @Test(arguments: [
        ("gpt-4o", "2.50", "10.00"), ("gpt-4o-2024-08-06", "2.50", "10.00"), ("gpt-4o-2024-05-13", "5.00", "15.00"),
        ("gpt-4o-mini", "0.15", "0.60"), ("gpt-4.1-nano", "0.10", "0.40"), ("o3", "2.00", "8.00"), ("gpt-5", "1.25", "10.00"),
        ("gpt-5-2025-08-07", "1.25", "10.00"), ("gpt-5-mini-2025-08-07", "0.25", "2.00"),
    ])
    func openAI(model: String, input: String, output: String) throws {
        let price = try #require(try shipped().price(model, provider: .openai))
        #expect(price.prices.input == dollars(input) && price.prices.output == dollars(output))
    }

    @Test(arguments: [
        ("claude-sonnet-4-5", "3.00", "15.00"), ("claude-sonnet-4-5-20250929", "3.00", "15.00"),
        ("claude-opus-4-1-20250805", "15.00", "75.00"),
        ("claude-haiku-4-5-20251001", "1.00", "5.00"), ("claude-3-5-haiku-20241022", "0.80", "4.00"),
        ("claude-3-7-sonnet-20250219", "3.00", "15.00"), ("claude-opus-4-5", "5.00", "25.00"),
    ])
    func anthropic(model: String, input: String, output: String) throws {
        let price = try #require(try shipped().price(model, provider: .anthropic))
        #expect(price.prices.input == dollars(input) && price.prices.output == dollars(output))
    }

    @Test(arguments: [
        (ProviderID.gemini, "gemini-2.5-pro", "1.25"), (.xai, "grok-4-1-fast-reasoning", "0.20"),
        (.mistral, "codestral-latest", "0.30"),
        (.bedrock, "us.anthropic.claude-haiku-4-5-20251001-v1:0", "1.10"), (.bedrock, "amazon.nova-pro-v1:0", "0.80"),
    ])
    func others(provider: ProviderID, model: String, input: String) throws {
        #expect(try #require(try shipped().price(model, provider: provider)).prices.input == dollars(input))
        for other in ProviderID.known where other != provider { #expect(try shipped().price(model, provider: other) == nil) }
    }

    @Test(arguments: [
        "totally-unknown-model-9", "gpt-4o-2024-08-6", "gpt-4o-pro", "gpt-5-2025-08-07x", "gpt-5-20ab-08-07", "", "GPT-4o",
        "claude-sonnet-4-5",
    ])
    func whatIsNotThereHasNoPrice(model: String) throws {
        #expect(try shipped().price(model, provider: .openai) == nil)
    }

    @Test func everyRowIsInItself() throws {
        for price in try shipped().all {
            #expect(price.context > 0 && price.maxOutput > 0 && price.maxOutput <= price.context)
            for tier in [price.prices, price.longPrices].compactMap({ $0 }) {
                #expect(
                    tier.input > .zero && tier.cachedInput <= tier.input && tier.output >= tier.input
                        && tier.cacheWrite1h >= tier.cacheWrite5m)
            }
            if let long = price.longPrices {
                #expect(long.input > price.prices.input && long.output > price.prices.output)
                #expect(try #require(price.longContextAbove) < price.context)
            }
        }
    }

    @Test func theDateIsTheFilesOwn() { #expect(String(cString: akios_data_prices_date()) == "2026-11-01") }
}

struct Tables {
    static let row = "openai\tm\t1.00\t-\t-\t-\t2.00\t-\t-\t-\t-\t-\t-\t1000\t100\t-"

    @Test func errorsNameTheirLine() {
        for (table, line) in [
            ("# c\nopenai\tm\t1.00", 2), (Self.row + "\n" + Self.row, 2), (Self.row.replacing("1.00", with: "1e3"), 1),
            (Self.row.replacing("1000", with: "0"), 1), (Self.row.replacing("1.00", with: "-1"), 1),
        ] {
            do {
                _ = try PriceBook(tsv: Array(table.utf8))
                Issue.record("accepted: \(table)")
            } catch { #expect(error.line == line && !error.message.isEmpty) }
        }
    }

    @Test func laterTablesWinByName() throws {
        var book = try PriceBook(tsv: Array(Self.row.utf8))
        book.override(
            by: try PriceBook(
                tsv: Array((Self.row.replacing("1.00", with: "3.00") + "\n" + Self.row.replacing("\tm\t", with: "\tn-##\t")).utf8)))
        #expect(
            book.count == 2 && book.price("m", provider: .openai)?.prices.input == dollars("3")
                && book.price("n-42", provider: .openai) != nil)
        #expect(book.price("n-4x", provider: .openai) == nil)
    }
}

struct Arithmetic {
    @Test func roundsUpAndSaturates() {
        #expect(price(1, Money(nanos: 1)).nanos == 1)
        #expect(price(1_000_000, Money(nanos: 1)).nanos == 1)
        #expect(price(1_000_001, Money(nanos: 1)).nanos == 2)
        #expect(price(1000, dollars("2.50")) == dollars("0.0025"))
        #expect(price(0, dollars("2.50")) == .zero && price(-5, dollars("2.50")) == .zero)
        #expect(price(.max, Money(nanos: .max)).nanos == .max)
        #expect(price(.max, Money(nanos: 1_000_001)).nanos == .max)
        #expect(price(.max, Money(nanos: 1_000_000)).nanos == .max)
        #expect(price(.max - 1, Money(nanos: 1_000_000)).nanos == .max - 1)
    }

    @Test func everyPartOfTheBillCounts() throws {
        let model = try #require(try shipped().price("claude-sonnet-4-5", provider: .anthropic))
        let usage = TokenUsage(input: 1000, cachedInput: 2000, cacheWrite: 3000, output: 4000)
        // 1000×3 + 2000×0.30 + 2000×3.75 + 1000×6 + 4000×15 in micro-dollars
        #expect(model.cost(usage, longCacheWrite: 1000) == Money(nanos: (3000 + 600 + 7500 + 6000 + 60_000) * 1000))
        // The long price holds for the whole call, and cached tokens count towards the length.
        let long = TokenUsage(input: 1, cachedInput: 200_000, output: 10)
        #expect(model.cost(long) == Money(nanos: 6000 + 200_000 * 600 + 10 * 22_500))
        #expect(model.cost(TokenUsage(input: 200_000)) == dollars("0.60"))
    }
}

struct Quotes {
    let content = String(repeating: "x", count: 3000)
    func chat(_ fields: String = "", model: String = "gpt-4o") throws -> ProviderRequest {
        try request("{\"model\":\"\(model)\",\"messages\":[{\"role\":\"user\",\"content\":\"\(content)\"}]\(fields)}")
    }
    let fifty = budget { $0.perCallMaxTokens = 50 }

    @Test func whatTheProviderAddsIsBoundedByTheContext() throws {
        let item = { (more: String) in
            "{\"model\":\"gpt-5\",\"input\":[{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[]\(more)}]}"
        }
        let stored = try shipped().quote(request(item(""), .responses), budget: fifty, words: words)
        #expect(stored.reservation.tokens == 400_000 + 50)
        let whole = try shipped().quote(request(item(",\"encrypted_content\":\"gAAA\""), .responses), budget: fifty, words: words)
        #expect(whole.reservation.tokens < 1000)
    }

    @Test func whatCannotBeCappedIsReservedInFull() throws {
        let asked = try request("{\"model\":\"gpt-5\",\"input\":\"x\"}", .compactResponse)
        #expect(try shipped().quote(asked, budget: fifty, words: words).reservation.tokens > 128_000)
        let vectors = try request("{\"model\":\"text-embedding-3-small\",\"input\":\"x\"}", .embeddings)
        #expect(try shipped().quote(vectors, budget: fifty, words: words).reservation.tokens < 200)
    }

    @Test func aSmallBudgetIsUsedAndNeverPassed() throws {
        let book = try shipped()
        var state = BudgetState(
            budget {
                $0.perSession.maxCost = dollars("0.02")
                $0.perCallMaxTokens = 50
            }, now: 0)
        let asked = try chat(",\"max_tokens\":50")
        var calls: UInt64 = 0
        var last = BudgetVerdict.admitted(alerts: [])
        while calls < 60 {
            let quote = try book.quote(asked, budget: state.budget, words: words)
            last = state.reserve(calls + 1, quote.reservation, at: calls)
            guard last.isAdmitted else { break }
            calls += 1
            let reported = ReportedUsage(tokens: TokenUsage(input: 1000, output: 50), model: "gpt-4o")
            _ = state.settle(calls, book.settlement(reported, request: asked, reserved: quote.reservation), at: calls)
        }
        #expect(last.refusal?.action == .terminate)
        #expect(state.totals.cost == Money(nanos: Int64(calls) * 3_000_000))
        #expect(state.totals.cost >= dollars("0.005") && state.totals.cost <= dollars("0.02"))
    }

    @Test func theReservationBoundsEveryUsageThatFitsTheBytes() throws {
        let book = try shipped()
        for fields in ["", ",\"n\":4", ",\"max_tokens\":7"] {
            let asked = try chat(fields)
            let quote = try book.quote(asked, budget: fifty, words: words)
            let output = try #require(quote.rewritten.outputTokensBound)
            let worst = ReportedUsage(tokens: TokenUsage(input: asked.textTokensBound, output: output), model: "gpt-4o-2024-08-06")
            let settled = book.settlement(worst, request: asked, reserved: quote.reservation)
            #expect(settled.cost <= quote.reservation.cost && settled.cost.nanos + 4 >= quote.reservation.cost.nanos)
            #expect(worst.tokens.total == quote.reservation.tokens)
        }
    }

    /// litellm#40002: $0.60 admitted against $0.45, because the long-context price was left out.
    @Test func longContextIsReservedAtItsPrice() throws {
        let text = String(repeating: "x", count: 250_000)
        let asked = try request(
            "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":10,\"messages\":[{\"role\":\"user\",\"content\":\"\(text)\"}]}",
            .messages)
        let quote = try shipped().quote(asked, budget: fifty, words: words)
        #expect(quote.reservation.cost >= Money(nanos: 250_000 * 6000 + 10 * 22_500))
    }

    @Test func cacheWritesAreReservedAtTheirPrice() throws {
        let body = { (control: String) in
            "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":10,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\(content)\"\(control)}]}]}"
        }
        let book = try shipped()
        let costs = try [
            "", ",\"cache_control\":{\"type\":\"ephemeral\"}", ",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}",
        ].map {
            try book.quote(request(body($0), .messages), budget: fifty, words: words).reservation.cost
        }
        #expect(costs[0] < costs[1] && costs[1] < costs[2] && costs[2] >= Money(nanos: 3000 * 6000))
    }

    /// The table is an operator's file: nothing in it says that a cached token is the cheaper one.
    @Test func cachedTokensThatCostMoreAreReservedFor() throws {
        let book = try PriceBook(
            tsv: Array(Tables.row.replacing("\tm\t1.00\t-", with: "\tgpt-4o\t1.00\t3.00").replacing("1000", with: "9999").utf8))
        let asked = try chat()
        let quote = try book.quote(asked, budget: fifty, words: words)
        let cached = ReportedUsage(tokens: TokenUsage(cachedInput: asked.textTokensBound, output: 50), model: "gpt-4o")
        let settled = book.settlement(cached, request: asked, reserved: quote.reservation)
        #expect(settled.cost >= Money(nanos: 3000 * 3000) && settled.cost <= quote.reservation.cost)
    }

    @Test func anUnknownModelIsRefusedByNameOrCountedInTokens() throws {
        let asked = try chat(model: "totally-unknown-model-9")
        do {
            _ = try shipped().quote(asked, budget: fifty, words: words)
            Issue.record("quoted")
        } catch let error as Refusal {
            #expect(error.code == .unknownModel && error.told.contains("totally-unknown-model-9"))
        }
        var loose = fifty
        loose.unknownModel = .allow
        let quote = try shipped().quote(asked, budget: loose, words: words)
        #expect(quote.price == nil && quote.reservation.cost == .zero && quote.reservation.tokens >= 3050)
    }

    @Test func theModelsOwnMaximumCapsWhereTheProfileDoesNot() throws {
        let quote = try shipped().quote(chat(), budget: budget { _ in }, words: words)
        #expect(quote.rewritten.outputTokensBound == 16_384)
        let wide = try shipped().quote(chat(), budget: budget { $0.perCallMaxTokens = 1_000_000 }, words: words)
        #expect(wide.rewritten.outputTokensBound == 16_384)
    }

    @Test func imagesCostTheirMaximumOrAreRefused() throws {
        let body = { (model: String) in
            "{\"model\":\"\(model)\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA\"}}]}]}"
        }
        let quote = try shipped().quote(request(body("gpt-4o")), budget: fifty, words: words)
        #expect(quote.reservation.tokens >= 1445 + 50)
        do {
            _ = try shipped().quote(request(body("o3-mini")), budget: fifty, words: words)
            Issue.record("quoted")
        } catch let refusal as Refusal { #expect(refusal.code == .unpricedOperation) }
    }

    @Test func serverToolsMayReadTheContextAgainAndAgain() throws {
        let quote = try shipped().quote(chat(",\"web_search_options\":{}"), budget: fifty, words: words)
        #expect(quote.reservation.tokens >= 1_280_000)
    }
}

struct Settlements {
    let reserved = Reservation(cost: dollars("0.50"), tokens: 9000)

    func settled(_ reported: ReportedUsage?, model: String = "gpt-4o") throws -> Settlement {
        let asked = try request("{\"model\":\"\(model)\",\"messages\":[]}")
        return try shipped().settlement(reported, request: asked, reserved: reserved)
    }

    @Test func theDearerOfBothModelsCounts() throws {
        let usage = TokenUsage(input: 1000, output: 50)
        #expect(
            try settled(ReportedUsage(tokens: usage, model: "gpt-4o-2024-08-06", serviceTier: "default")).cost == dollars("0.003"))
        #expect(try settled(ReportedUsage(tokens: usage, model: "gpt-4o-2024-05-13")).cost == dollars("0.00575"))
        #expect(try settled(ReportedUsage(tokens: usage, model: "gpt-4o-mini")).cost == dollars("0.003"))
        #expect(try settled(ReportedUsage(tokens: usage)).cost == dollars("0.003"))
    }

    @Test func noCreditForWhatIsNotKnown() throws {
        let usage = TokenUsage(input: 1000, output: 50)
        let silent = try settled(nil)
        #expect(silent.cost == dollars("0.50") && !silent.usageKnown)
        #expect(try settled(ReportedUsage(tokens: usage, model: "gpt-99")).cost == dollars("0.50"))
        #expect(try settled(ReportedUsage(tokens: usage, model: "gpt-4o", serviceTier: "priority")).cost == dollars("0.50"))
        #expect(try settled(ReportedUsage(tokens: usage, model: "gpt-4o", serverToolCalls: 2)).cost == dollars("0.50"))
    }

    @Test func moreThanTheReservationIsNotHidden() throws {
        let much = ReportedUsage(tokens: TokenUsage(input: 10_000_000), model: "gpt-4o", serviceTier: "priority")
        #expect(try settled(much).cost == dollars("25"))
    }
}
