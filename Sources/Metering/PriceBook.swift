// PriceBook: prices by model, read from a table of text. A model that is not in it has no price, and none is guessed.

public import Vocabulary

/// A price table that does not parse.
public struct PriceError: Error, Sendable, Hashable, CustomStringConvertible {
    public let line: Int
    public let message: String
    public var description: String { "line \(line): \(message)" }
}

/// Prices of all known models. Columns of the table, separated by tabs; `-` is none; `#` at the start of a line is a comment:
///
///     provider model input cached write_5m write_1h output long_above long_input long_cached long_5m long_1h long_output
///     context max_output image_tokens
///
/// Prices are decimal dollars for a million tokens. In `model`, `#` stands for one digit, so that dated ids are matched
/// by a rule that says so.
public struct PriceBook: Sendable {
    static let columns = 16

    private var exact: [ProviderID: [String: ModelPrice]] = [:]
    private var patterns: [ModelPrice] = []

    public init() {}

    public init(tsv: some Sequence<UInt8>) throws(PriceError) {
        // Split as bytes: as Characters it would take a millisecond of every start.
        for (index, raw) in Array(tsv).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let line = raw.last == UInt8(ascii: "\r") ? raw.dropLast() : raw
            if line.isEmpty || line.first == UInt8(ascii: "#") { continue }
            let cells = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self)
            }
            let price = try PriceRow(line: index + 1, cells: cells).price()
            guard insert(price) else { throw PriceError(line: index + 1, message: "'\(price.model)' is priced twice") }
        }
    }

    /// Every row, in no order.
    public var all: [ModelPrice] { exact.values.flatMap(\.values) + patterns }

    public var count: Int { exact.values.reduce(patterns.count) { $0 + $1.count } }

    /// Rows of another table win over rows of the same name.
    public mutating func override(by other: PriceBook) {
        for (provider, models) in other.exact { exact[provider, default: [:]].merge(models) { $1 } }
        patterns =
            other.patterns
            + patterns.filter { old in !other.patterns.contains { $0.provider == old.provider && $0.model == old.model } }
    }

    /// nil: no price is known. A name of its own wins over a pattern.
    public func price(_ model: String, provider: ProviderID) -> ModelPrice? {
        if let found = exact[provider]?[model] { return found }
        return patterns.first { $0.provider == provider && Self.matches(model, pattern: $0.model) }
    }

    private mutating func insert(_ price: ModelPrice) -> Bool {
        if price.model.contains("#") {
            guard !patterns.contains(where: { $0.provider == price.provider && $0.model == price.model }) else { return false }
            patterns.append(price)
            return true
        }
        return exact[price.provider, default: [:]].updateValue(price, forKey: price.model) == nil
    }

    private static func matches(_ model: String, pattern: String) -> Bool {
        model.utf8.count == pattern.utf8.count
            && zip(model.utf8, pattern.utf8).allSatisfy { $1 == UInt8(ascii: "#") ? (0x30...0x39).contains($0) : $0 == $1 }
    }
}

private struct PriceRow {
    let line: Int
    let cells: [String]

    func price() throws(PriceError) -> ModelPrice {
        guard cells.count == PriceBook.columns else {
            throw PriceError(line: line, message: "\(cells.count) columns, want \(PriceBook.columns)")
        }
        let prices = try tokenPrices(from: 2)
        let above = try optional(7)
        let long: TokenPrices? = above == nil ? nil : try tokenPrices(from: 8)
        guard !cells[0].isEmpty, !cells[1].isEmpty else { throw PriceError(line: line, message: "provider or model is empty") }
        return ModelPrice(
            provider: ProviderID(rawValue: cells[0]), model: cells[1], prices: prices, longContextAbove: above, longPrices: long,
            context: try count(13), maxOutput: try count(14), imageTokens: try optional(15))
    }

    private func money(_ index: Int) throws(PriceError) -> Money {
        guard let value = Money(decimal: cells[index]) else {
            throw PriceError(line: line, message: "column \(index + 1) is not a decimal amount")
        }
        return value
    }

    /// A column without a price costs as much as plain input, an hour's write as much as the short one.
    private func tokenPrices(from first: Int) throws(PriceError) -> TokenPrices {
        let input = try money(first)
        let short = cells[first + 2] == "-" ? input : try money(first + 2)
        return TokenPrices(
            input: input, cachedInput: cells[first + 1] == "-" ? input : try money(first + 1),
            cacheWrite5m: short, cacheWrite1h: cells[first + 3] == "-" ? short : try money(first + 3), output: try money(first + 4))
    }

    private func count(_ index: Int) throws(PriceError) -> Int64 {
        guard let value = Int64(cells[index]), value > 0, value <= 1 << 40 else {
            throw PriceError(line: line, message: "column \(index + 1) is not a whole number from 1")
        }
        return value
    }

    private func optional(_ index: Int) throws(PriceError) -> Int64? { cells[index] == "-" ? nil : try count(index) }
}
