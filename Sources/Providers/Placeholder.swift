// Placeholder: what an agent holds in place of a key. It has the shape of the vendor's keys, because clients check it before
// they send anything, and means nothing to anybody but the broker.

/// What a variable of the agent's stands for, as far as its name tells.
public enum CredentialKind: Sendable, Hashable {
    /// A word that is sent as it is: an API key, a token, a password.
    case word
    /// The parts of an AWS key. Only the first and the last travel; the second signs.
    case awsKeyID, awsSecret, awsSession

    /// By the names that every AWS client reads.
    public init(variable: String) {
        switch variable {
        case "AWS_ACCESS_KEY_ID": self = .awsKeyID
        case "AWS_SECRET_ACCESS_KEY": self = .awsSecret
        case "AWS_SESSION_TOKEN": self = .awsSession
        default: self = .word
        }
    }
}

public struct PlaceholderShape: Sendable, Hashable {
    enum Alphabet: String {
        case letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        case small = "abcdefghijklmnopqrstuvwxyz0123456789"
        case hexadecimal = "0123456789abcdef"
        /// RFC 4648 base32, of which AWS makes its key ids.
        case thirtyTwo = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    }

    let prefix: String
    let alphabet: Alphabet
    /// Characters after the prefix. Of the shortest alphabet and count here come 80 random bits.
    let count: Int
    var suffix = ""

    /// The shape that clients of `variable` expect; without one of its own the text says what it is.
    public init(variable: String) {
        self = Self.known[variable] ?? Self("akios-placeholder-", .small, 32)
    }

    private init(_ prefix: String, _ alphabet: Alphabet, _ count: Int, suffix: String = "") {
        self.prefix = prefix
        self.alphabet = alphabet
        self.count = count
        self.suffix = suffix
    }

    /// - Parameter random: independent bytes of the kernel's generator. As many are asked for as are needed.
    public func make(random: () -> UInt8) -> String {
        let letters = Array(alphabet.rawValue.utf8)
        let most = 256 / letters.count * letters.count
        var text = Array(prefix.utf8)
        while text.count < prefix.utf8.count + count {
            // A byte above the last multiple would make the first letters likelier.
            let byte = Int(random())
            if byte < most { text.append(letters[byte % letters.count]) }
        }
        return String(decoding: text, as: UTF8.self) + suffix
    }

    // Vendors' documentation of their keys, and the patterns that GitHub's secret scanning and gitleaks publish for them
    // (November 2026). Lengths are those of keys that are handed out now.
    private static let known: [String: PlaceholderShape] = {
        let openAI = Self("sk-proj-", .letters, 48)
        let google = Self("AIza", .letters, 35)
        let gitHub = Self("ghp_", .letters, 36)
        let gitLab = Self("glpat-", .letters, 20)
        return [
            "OPENAI_API_KEY": openAI, "CODEX_API_KEY": openAI, "OPENAI_ADMIN_KEY": Self("sk-admin-", .letters, 48),
            "ANTHROPIC_API_KEY": Self("sk-ant-api03-", .letters, 93, suffix: "AA"),
            "ANTHROPIC_AUTH_TOKEN": Self("sk-ant-oat01-", .letters, 93, suffix: "AA"),
            "CLAUDE_CODE_OAUTH_TOKEN": Self("sk-ant-oat01-", .letters, 93, suffix: "AA"),
            "GEMINI_API_KEY": google, "GOOGLE_API_KEY": google, "GOOGLE_GENERATIVE_AI_API_KEY": google,
            "AWS_ACCESS_KEY_ID": Self("AKIA", .thirtyTwo, 16), "AWS_SECRET_ACCESS_KEY": Self("", .letters, 40),
            "AWS_SESSION_TOKEN": Self("IQoJb3JpZ2luX2Vj", .letters, 240),
            "AWS_BEARER_TOKEN_BEDROCK": Self("ABSKQmVkcm9ja0FQSUtleS", .letters, 110),
            "AZURE_OPENAI_API_KEY": Self("", .hexadecimal, 32), "AZURE_API_KEY": Self("", .hexadecimal, 32),
            "MISTRAL_API_KEY": Self("", .letters, 32), "XAI_API_KEY": Self("xai-", .letters, 80),
            "OPENROUTER_API_KEY": Self("sk-or-v1-", .hexadecimal, 64),
            "OLLAMA_API_KEY": Self("", .hexadecimal, 56), "GROQ_API_KEY": Self("gsk_", .letters, 52),
            "DEEPSEEK_API_KEY": Self("sk-", .hexadecimal, 32), "PERPLEXITY_API_KEY": Self("pplx-", .letters, 48),
            "HF_TOKEN": Self("hf_", .letters, 34), "HUGGING_FACE_HUB_TOKEN": Self("hf_", .letters, 34),
            "GH_TOKEN": gitHub, "GITHUB_TOKEN": gitHub, "GITLAB_TOKEN": gitLab, "NPM_TOKEN": Self("npm_", .letters, 36),
        ]
    }()
}
