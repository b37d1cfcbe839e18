// AWSSignature: AWS Signature Version 4 (AWS' "Create a signed AWS API request"), read from a request and made anew with
// other keys. Pure: SHA-256 and HMAC are passed in.

/// What a request's `Authorization` says of its signature, the signature itself left out: nobody here can check it.
public struct AWSSignature: Sendable, Hashable {
    public static let algorithm = "AWS4-HMAC-SHA256"

    public let keyID: String
    /// `YYYYMMDD`, region and service, as signed.
    public let date, region, service: String
    /// In lower case, as listed.
    public let signedHeaders: [String]

    public enum Fault: Error, Sendable, Hashable {
        case algorithm, malformed
    }

    /// The value of an `Authorization` header; nil: of another scheme.
    public static func read(_ value: some StringProtocol) throws(Fault) -> AWSSignature? {
        guard value.hasPrefix("AWS4-") else { return nil }
        guard let space = value.firstIndex(of: " "), value[..<space] == algorithm else { throw .algorithm }
        var fields: [Substring: Substring] = [:]
        for part in value[space...].split(separator: ",") {
            let text = Substring(part).drop { $0 == " " }
            guard let equals = text.firstIndex(of: "="), fields[text[..<equals]] == nil else { throw .malformed }
            fields[text[..<equals]] = text[text.index(after: equals)...]
        }
        guard let scope = fields["Credential"]?.split(separator: "/", omittingEmptySubsequences: false), scope.count == 5,
            scope[4] == "aws4_request", scope.allSatisfy({ !$0.isEmpty }), fields["Signature"] != nil,
            let names = fields["SignedHeaders"]?.split(separator: ";"), !names.isEmpty,
            scope[1].utf8.count == 8, scope[1].utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { throw .malformed }
        return AWSSignature(
            keyID: String(scope[0]), date: String(scope[1]), region: String(scope[2]), service: String(scope[3]),
            signedHeaders: names.map { $0.lowercased() })
    }

    public init(keyID: String, date: String, region: String, service: String, signedHeaders: [String]) {
        self.keyID = keyID
        self.date = date
        self.region = region
        self.service = service
        self.signedHeaders = signedHeaders
    }

    /// `20261121/us-east-1/bedrock/aws4_request`.
    var scope: String { "\(date)/\(region)/\(service)/aws4_request" }
}

