// Inspector: what is scanned in a request and in an answer, and as what. The engine finds; here stands what a finding
// means. Whatever cannot be scanned is refused, never passed.

import JSONBytes
import NIOHTTP1
import Policy
import Profile
import Providers
import Redaction
import Vocabulary

struct Inspector: Sendable {
    private let engine: Engine
    private let mode: PIIHandling.Mode
    /// Most bytes of an answer that is scanned as a whole.
    private let answerLimit: Int

    init(engine: Engine, mode: PIIHandling.Mode, answerLimit: Int = 32 << 20) {
        self.engine = engine
        self.mode = mode
        self.answerLimit = answerLimit
    }

    // MARK: Requests

    /// A URL is never altered, so a finding in it blocks the request (in mode `detect` it is only counted).
    func checkTarget(_ target: String, grant: RequestGrant, words: RefusalWords, findings: inout [String: UInt64]) throws(Refusal) {
        let found: [Finding]
        do throws(ScanError) {
            found = try engine.scanURL(target).filter { grant.redactOutbound == .all || $0.category == .secrets }
        } catch { throw Self.failed(error, words) }
        guard !found.isEmpty else { return }
        Self.add(found, to: &findings)
        guard mode != .detect else { return }
        let types = Set(found.map(\.type)).sorted().joined(separator: ", ")
        throw words.refusal(
            .sensitiveURL, reason: "\(types) in the path or query",
            what: "the URL holds sensitive data (\(types)); nothing was sent")
    }

    /// Headers are not altered either: a finding blocks. Those of a login are left out; at a provider only the known ones
    /// are, because there every further key is held to the first.
    func checkHeaders(
        _ headers: HTTPHeaders, grant: RequestGrant, words: RefusalWords, findings: inout [String: UInt64]
    ) throws(Refusal) {
        var text: [UInt8] = []
        text.reserveCapacity(1024)
        for (name, value) in headers {
            let isLogin =
                grant.provider == nil ? HeaderRules.isLogin(name) : KeyPlaces.carries(header: name) || name.lowercased() == "cookie"
            text += name.utf8
            if !isLogin {
                text += [UInt8(ascii: ":"), UInt8(ascii: " ")]
                text += value.utf8
            }
            text.append(UInt8(ascii: "\n"))
        }
        let scope: Scope = grant.redactOutbound == .all ? .all : .secrets
        var found: [Finding]
        do throws(ScanError) {
            found = try engine.redactText(text, scope: scope).findings
            if text.contains(UInt8(ascii: "%")) {
                found += try engine.scanURL(String(decoding: text, as: UTF8.self)).filter {
                    scope == .all || $0.category == .secrets
                }
            }
        } catch { throw Self.failed(error, words) }
        guard !found.isEmpty else { return }
        Self.add(found, to: &findings)
        guard mode != .detect else { return }
        let types = Self.types(found)
        throw words.refusal(
            .sensitiveData, reason: "\(types) in a header",
            what: "a request header holds sensitive data (\(types)); nothing was sent")
    }

    /// The path for a record: what was found in it is never written down, nor is a path that cannot be read.
    func shownPath(_ target: String) -> String {
        // By bytes: a target is ASCII, and cutting by characters asks Unicode about each.
        let path = String(Substring(target.utf8.prefix { $0 != UInt8(ascii: "?") }))
        do throws(ScanError) {
            let found = try engine.scanURL(path)
            return found.isEmpty ? String(Substring(path.utf8.prefix(512))) : "/«\(Self.types(found))»"
        } catch { return "/«not scanned»" }
    }

    private static func types(_ found: [Finding]) -> String { Set(found.map(\.type)).sorted().joined(separator: ", ") }

    /// The body as it may leave.
    func request(
        _ body: [UInt8], type: ContentType, grant: RequestGrant, words: RefusalWords, findings: inout [String: UInt64]
    ) throws(Refusal) -> [UInt8] {
        let scope: Scope = grant.redactOutbound == .all ? .all : .secrets
        let isModel = grant.operation?.hasModelBody == true
        let type = isModel ? .json : type.refined(by: body)
        if type == .binary || type == .unknown {
            guard grant.binary == .allow else {
                throw words.refusal(
                    .binaryContent, reason: "a body that no scanner can read; pii_handling.binary is block",
                    what: "binary request bodies are not allowed")
            }
            return body
        }
        let redacted: Redacted
        do throws(ScanError) {
            switch type {
            case .json: redacted = try engine.redactJSON(body, scope: scope, filter: Self.filter(grant))
            case .form: redacted = try engine.redactForm(body, scope: scope)
            default: redacted = try engine.redactText(body, scope: scope)
            }
        } catch { throw Self.failed(error, words) }
        if type != .json { try refuseEscaped(redacted.body, scope: scope, words: words, findings: &findings) }
        guard !redacted.findings.isEmpty else { return body }
        Self.add(redacted.findings, to: &findings)
        if mode == .block {
            let types = Set(redacted.findings.map(\.type)).sorted().joined(separator: ", ")
            throw words.refusal(
                .sensitiveData, reason: "\(types) in the body; pii_handling.mode is block",
                what: "the request holds sensitive data (\(types)); nothing was sent")
        }
        // Of what must not be altered only thinking is free text, which the provider wrote itself: secrets apart it passes.
        if mode != .detect,
            let kept = redacted.findings.first(where: { $0.kept && ($0.category == .secrets || !$0.pointer.hasSuffix("/thinking")) }
            )
        {
            throw words.refusal(
                .sensitiveData, reason: "\(kept.type) in a field that must not be altered",
                what: "the request holds sensitive data (\(kept.type)) in a field that cannot be redacted; nothing was sent")
        }
        return redacted.body
    }

