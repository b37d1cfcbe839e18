// Operation: what a request asks a model provider for, as far as price and policy care.

/// A provider's name as profiles spell it: `openai`, `anthropic`.
public struct ProviderID: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }
    public static let openai = ProviderID(rawValue: "openai")
    public static let anthropic = ProviderID(rawValue: "anthropic")
    public static let azure = ProviderID(rawValue: "azure")
    public static let bedrock = ProviderID(rawValue: "bedrock")
    public static let gemini = ProviderID(rawValue: "gemini")
    public static let mistral = ProviderID(rawValue: "mistral")
    public static let ollama = ProviderID(rawValue: "ollama")
    public static let openrouter = ProviderID(rawValue: "openrouter")
    public static let xai = ProviderID(rawValue: "xai")
    /// Those a profile may grant; each has a preset in `Providers`.
    public static let known = [openai, anthropic, azure, bedrock, gemini, mistral, ollama, openrouter, xai]
}

/// One endpoint family of a provider's wire format.
public enum OperationKind: String, Sendable, Hashable {
    case chatCompletions = "chat.completions"
    case messages
    case responses
    case compactResponse = "responses.compact"
    case countResponseTokens = "responses.input_tokens"
    case embeddings
    case generateContent
    case streamGenerateContent
    case countContentTokens
    case converse
    case converseStream
    case ollamaChat = "ollama.chat"
    case ollamaGenerate = "ollama.generate"
    case listModels = "models.list"
    case countTokens = "count_tokens"
}

/// Tokens as a provider bills them. Anthropic's cache counts lie outside `input`, OpenAI's inside; here
/// `input` is always the uncached rest.
public struct TokenUsage: Sendable, Hashable {
    public var input: Int64
    public var cachedInput: Int64
    public var cacheWrite: Int64
    public var output: Int64

    public init(input: Int64 = 0, cachedInput: Int64 = 0, cacheWrite: Int64 = 0, output: Int64 = 0) {
        self.input = input
        self.cachedInput = cachedInput
        self.cacheWrite = cacheWrite
        self.output = output
    }

    /// Sums stop at the integer's end: what is added up may have been read from a network.
    public var totalInput: Int64 { Self.sum(Self.sum(input, cachedInput), cacheWrite) }
    public var total: Int64 { Self.sum(totalInput, output) }

    private static func sum(_ a: Int64, _ b: Int64) -> Int64 {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? (b > 0 ? .max : .min) : sum
    }
}
