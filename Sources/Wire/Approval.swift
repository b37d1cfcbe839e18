// Approval: what an operator is shown of a request that waits for a yes, as egress writes it. Its texts are partly the agent's:
// cut and cleaned by egress, and looked at again here, because egress may be the agent's by then.

public import Vocabulary

/// One request that an operator is asked about. Nothing in it is a secret or a matched value.
public struct ApprovalQuestion: Sendable, Hashable {
    /// As rules call it: a WebSocket is `WEBSOCKET`.
    public var method: String
    public var host: String
    public var port: UInt16
    /// Without its query, redacted and cut.
    public var path: String
    public var contentType: String
    /// Of the body as it would leave.
    public var bytes: UInt64
    /// Of everything that would leave, under a key that only this session's egress has: the same request has the same one,
    /// and nobody can try what was in it.
    public var digest: [UInt8]
    /// Of method, host, port and the exact path without its query, under the same key.
    public var scope: [UInt8]
    public var risk: Risk
    /// Why it is asked, for the operator.
    public var reason: String
    /// The granting rules, as the profile has them.
    public var rule: String

    public static let digestSize = 32
    /// Most bytes of each text.
    public static let limits = (method: 100, host: 255, path: 1024, contentType: 128, reason: 128, rule: 1024)

    public init(
        method: String, host: String, port: UInt16, path: String, contentType: String, bytes: UInt64, digest: [UInt8],
        scope: [UInt8],
        risk: Risk, reason: String, rule: String
    ) {
        self.method = method
        self.host = host
        self.port = port
        self.path = path
        self.contentType = contentType
        self.bytes = bytes
        self.digest = digest
        self.scope = scope
        self.risk = risk
        self.reason = reason
        self.rule = rule
    }

    /// `text` as a question may hold it: what steers a terminal is `?`, and it ends after at most `limit` bytes.
    public static func clean(_ text: String, limit: Int) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            let next = isPlain(scalar) ? Character(scalar) : "?"
            guard out.utf8.count + next.utf8.count <= limit else { break }
            out.append(next)
        }
        return out
    }

    /// Printable ASCII, and the marks that stand for what was redacted.
    static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        (0x20..<0x7f).contains(scalar.value) || scalar == "\u{ab}" || scalar == "\u{bb}"
    }
}

extension FrameWriter {
    mutating func put(_ question: ApprovalQuestion) {
        put(question.method)
        put(question.host)
        put(UInt32(question.port))
        put(question.path)
        put(question.contentType)
        put(question.bytes)
        put(question.digest)
        put(question.scope)
        put(question.risk.rawValue)
        put(question.reason)
        put(question.rule)
    }
}

extension FrameReader {
    mutating func question() throws(WireError) -> ApprovalQuestion {
        let most = ApprovalQuestion.limits
        let method = try plainText(most.method)
        let host = try plainText(most.host)
        guard let port = UInt16(exactly: try u32()) else { throw .unknownCode }
        let path = try plainText(most.path)
        let contentType = try plainText(most.contentType)
        let bytes = try u64()
        guard bytes <= WireLimits.maxCount else { throw .unknownCode }
        let (digest, scope) = (try byteString(), try byteString())
        guard digest.count == ApprovalQuestion.digestSize, scope.count == ApprovalQuestion.digestSize else { throw .unknownCode }
        guard let risk = Risk(rawValue: try text()) else { throw .unknownCode }
        return ApprovalQuestion(
            method: method, host: host, port: port, path: path, contentType: contentType, bytes: bytes, digest: digest,
            scope: scope,
            risk: risk, reason: try plainText(most.reason), rule: try plainText(most.rule))
    }

    /// Text that is shown to a person.
    mutating func plainText(_ limit: Int) throws(WireError) -> String {
        let text = try text()
        guard text.utf8.count <= limit, text.unicodeScalars.allSatisfy(ApprovalQuestion.isPlain) else { throw .badText }
        return text
    }
}