    /// Which fields of a body must reach its host unaltered.
    private static func filter(_ grant: RequestGrant) -> LeafFilter {
        switch grant.operation {
        case _ where grant.provider == nil: .none
        case .responses, .compactResponse, .countResponseTokens: .responses
        case .generateContent, .streamGenerateContent, .countContentTokens: .gemini
        case .converse, .converseStream: .converse
        case .ollamaChat, .ollamaGenerate: .ollama
        default: .providers
        }
    }

    /// JSON in a text that is not JSON as a whole (lines of it, a part of a form) is not spliced; what its escapes hide blocks.
    private func refuseEscaped(
        _ text: [UInt8], scope: Scope, words: RefusalWords, findings: inout [String: UInt64]
    ) throws(Refusal) {
        guard mode != .detect, zip(text, text.dropFirst()).contains(where: { $0 == UInt8(ascii: "\\") && $1 == UInt8(ascii: "u") })
        else { return }
        let found: [Finding]
        do throws(ScanError) { found = try engine.scanEscaped(text, scope: scope) } catch { throw Self.failed(error, words) }
        guard !found.isEmpty else { return }
        Self.add(found, to: &findings)
        throw words.refusal(
            .sensitiveData, reason: "\(Self.types(found)) behind escapes in a body that is not JSON",
            what: "the request holds sensitive data (\(Self.types(found))) behind escapes; nothing was sent")
    }

    // MARK: Answers

    func answer(_ plan: AnswerPlan, type: ContentType, isError: Bool) -> any AnswerFilter {
        switch plan {
        case .pass: return PassingAnswer()
        case .scan(let scope):
            switch type {
            case .json:
                return WholeAnswer(limit: answerLimit) { body throws(AnswerFailure) in try scanned(body, scope, filter: .none) }
            case .text, .form, .events, .unknown: return TextAnswer(engine, scope: scope)
            case .binary: return PassingAnswer()
            }
        case .model(let call):
            let streams = type == .events || type != .json && call.operation.framing(call.provider) != .events
            if streams, !isError { return EventAnswer(call, redactors: call.redacts ? StreamRedactors(engine) : nil) }
            return WholeAnswer(limit: answerLimit) { body throws(AnswerFailure) in
                if isError { return call.redacts ? try scanned(body, .all, filter: .providers) : .init(body: body) }
                return try modelAnswer(body, call)
            }
        }
    }

    /// One message of a WebSocket on its way to the agent.
    func message(_ text: [UInt8], grant: RequestGrant, findings: inout [String: UInt64]) throws(AnswerFailure) -> [UInt8] {
        guard grant.redactInbound != .none, !text.isEmpty else { return text }
        let result = try scanned(text, grant.redactInbound == .all ? .all : .secrets, filter: .none)
        findings.merge(result.findings) { $0 + $1 }
        return result.body
    }

    private func scanned(_ body: [UInt8], _ scope: Scope, filter: LeafFilter) throws(AnswerFailure) -> WholeAnswer.Result {
        do throws(ScanError) {
            var redacted: Redacted
            do throws(ScanError) { redacted = try engine.redactJSON(body, scope: scope, filter: filter) } catch {
                // Says JSON and is none: read as text all the same.
                guard case .malformed = error else { throw error }
                redacted = try engine.redactText(body, scope: scope)
            }
            var findings: [String: UInt64] = [:]
            Self.add(redacted.findings.filter { !$0.kept }, to: &findings)
            return .init(body: redacted.body, findings: findings)
        } catch {
            throw AnswerFailure(code: .scannerFailed, reason: "\(error)")
        }
    }

    /// A plain answer of a model: its words redacted, of tool arguments secrets only.
    private func modelAnswer(_ body: [UInt8], _ call: ModelCall) throws(AnswerFailure) -> WholeAnswer.Result {
        guard call.redacts else {
            return .init(body: body, usage: UsageReader.read(call.operation, provider: call.provider, body: body))
        }
        guard let (texts, ownEdits, usage) = AnswerText.find(call.operation, provider: call.provider, body: body) else {
            throw AnswerFailure(code: .malformed, reason: "the answer is not the provider's JSON")
        }
        var edits = ownEdits
        var findings: [String: UInt64] = [:]
        for text in texts {
            let redacted: Redacted
            do throws(ScanError) {
                redacted = try engine.redactText(Array(text.text.utf8), scope: text.isToolArguments ? .secrets : .all)
            } catch { throw AnswerFailure(code: .scannerFailed, reason: "\(error)") }
            guard !redacted.findings.isEmpty else { continue }
            Self.add(redacted.findings, to: &findings)
            if mode != .detect {
                edits.append(BodyEdit(text.range, [UInt8(ascii: "\"")] + JSONString.escape(redacted.body) + [UInt8(ascii: "\"")]))
            }
        }
        guard let changed = BodyEdit.apply(edits, to: body) else {
            throw AnswerFailure(code: .malformed, reason: "the answer could not be rewritten")
        }
        return .init(body: changed, usage: usage, findings: findings)
    }

    private static func failed(_ error: ScanError, _ words: RefusalWords) -> Refusal {
        if case .malformed(let why) = error {
            return words.refusal(.strictJSON, reason: why, what: "the request body is not strict JSON; nothing was sent")
        }
        return words.refusal(
            .scannerFailed, reason: "\(error)", what: "the request could not be scanned, so it was not sent")
    }

    static func add(_ found: [Finding], to findings: inout [String: UInt64]) {
        for finding in found { findings[finding.type, default: 0] += 1 }
    }
}
