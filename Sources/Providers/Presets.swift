// Presets: the providers that are known, one value each (vendors' API references and SDKs, November 2026).

public import Vocabulary

public enum Providers {
    public static let presets: [ProviderPreset] = [openAI, anthropic, azure, bedrock, gemini, mistral, ollama, openRouter, xAI]

    private static let openAI = ProviderPreset(
        id: .openai, hosts: hosts("api.openai.com"),
        endpoints: [
            post("/v1/chat/completions", .chatCompletions), post("/v1/responses", .responses),
            post("/v1/responses/compact", .compactResponse), post("/v1/responses/input_tokens", .countResponseTokens),
            post("/v1/embeddings", .embeddings), get("/v1/models"), get("/v1/models/{}"),
        ])

    private static let anthropic = ProviderPreset(
        id: .anthropic, hosts: hosts("api.anthropic.com"), key: .init(name: "x-api-key"),
        endpoints: [
            post("/v1/messages", .messages), post("/v1/messages/count_tokens", .countTokens), get("/v1/models"),
            get("/v1/models/{}"),
        ])

    /// Deployments have names of their own: a price is found by the deployment's, in a table of the operator's.
    private static let azure = ProviderPreset(
        id: .azure, hosts: [], tenants: ["openai.azure.com", "services.ai.azure.com", "cognitiveservices.azure.com"],
        key: .init(name: "api-key"),
        endpoints: [
            post("/openai/deployments/{model}/chat/completions", .chatCompletions),
            post("/openai/v1/chat/completions", .chatCompletions), post("/openai/v1/responses", .responses),
            post("/openai/responses", .responses), post("/openai/v1/embeddings", .embeddings), get("/openai/v1/models"),
        ])

    /// In the regions whose prices the book has. What `invoke` carries differs by model and is not read.
    private static let bedrock = ProviderPreset(
        id: .bedrock,
        hosts: hosts(
            "bedrock-runtime.us-east-1.amazonaws.com", "bedrock-runtime.us-east-2.amazonaws.com",
            "bedrock-runtime.us-west-2.amazonaws.com"),
        endpoints: [post("/model/{model}/converse", .converse), post("/model/{model}/converse-stream", .converseStream)],
        unpriced: [
            "/model/{}/invoke", "/model/{}/invoke-with-response-stream", "/model/{}/invoke-with-bidirectional-stream",
        ])

    private static let gemini = ProviderPreset(
        id: .gemini, hosts: hosts("generativelanguage.googleapis.com"), key: .init(name: "x-goog-api-key"), keyParameter: "key",
        endpoints: geminiEndpoints("/v1beta") + geminiEndpoints("/v1"),
        unpriced: vertexPaths("/v1") + vertexPaths("/v1beta1"))

    private static func geminiEndpoints(_ version: String) -> [ProviderPreset.Endpoint] {
        let model = version + "/models/{model}:"
        return [
            post(model + "generateContent", .generateContent), post(model + "streamGenerateContent", .streamGenerateContent),
            post(model + "countTokens", .countContentTokens), get(version + "/models"), get(version + "/models/{}"),
        ]
    }

    /// Of Vertex, on whose hosts the same models have a project's own prices.
    private static func vertexPaths(_ version: String) -> [String] {
        ["generateContent", "streamGenerateContent", "predict", "rawPredict", "streamRawPredict"].map { verb in
            version + "/projects/{}/locations/{}/publishers/{}/models/{}:" + verb
        }
    }

    private static let mistral = ProviderPreset(
        id: .mistral, hosts: hosts("api.mistral.ai", "api.eu.mistral.ai", "api.us.mistral.ai"),
        endpoints: [
            post("/v1/chat/completions", .chatCompletions), post("/v1/embeddings", .embeddings), get("/v1/models"),
            get("/v1/models/{}"),
        ])

    private static let ollama = ProviderPreset(
        id: .ollama, hosts: hosts("ollama.com"),
        endpoints: [
            post("/api/chat", .ollamaChat), post("/api/generate", .ollamaGenerate),
            post("/v1/chat/completions", .chatCompletions), get("/api/tags"), get("/v1/models"),
        ])

    private static let openRouter = ProviderPreset(
        id: .openrouter, hosts: hosts("openrouter.ai"),
        endpoints: [post("/api/v1/chat/completions", .chatCompletions), get("/api/v1/models")])

    private static let xAI = ProviderPreset(
        id: .xai, hosts: hosts("api.x.ai"),
        endpoints: [
            post("/v1/chat/completions", .chatCompletions), post("/v1/responses", .responses), get("/v1/models"),
            get("/v1/models/{}"),
        ])

    private static func hosts(_ names: String...) -> [HostName] { names.compactMap { HostName($0) } }

    private static func post(_ path: String, _ kind: OperationKind) -> ProviderPreset.Endpoint {
        .init(method: "POST", path: path, kind: kind)
    }

    /// Lists of models, and what is known of one.
    private static func get(_ path: String) -> ProviderPreset.Endpoint { .init(method: "GET", path: path, kind: .listModels) }

    public static func preset(_ id: ProviderID) -> ProviderPreset? { presets.first { $0.id == id } }

    /// The provider whose wire format a host speaks, however the host was granted.
    public static func preset(host: HostName) -> ProviderPreset? { presets.first { $0.speaks(host) } }

    /// What a request asks a provider for; nil: not a provider's host, or none of its model endpoints.
    /// `path` carries no query.
    public static func operation(host: HostName, method: String, path: String) -> OperationKind? {
        preset(host: host)?.operation(method: method, path: path)
    }
}