/// A request as it is signed. The headers are those that leave, `host` among them.
public struct AWSRequest: Sendable, Hashable {
    public var method: String
    /// As on the wire: path and query.
    public var target: String
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]

    public init(method: String, target: String, headers: [(name: String, value: String)], body: [UInt8]) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }

    public static func == (a: Self, b: Self) -> Bool {
        a.method == b.method && a.target == b.target && a.body == b.body && a.headers.elementsEqual(b.headers, by: ==)
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(target) }

    public typealias Hash = (_ bytes: [UInt8]) -> [UInt8]
    public typealias MAC = (_ key: [UInt8], _ bytes: [UInt8]) -> [UInt8]

    /// Why it cannot be signed anew.
    public enum Fault: Error, Sendable, Hashable {
        /// The body is signed piece by piece as it is sent (`STREAMING-…`).
        case streamed
        /// No `x-amz-date`, or not one of the scope's day.
        case date
        /// Bytes of the target that may be read in two ways.
        case target
        /// What the agent signed and does not leave would change what the request does.
        case header
    }

    private static let telling: Set<String> = [
        "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "range", "content-md5",
    ]
    /// Made anew, or not at all, with the keys.
    private static let ofKeys: Set<String> = ["x-amz-security-token", "x-amz-content-sha256"]

    /// Whether `sign` will make a signature that holds.
    public func check(_ signature: AWSSignature) throws(Fault) {
        if let hash = header("x-amz-content-sha256"), hash.hasPrefix("STREAMING-") { throw .streamed }
        guard let time = header("x-amz-date"), Self.isTime(time), time.hasPrefix(signature.date) else { throw .date }
        guard Self.query(target) != nil else { throw .target }
        let signed = signature.signedHeaders.filter { Self.telling.contains($0) || $0.hasPrefix("x-amz-") }
        guard signed.allSatisfy({ Self.ofKeys.contains($0) || header($0) != nil }) else { throw .header }
    }

    /// The value of `Authorization`. Of the headers that the agent signed those are signed that are still there, with the ones
    /// that AWS demands.
    /// - Parameters:
    ///   - keyID: the real one, in place of the signature's.
    ///   - signingKey: ``signingKey(seeded:_:mac:)`` of the same scope.
    public func authorization(
        _ signature: AWSSignature, keyID: String, signingKey: [UInt8], hash: Hash, mac: MAC
    ) -> String {
        let names = self.names(signature)
        let text = stringToSign(signature, names: names, hash: hash)
        let sum = Self.hex(mac(signingKey, Array(text.utf8)))
        return "\(AWSSignature.algorithm) Credential=\(keyID)/\(signature.scope), SignedHeaders=\(names.joined(separator: ";")), "
            + "Signature=\(sum)"
    }

    /// The key of one day, region and service.
    /// - Parameter seeded: `AWS4` and the secret access key.
    public static func signingKey(seeded: [UInt8], _ signature: AWSSignature, mac: MAC) -> [UInt8] {
        [signature.date, signature.region, signature.service, "aws4_request"].reduce(seeded) { mac($0, Array($1.utf8)) }
    }

    func stringToSign(_ signature: AWSSignature, names: [String], hash: Hash) -> String {
        let canonical = canonicalRequest(signature, names: names, hash: hash)
        return [
            AWSSignature.algorithm, header("x-amz-date") ?? "", signature.scope, Self.hex(hash(Array(canonical.utf8))),
        ].joined(separator: "\n")
    }

    func canonicalRequest(_ signature: AWSSignature, names: [String], hash: Hash) -> String {
        let lines = names.map { name in
            let values = headers.filter { $0.name.lowercased() == name }.map { Self.folded($0.value) }
            return "\(name):\(values.joined(separator: ","))\n"
        }
        return [
            method, Self.path(target, service: signature.service), Self.query(target) ?? "", lines.joined(),
            names.joined(separator: ";"), Self.hex(hash(body)),
        ].joined(separator: "\n")
    }

    /// What is signed: in order, each once.
    func names(_ signature: AWSSignature) -> [String] {
        let present = Set(headers.map { $0.name.lowercased() })
        let wanted = Set(signature.signedHeaders).union(["host"]).union(present.filter { $0.hasPrefix("x-amz-") })
        return wanted.intersection(present).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }

    private static let storage: Set<String> = ["s3", "s3-outposts", "s3-object-lambda", "s3express"]

    /// S3 signs the path as it is on the wire; every other service escapes that once more.
    static func path(_ target: String, service: String) -> String {
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
        if storage.contains(service) { return path.isEmpty ? "/" : String(decoding: path, as: UTF8.self) }
        var segments: [[UInt8]] = []
        for segment in path.split(separator: UInt8(ascii: "/")) {
            if segment.elementsEqual("..".utf8) {
                _ = segments.popLast()
            } else if !segment.elementsEqual(".".utf8) {
                segments.append(Array(segment))
            }
        }
        let joined = segments.map { String(decoding: escaped($0), as: UTF8.self) }.joined(separator: "/")
        let isFolder = path.last == UInt8(ascii: "/") && !segments.isEmpty
        return "/" + joined + (isFolder ? "/" : "")
    }

    /// Pairs in order of name, then value, each escaped anew; nil where a `+` or a broken escape could be read in two ways.
    static func query(_ target: String) -> String? {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return "" }
        var pairs: [([UInt8], [UInt8])] = []
        for part in target.utf8[target.utf8.index(after: mark)...].split(separator: UInt8(ascii: "&")) {
            let equals = part.firstIndex(of: UInt8(ascii: "="))
            guard let name = unescaped(part[..<(equals ?? part.endIndex)]),
                let value = unescaped(equals.map { part[part.index(after: $0)...] } ?? part[part.endIndex...])
            else { return nil }
            pairs.append((escaped(name), escaped(value)))
        }
        pairs.sort { a, b in a.0 == b.0 ? a.1.lexicographicallyPrecedes(b.1) : a.0.lexicographicallyPrecedes(b.0) }
        return pairs.map { String(decoding: $0 + [UInt8(ascii: "=")] + $1, as: UTF8.self) }.joined(separator: "&")
    }

    private static func unescaped(_ text: Substring.UTF8View) -> [UInt8]? {
        var out: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "+") { return nil }
            guard byte == UInt8(ascii: "%") else {
                out.append(byte)
                continue
            }
            let digits = Array(rest.prefix(2))
            guard digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16),
                digits[0] != UInt8(ascii: "+")
            else { return nil }
            out.append(value)
            rest = rest.dropFirst(2)
        }
        return out
    }

    /// RFC 3986's unreserved characters stay; every other byte becomes `%XY` with capital letters.
    private static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        for byte in bytes {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: out.append(byte)
            default:
                let digits = Array("0123456789ABCDEF".utf8)
                out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return out
    }

    /// Without spaces at the ends, and one for each run of them.
    private static func folded(_ value: String) -> String { value.split(separator: " ").joined(separator: " ") }

    private static func isTime(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.count == 16 && bytes[8] == UInt8(ascii: "T") && bytes[15] == UInt8(ascii: "Z")
            && bytes.indices.allSatisfy { $0 == 8 || $0 == 15 || (0x30...0x39).contains(bytes[$0]) }
    }

    public static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
