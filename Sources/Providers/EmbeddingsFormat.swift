// EmbeddingsFormat: text to vectors. There is no output to cap; the input's bytes bound the price.

import Vocabulary

struct EmbeddingsFormat: WireFormat {
    private static let known: Set<String> = [
        "model", "input", "dimensions", "encoding_format", "user", "metadata", "output_dimension", "output_dtype",
    ]

    var fields: Set<String> { Self.known }

    func read(_ reader: BodyReader, into request: inout ProviderRequest) throws(Refusal) {
        guard let input = reader.field("input") else { throw reader.rules.malformed("'input' is missing") }
        // Token numbers spell text that no scanner reads.
        if !input.isString, !input.elements.allSatisfy(\.isString) { request.binaryParts = 1 }
        request.hasOutput = false
        request.textTokensBound = Int64(reader.body.count) + InputBound.fixed
    }

    func usage(_ root: JSONNode, body: [UInt8]) -> ReportedUsage? {
        guard let usage = root["usage"], let prompt = UsageReader.count(usage["prompt_tokens"], body) else { return nil }
        return ReportedUsage(tokens: TokenUsage(input: prompt), model: root["model"]?.text(in: body))
    }
}
