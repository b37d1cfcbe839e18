// AWSSignatureTests: against the first vector of AWS' published suite, and against what botocore 1.44 signs for the same
// requests, keys and time.

import Crypto
import Testing

@testable import Providers

struct AWSSignatureTests {
    struct Case: Sendable {
        var method = "POST"
        var target: String
        var headers: [(name: String, value: String)]
        var body = ""
        var signature: AWSSignature
        var wanted: String
    }

    private static func signature(
        _ region: String, _ service: String, _ names: String, date: String = "20261121"
    ) -> AWSSignature {
        AWSSignature(
            keyID: "PLACEHOLDER", date: date, region: region, service: service,
            signedHeaders: names.split(separator: ";").map(String.init))
    }

    private static let now = ("x-amz-date", "20261121T101112Z")

    static let cases: [Case] = [
        Case(
            method: "GET", target: "/", headers: [("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
            signature: signature("us-east-1", "service", "host;x-amz-date", date: "20150830"),
            wanted: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        Case(
            target: "/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse",
            headers: [
                ("host", "bedrock-runtime.us-east-1.amazonaws.com"), ("Content-Type", "application/json"), ("X-Long", "  a   b  "),
                ("accept-encoding", "identity"), now,
            ], body: #"{"messages":[]}"#,
            signature: signature("us-east-1", "bedrock", "content-type;host;x-amz-date;x-long"),
            wanted: "4c4d3d6569efde6203880e5a0b6219af00ba1cd5a2fb21945a8a49cc61dc2ba0"),
        Case(
            target: "/model/arn%3Aaws%3Abedrock%3Aus-west-2%3A1%3Ainference-profile%2Fus.x/converse-stream",
            headers: [
                ("host", "bedrock-runtime.us-west-2.amazonaws.com"), ("content-type", "application/json"), now,
                ("X-Amz-Security-Token", "SESSION/TOKEN=="),
            ], body: #"{"messages":["é"]}"#,
            signature: signature("us-west-2", "bedrock", "content-type;gone;host;x-amz-date"),
            wanted: "7131becedb88c563b7c514f95077e45cc8a8694dcb2967e38156469f8e476e85"),
        Case(
            method: "GET", target: "/a%20folder//%C3%A9/~x?prefix=a%2Fb%20c&list-type=2&empty=&Flag",
            headers: [
                ("host", "bucket.s3.us-east-1.amazonaws.com"), now,
                ("x-amz-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ],
            signature: signature("us-east-1", "s3", "host;x-amz-content-sha256;x-amz-date"),
            wanted: "32318139d8c2aa0144461bb6bc313db1d30e143138c305836ec6b13d637be5bf"),
        Case(
            target: "/",
            headers: [
                ("host", "sts.us-east-1.amazonaws.com"), ("content-type", "application/x-www-form-urlencoded; charset=utf-8"), now,
            ], body: "Action=GetCallerIdentity&Version=2011-06-15",
            signature: signature("us-east-1", "sts", "content-type;host;x-amz-date"),
            wanted: "1a4c8995d95f413dc976c7198f2c2723770f5659b357acac09ba038d9402234a"),
        Case(
            method: "GET", target: "/x/./y/../z//?b=2&a=2&a=1&~key=v%2B1",
            headers: [("host", "api.example"), now, ("x-amz-security-token", "T")],
            signature: signature("us-east-1", "execute-api", "host;x-amz-date;x-amz-security-token"),
            wanted: "db49f63f6b8b58e6a21fdd06c46052895633527056e0de3016bc2076307ab7cd"),
    ]

    private func mac(_ key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: bytes, using: SymmetricKey(data: key)))
    }

    @Test(arguments: cases.indices) func signsAsTheVendorDoes(_ index: Int) throws {
        let one = Self.cases[index]
        let request = AWSRequest(method: one.method, target: one.target, headers: one.headers, body: Array(one.body.utf8))
        try request.check(one.signature)
        let key = AWSRequest.signingKey(
            seeded: Array("AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".utf8), one.signature, mac: mac)
        let made = request.authorization(
            one.signature, keyID: "AKIDEXAMPLE", signingKey: key, hash: { Array(SHA256.hash(data: $0)) }, mac: mac)
        #expect(
            made.hasSuffix("Signature=" + one.wanted),
            "\(request.canonicalRequest(one.signature, names: request.names(one.signature), hash: { _ in [] }))")
        // What was made can be read, and says whose it is.
        let read = try #require(try AWSSignature.read(made))
        #expect(read.keyID == "AKIDEXAMPLE" && read.service == one.signature.service && !read.signedHeaders.contains("gone"))
    }

    @Test(arguments: [
        "AWS4-ECDSA-P256-SHA256 Credential=K/20261121/bedrock/aws4_request, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=K/20261121/us-east-1/bedrock, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=K/2026112x/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=K/20261121/us-east-1/bedrock/aws4_request, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=K/20261121//bedrock/aws4_request, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=K/20261121/a/b/aws4_request, Credential=L/20261121/a/b/aws4_request, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 SignedHeaders=host", "AWS4-HMAC-SHA256",
    ]) func whatCannotBeReadIsAFault(_ value: String) {
        #expect(throws: AWSSignature.Fault.self) { try AWSSignature.read(value) }
    }

    @Test func anotherSchemeIsNone() throws {
        #expect(try AWSSignature.read("Bearer AWS4-HMAC-SHA256 x") == nil)
    }

    @Test(arguments: [
        ([now, ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")], "/", AWSRequest.Fault.streamed),
        ([now, ("X-Amz-Content-SHA256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")], "/", .streamed),
        ([], "/", .date), ([("x-amz-date", "20261122T000000Z")], "/", .date), ([("x-amz-date", "20261121")], "/", .date),
        ([now], "/?a=1+2", .target), ([now], "/?a=%4", .target), ([now], "/?a=%+1", .target),
    ]) func whatCannotBeSignedAnewIsAFault(
        _ headers: [(name: String, value: String)], _ target: String, _ wanted: AWSRequest.Fault
    ) {
        let request = AWSRequest(method: "GET", target: target, headers: headers, body: [])
        let fault = #expect(throws: AWSRequest.Fault.self) { try request.check(Self.signature("us-east-1", "s3", "host")) }
        #expect(fault == wanted)
    }
}

struct AWSHeaderTests {
    private func signature(_ names: [String], service: String = "s3") -> AWSSignature {
        AWSSignature(keyID: "K", date: "20261121", region: "us-east-1", service: service, signedHeaders: names)
    }

    /// Signed anew without its condition, a write would overwrite what it was not to.
    @Test(arguments: [
        "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "range", "content-md5", "x-amz-acl",
    ]) func aHeaderThatTellsMayNotBeLost(_ name: String) throws {
        var request = AWSRequest(method: "PUT", target: "/", headers: [("x-amz-date", "20261121T101112Z")], body: [])
        let fault = #expect(throws: AWSRequest.Fault.self) { try request.check(signature(["host", name])) }
        #expect(fault == .header)
        request.headers.append((name.uppercased(), "x"))
        try request.check(signature(["host", name]))
        try request.check(signature(["host", "accept-encoding", "x-amz-security-token", "x-amz-content-sha256"]))
    }

    @Test func everyKindOfS3SignsThePathAsItIs() {
        for service in ["s3", "s3-outposts", "s3-object-lambda", "s3express"] {
            #expect(AWSRequest.path("/a%20b//../c?x", service: service) == "/a%20b//../c")
        }
        #expect(AWSRequest.path("/a%20b", service: "bedrock") == "/a%2520b")
    }
}

struct PlaceholderTests {
    private func made(_ variable: String) -> String {
        var generator = SystemRandomNumberGenerator()
        return PlaceholderShape(variable: variable).make { UInt8.random(in: 0...255, using: &generator) }
    }

    @Test(arguments: [
        ("OPENAI_API_KEY", "sk-proj-", 56), ("ANTHROPIC_API_KEY", "sk-ant-api03-", 108), ("GEMINI_API_KEY", "AIza", 39),
        ("AWS_ACCESS_KEY_ID", "AKIA", 20), ("AWS_SECRET_ACCESS_KEY", "", 40), ("XAI_API_KEY", "xai-", 84),
        ("SOMEBODYS_KEY", "akios-placeholder-", 50),
    ]) func hasTheVendorsShape(_ variable: String, _ prefix: String, _ length: Int) {
        let first = made(variable)
        #expect(first.hasPrefix(prefix) && first.utf8.count == length)
        #expect(first.dropFirst(prefix.count).allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
        #expect(first != made(variable))
    }

    @Test func everyLetterIsAsLikely() {
        var byte: UInt8 = 255
        // Bytes that would favour the first letters are left out: 62 letters, so 248 to 255.
        let text = PlaceholderShape(variable: "MISTRAL_API_KEY").make {
            byte &+= 1
            return byte < 8 ? byte &+ 248 : byte
        }
        #expect(text.hasPrefix("IJKLMNOP"))
    }
}
