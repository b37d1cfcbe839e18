// ConverseFormat: Bedrock's converse, whole and streamed. The model stands in the path. What InvokeModel carries differs by
// model and is not read: it has no price here.

import Vocabulary

struct ConverseFormat: WireFormat {
    let streams: Bool

    private static let known: Set<String> = [
        "messages", "system", "inferenceConfig", "toolConfig", "additionalModelRequestFields", "additionalModelResponseFieldPaths",
        "requestMetadata", "performanceConfig", "serviceTier", "outputConfig", "guardrailConfig", "promptVariables",
    ]

    var fields: Set<String> { Self.known }
    var framing: StreamFraming { streams ? .messages : .events }

    func model(_ reader: BodyReader) throws(Refusal) -> String { try reader.pathModel() }

    func read(_ reader: BodyReader, into request: inout ProviderRequest) throws(Refusal) {
        try request.readConverse(reader)
        request.stream = streams
    }

    func usage(_ root: JSONNode, body: [UInt8]) -> ReportedUsage? { UsageReader.converse(root, body: body) }

    func find(_ root: JSONNode, into found: inout AnswerFinder) {
        for block in root["output"]?["message"]?["content"]?.elements ?? [] {
            found.add(block["text"])
            found.leaves(block["toolUse"]?["input"])
            found.leaves(block["citationsContent"], tool: false)
            // Signed over its text: never altered.
        }
        found.leaves(root["additionalModelResponseFields"], tool: false)
    }

    func stream() -> (any WireStream)? { streams ? ConverseStream() : nil }
}

extension UsageReader {
    /// Of an answer or a `metadata` event. Cache counts lie outside `inputTokens`.
    static func converse(_ root: JSONNode, body: [UInt8]) -> ReportedUsage? {
        guard let usage = root["usage"], let input = count(usage["inputTokens"], body),
            let output = count(usage["outputTokens"], body)
        else { return nil }
        var report = ReportedUsage(tokens: TokenUsage(input: input, output: output))
        report.tokens.cachedInput = count(usage["cacheReadInputTokens"], body) ?? 0
        report.tokens.cacheWrite = count(usage["cacheWriteInputTokens"], body) ?? 0
        for detail in usage["cacheDetails"]?.elements ?? [] where detail["ttl"]?.text(in: body) != "5m" {
            report.longCacheWrite = min(mostTokens, report.longCacheWrite + (count(detail["inputTokens"], body) ?? 0))
        }
        report.tokens.cacheWrite = max(report.tokens.cacheWrite, report.longCacheWrite)
        report.serviceTier = root["serviceTier"]?["type"]?.text(in: body)
        if root["performanceConfig"]?["latency"]?.text(in: body) == "optimized" { report.serviceTier = "optimized latency" }
        return report
    }
}

extension ProviderRequest {
    mutating func readConverse(_ reader: BodyReader) throws(Refusal) {
        let root = reader.root
        let config = reader.field("inferenceConfig")
        requestedOutput = try reader.count("maxTokens", of: config)
        sites.cap = MemberSite("maxTokens", of: "inferenceConfig", in: root)
        if let tier = reader.text(reader.field("serviceTier")?["type"]), tier != "default" {
            unpriced.append("serviceTier \(RefusalWords.printable(tier))")
        }
        if let speed = reader.text(reader.field("performanceConfig")?["latency"]), speed != "standard" {
            unpriced.append("performanceConfig")
        }
        for field in ["guardrailConfig", "promptVariables"] where reader.field(field) != nil { unpriced.append(field) }
        // Goes to the model as it is: a second cap, or tools, could stand in it.
        for member in reader.field("additionalModelRequestFields")?.members ?? [] {
            switch member.key {
            case "top_k": break
            case "thinking":
                sites.thinkingTokens = try reader.count("budget_tokens", of: member.value)
                sites.thinkingBudget = member.value["budget_tokens"]?.range
            default: unpriced.append("additionalModelRequestFields.\(RefusalWords.printable(member.key))")
            }
        }
        for message in reader.field("messages")?.elements ?? [] { readConverseBlocks(message["content"], reader) }
        readConverseBlocks(reader.field("system"), reader)
        var added: Int64 = 0
        for tool in reader.field("toolConfig")?["tools"]?.elements ?? [] {
            added += InputBound.perTool + (added == 0 ? InputBound.toolPrompt : 0)
            for member in tool.members where member.key != "toolSpec" && member.key != "cachePoint" {
                serverTools.append(
                    reader.text(member.value["name"]).map(RefusalWords.printable) ?? RefusalWords.printable(member.key))
            }
        }
        if reader.field("outputConfig") != nil { added += InputBound.structuredOutput }
        cacheWrite = Self.cacheWrite(root, named: "cachePoint", body: reader.body)
        textTokensBound += Int64(reader.body.count) + Self.normalisationGrowth(reader.body) + InputBound.fixed + added
    }

    private mutating func readConverseBlocks(_ blocks: JSONNode?, _ reader: BodyReader) {
        for member in (blocks?.elements ?? []).flatMap(\.members) {
            switch member.key {
            case "text", "cachePoint", "reasoningContent", "json", "searchResult": break
            case "toolUse" where member.value["type"] == nil: break
            case "toolResult" where member.value["type"] == nil: readConverseBlocks(member.value["content"], reader)
            case "image":
                let bytes = member.value["source"]?["bytes"]
                countImage(bytes, isInline: bytes?.isString == true)
            default:
                binaryParts += 1
                if member.value["source"]?["s3Location"] != nil { serverTools.append("file_reference") }
                unpriced.append("content block '\(RefusalWords.printable(member.key))'")
            }
        }
    }
}
