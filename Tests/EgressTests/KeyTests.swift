// The broker's keys: in the places of a login only, on their own hosts only, and never back to the agent.

import Coding
import Events
import Glibc
import JSONBytes
import NIOCore
import NIOHPACK
import NIOHTTP1
import Profile
import Providers
import Testing
import Vocabulary
import WebSocketFrames
import Wire

@testable import Egress

@Suite struct KeyTests {
    private func secret(_ number: Int, _ value: String, _ host: String) throws -> TestKey {
        TestKey(variable: "KEY_\(number)", placeholder: "sk-akios-\(number)", value: value, hosts: [try #require(HostName(host))])
    }

    @Test func aKeyThatIsEchoedDoesNotReachTheAgent() throws {
        let value = "real/key-0123456789"
        let harness = try Harness(secrets: [secret(1, value, "files.example"), secret(2, value, Harness.openai)]) { request in
            guard request.head.uri != "/pieces" else {
                return .init(["see rea", "l/k", "ey-0123456789 end rea"], type: "text/plain", isChunked: true)
            }
            let echo = request.head.headers["authorization"].joined()
            let body = #"{"error":{"message":"bad key: \#(echo), \#(echo.replacing("/", with: "\\/"))"}}"#
            guard request.head.uri != "/coded" else {
                let coded = (try? Encoder.encode(Array(body.utf8), .gzip)) ?? []
                return .init(bytes: [coded], headers: [("content-encoding", "gzip")])
            }
            return .init([body], status: .unauthorized, headers: [("x-echo", echo)])
        }
        defer { harness.end() }
        func get(_ path: String) throws -> String {
            try harness.exchange(
                "files.example",
                "GET \(path) HTTP/1.1\r\nhost: files.example\r\naccept-encoding: gzip\r\nauthorization: Bearer sk-akios-1\r\n\r\n")
        }
        let plain = try get("/whole")
        #expect(harness.upstream.requests.first?.head.headers["authorization"] == ["Bearer \(value)"])
        #expect(harness.upstream.requests.first?.head.headers["accept-encoding"] == ["identity"])
        #expect(Answer.status(plain) == 401 && plain.contains("bad key: Bearer ***") && !plain.contains("0123456789"))
        #expect(Answer.dechunked(try get("/pieces")) == "see \(String(repeating: "*", count: value.utf8.count)) end rea")
        let model = try harness.exchange(
            Harness.openai,
            ProxyTests.post(
                "/v1/chat/completions", host: Harness.openai, #"{"model":"gpt-4o","messages":[],"max_tokens":5}"#, headers: ""))
        #expect(Answer.status(model) == 401 && !model.contains("0123456789"))
        let coded = try get("/coded")
        #expect(Answer.status(coded) == 200 && Answer.dechunked(coded).contains("bad key: Bearer ***"))
        #expect(!coded.contains("0123456789"))
        #expect(harness.supervisor.violation == nil)
    }

    private func mask(_ keys: String...) throws -> KeyMask? {
        try KeyMask(keys.map { UnsafeRawBufferPointer(start: strdup($0), count: $0.utf8.count) })
    }

    @Test func aMaskGivesTheSameForEveryChunking() throws {
        let text = Array("ab abcabcab-key/1 abcabcabcab-key/1 abcabcab-key\\/1 abcabcab-key/ abc".utf8)
        let whole = try #require(try mask("abcabcab-key/1", "short"))
        var once = whole
        var expected = once.feed(ByteBuffer(bytes: text))
        expected.writeImmutableBuffer(once.finish())
        let stars = { (count: Int) in String(repeating: "*", count: count) }
        #expect(String(buffer: expected) == "ab \(stars(14)) abc\(stars(14)) \(stars(15)) abcabcab-key/ abc")
        for first in 0...text.count {
            for second in stride(from: first, through: text.count, by: 3) {
                var mask = whole
                var out = ByteBuffer()
                for piece in [text[..<first], text[first..<second], text[second...]] {
                    out.writeImmutableBuffer(mask.feed(ByteBuffer(bytes: piece)))
                }
                out.writeImmutableBuffer(mask.finish())
                #expect(out == expected)
            }
        }
        var cut = whole
        #expect(cut.feed(ByteBuffer(string: "bad key abcabcab-ke")) == ByteBuffer(string: "bad key "))
        #expect(cut.finish() == ByteBuffer(string: stars(11)))
        // No text at all: every other byte stays what it is.
        #expect(
            whole.masked(ByteBuffer(bytes: [0xff, 0xc3] + Array("abcabcab-key/1".utf8) + [0x80]))
                == ByteBuffer(bytes: [0xff, 0xc3] + Array(stars(14).utf8) + [0x80]))
    }

    @Test func twoCredentialsOfOneHost() throws {
        let harness = try Harness(secrets: [secret(1, "one", "files.example"), secret(2, "two", "files.example")]) { _ in
            .init(["{}"])
        }
        defer { harness.end() }
        for number in 1...2 {
            _ = try harness.exchange(
                "files.example", "GET /x HTTP/1.1\r\nhost: files.example\r\nprivate-token: sk-akios-\(number)\r\n\r\n")
        }
        #expect(harness.upstream.requests.map { $0.head.headers["private-token"] } == [["one"], ["two"]])
    }

    /// A server shows a User-Agent to others: a key belongs where a login stands.
    @Test func aPlaceholderOutsideALoginIsRefused() throws {
        let harness = try Harness(secrets: [secret(1, "one", "files.example"), secret(2, "two", Harness.openai)]) { _ in
            .init([ProxyTests.completion])
        }
        defer { harness.end() }
        let asked = "GET /x HTTP/1.1\r\nhost: files.example\r\nuser-agent: sk-akios-1\r\n\r\n"
        #expect(Answer.status(try harness.exchange("files.example", asked)) == 403)
        let model = ProxyTests.post(
            "/v1/chat/completions", host: Harness.openai, #"{"model":"gpt-4o","messages":[],"max_tokens":5}"#,
            headers: "user-agent: sk-akios-2\r\n")
        #expect(Answer.status(try harness.exchange(Harness.openai, model)) == 400)
        #expect(harness.upstream.requests.isEmpty)
    }

    @Test func theSameKeyInAnotherSpellingIsNotASecondOne() throws {
        let harness = try Harness { _ in .init([ProxyTests.completion]) }
        defer { harness.end() }
        func ask(_ headers: String) throws -> Int {
            Answer.status(
                try harness.exchange(
                    Harness.openai,
                    ProxyTests.post(
                        "/v1/chat/completions", host: Harness.openai, #"{"model":"gpt-4o","messages":[],"max_tokens":5}"#,
                        headers: headers)))
        }
        #expect(try ask("authorization: Bearer k1\r\n") == 200)
        #expect(try ask("Authorization: bearer k2\r\n") == 400)
        #expect(try ask("x-api-key: k2\r\n") == 400)
        #expect(try ask("authorization: Bearer k1\r\nx-api-key: k2\r\n") == 400)
        #expect(try ask("authorization: Bearer k1\r\nauthorization: Bearer k2\r\n") == 400)
        #expect(harness.upstream.requests.count == 1)
    }

    /// In every place that a credential is read from, two of them are one too many.
    @Test(arguments: [
        "api-key: k2\r\n", "x-goog-api-key: k2\r\n", "X_Api_Key: k2\r\n", "authorization: Basic dTpwYXNz\r\n",
        "ocp-apim-subscription-key: k2\r\n",
        "authorization: AWS4-HMAC-SHA256 Credential=AKIATWO/20261121/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0\r\n",
    ]) func aForeignKeyIsRefusedWhereverItStands(_ header: String) throws {
        let harness = try Harness { _ in .init([ProxyTests.completion]) }
        defer { harness.end() }
        func ask(_ headers: String, path: String = "/v1/chat/completions") throws -> Int {
            Answer.status(
                try harness.exchange(
                    Harness.openai,
                    ProxyTests.post(
                        path, host: Harness.openai, #"{"model":"gpt-4o","messages":[],"max_tokens":5}"#, headers: headers)))
        }
        #expect(try ask("authorization: Bearer k1\r\ncookie: session=abc\r\n") == 200)
        #expect(harness.upstream.requests.first?.head.headers["cookie"] == [])
        #expect(try ask(header) == 400)
        #expect(try ask("authorization: Bearer k1\r\n", path: "/v1/chat/completions?access_token=k2") == 400)
        #expect(try ask("x-api-key: k1\r\n") == 200)
        #expect(harness.upstream.requests.count == 2)
    }

    @Test func aBasicLoginIsTakenApart() throws {
        let harness = try Harness(secrets: [secret(1, "real-password", "files.example")]) { request in
            .init(["you sent \(request.head.headers["authorization"].joined())"], type: "text/plain")
        }
        defer { harness.end() }
        for login in ["sk-akios-1:", "user:sk-akios-1"] {
            let text = try harness.exchange(
                "files.example",
                "GET /x HTTP/1.1\r\nhost: files.example\r\nauthorization: basic \(Base64.encode(Array(login.utf8)))\r\n\r\n")
            let real = Base64.encode(Array(login.replacing("sk-akios-1", with: "real-password").utf8))
            #expect(harness.upstream.requests.last?.head.headers["authorization"] == ["Basic \(real)"])
            // In base64 too: what is left at its ends are letters of the user's name and the padding.
            #expect(Answer.body(text).contains("you sent Basic ") && !Answer.body(text).contains(real.dropFirst(7).prefix(12)))
        }
        let stray = "GET /x HTTP/1.1\r\nhost: files.example\r\nx-info: Basic \(Base64.encode(Array("u:sk-akios-1".utf8)))\r\n\r\n"
        #expect(Answer.status(try harness.exchange("files.example", stray)) == 403)
        #expect(harness.upstream.requests.count == 2)
    }

    @Test func aCredentialHasItsOwnPlace() throws {
        var header = try secret(1, "value-in-header", "files.example")
        header.header = "x-plain"
        var query = try secret(2, "value/in query".replacing(" ", with: "+"), "files.example")
        query.query = "token"
        let harness = try Harness(secrets: [header, query]) { request in .init([request.head.uri], type: "text/plain") }
        defer { harness.end() }
        func get(_ target: String, _ headers: String = "") throws -> String {
            try harness.exchange("files.example", "GET \(target) HTTP/1.1\r\nhost: files.example\r\n\(headers)\r\n")
        }
        #expect(Answer.status(try get("/x", "X-Plain: sk-akios-1\r\n")) == 200)
        #expect(harness.upstream.requests.last?.head.headers["x-plain"] == ["value-in-header"])
        let echoed = try get("/x?a=1&token=sk%2Dakios-2&b=2")
        #expect(harness.upstream.requests.last?.head.uri == "/x?a=1&token=value%2Fin%2Bquery&b=2")
        #expect(Answer.status(echoed) == 200 && !echoed.contains("query") && echoed.contains("/x?a=1&token=***"))
        let log = try #require(harness.supervisor.waitForRecords(.requestIntent, count: 2))
        #expect(log.map { $0["credential"]?.stringValue } == ["KEY_1", "KEY_2"] && log.last?["path"]?.stringValue == "/x")
        for (target, headers) in [
            ("/x", "authorization: Bearer sk-akios-1\r\n"), ("/x?token=sk-akios-1", ""), ("/x?key=sk-akios-2", ""),
            ("/x", "x-plain: sk-akios-2\r\n"), ("/sk-akios-2", ""), ("/%73k-akios-1?a=b", ""), ("/x?sk-akios-1=token", ""),
            ("/x", "cookie: a=sk-akios-2\r\n"),
        ] { #expect(Answer.status(try get(target, headers)) == 403, "\(target) \(headers)") }
        #expect(harness.upstream.requests.count == 2)
    }

    @Test func aGeminiKeyOfTheQueryLeavesInTheHeader() throws {
        let host = "generativelanguage.googleapis.com"
        let answer = #"{"candidates":[{"content":{"parts":[{"text":"hello"}]},"index":0}],"usageMetadata":{"promptTokenCount":4}}"#
        let placeholder = "AIza" + String(repeating: "p", count: 35)
        let key = TestKey(
            variable: "GEMINI_API_KEY", placeholder: placeholder, value: "AIza" + String(repeating: "R", count: 35),
            hosts: [try #require(HostName(host))])
        let harness = try Harness(
            {
                $0.providers = [ProviderGrant(id: .gemini)]
                $0.budget.unknownModel = .allow
                $0.budget.perCallMaxTokens = 50
            }, secrets: [key]
        ) { _ in .init([answer]) }
        defer { harness.end() }
        let body = #"{"contents":[{"parts":[{"text":"hi"}]}]}"#
        let path = "/v1beta/models/gemini-2.5-flash:generateContent"
        for target in ["?key=\(placeholder)", "?key=\(placeholder)&$alt=json", "?x=1&key=\(placeholder)"] {
            #expect(Answer.status(try harness.exchange(host, ProxyTests.post(path + target, host: host, body, headers: ""))) == 200)
        }
        #expect(harness.upstream.requests.map(\.head.uri) == [path, path + "?$alt=json", path + "?x=1"])
        #expect(harness.upstream.requests.allSatisfy { $0.head.headers["x-goog-api-key"] == [key.value] })
        let foreign = ProxyTests.post(path + "?key=AIza" + String(repeating: "F", count: 35), host: host, body, headers: "")
        #expect(Answer.status(try harness.exchange(host, foreign)) == 403)
        let beside = ProxyTests.post(path + "?key=FOREIGN,\(placeholder)", host: host, body, headers: "")
        #expect(Answer.status(try harness.exchange(host, beside)) == 403)
        #expect(harness.upstream.requests.count == 3)
    }

    @Test func aSignatureIsMadeAnew() throws {
        let host = "bedrock-runtime.us-east-1.amazonaws.com"
        let name = try #require(HostName(host))
        let usage = #"{"output":{"message":{"content":[{"text":"hello"}]}},"usage":{"inputTokens":4,"outputTokens":2}}"#
        let keys = [
            TestKey(variable: "AWS_ACCESS_KEY_ID", placeholder: "AKIAPLACEHOLDER2345A", value: "AKIDEXAMPLE", hosts: [name]),
            TestKey(
                variable: "AWS_SECRET_ACCESS_KEY", placeholder: String(repeating: "s", count: 40),
                value: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", hosts: [name]),
            TestKey(variable: "AWS_SESSION_TOKEN", placeholder: "IQoPLACEHOLDER", value: "SESSION/TOKEN==", hosts: [name]),
        ]
        let harness = try Harness(
            {
                $0.providers = [ProviderGrant(id: .bedrock)]
                $0.budget.unknownModel = .allow
                $0.budget.perCallMaxTokens = 50
            }, secrets: keys
        ) { _ in .init([usage]) }
        defer { harness.end() }
        let signed = { (id: String, more: String) in
            "authorization: AWS4-HMAC-SHA256 Credential=\(id)/20261121/us-east-1/bedrock/aws4_request, "
                + "SignedHeaders=content-type;host;user-agent;x-amz-date;x-amz-security-token, Signature=00\r\n"
                + "user-agent: Boto3\r\n\(more)"
        }
        let path = "/model/amazon.nova-lite-v1%3A0/converse"
        let body = #"{"messages":[{"role":"user","content":[{"text":"mail a.b@corp.example"}]}]}"#
        func ask(_ id: String, _ more: String, target: String = "") throws -> Int {
            Answer.status(try harness.exchange(host, ProxyTests.post(path + target, host: host, body, headers: signed(id, more))))
        }
        let date = "x-amz-date: 20261121T101112Z\r\n"
        #expect(
            try ask("AKIAPLACEHOLDER2345A", date + "x-amz-security-token: IQoPLACEHOLDER\r\nx-amz-content-sha256: 00\r\n") == 200)
        let seen = try #require(harness.upstream.requests.first)
        let authorization = try #require(seen.head.headers.first(name: "authorization"))
        #expect(seen.head.headers["x-amz-security-token"] == ["SESSION/TOKEN=="])
        #expect(!String(decoding: seen.body, as: UTF8.self).contains("corp"), "the body is redacted, and signed after that")
        // As the service checks it: from what arrived.
        let read = try #require(try AWSSignature.read(authorization))
        #expect(read.keyID == "AKIDEXAMPLE")
        #expect(
            read.signedHeaders == [
                "content-type", "host", "user-agent", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token",
            ])
        let again = AWSRequest(
            method: "POST", target: seen.head.uri, headers: seen.head.headers.map { ($0.name, $0.value) }, body: Array(seen.body))
        let key = AWSRequest.signingKey(seeded: Array("AWS4\(keys[1].value)".utf8), read, mac: KeyRing.mac)
        #expect(
            again.authorization(read, keyID: "AKIDEXAMPLE", signingKey: key, hash: KeyRing.hash, mac: KeyRing.mac)
                == authorization)

        #expect(try ask("AKIAOTHER", date) == 403, "a foreign key")
        #expect(try ask("AKIAPLACEHOLDER2345A", date + "x-amz-security-token: foreign\r\n") == 403)
        #expect(try ask("AKIAPLACEHOLDER2345A", "") == 403, "no date")
        #expect(try ask("AKIAPLACEHOLDER2345A", date + "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n") == 403)
        #expect(
            try ask("AKIAPLACEHOLDER2345A", date, target: "?X-Amz-Credential=AKIAPLACEHOLDER2345A%2F20261121&X-Amz-Signature=0")
                == 403)
        #expect(try ask("AKIAPLACEHOLDER2345A", date + "x-note: \(keys[1].placeholder)\r\n") == 403)
        #expect(harness.upstream.requests.count == 1)
    }

    /// In the spellings of URLs, JSON and base64, in names, trailers and redirects.
    @Test func anEchoIsMaskedInEverySpelling() throws {
        let value = "real/key+0123=89"
        let escaped = "real%2Fkey%2B0123%3D89"
        let spellings = [
            value, escaped, escaped.lowercased(), #"real\/key+0123=89"#, "real/key\\u002b0123\\u003d89",
            Base64.encode(Array(value.utf8)),
        ]
        let harness = try Harness(secrets: [secret(1, value, "files.example")]) { request in
            guard let spelling = spellings.indices.first(where: { request.head.uri == "/\($0)" }) else {
                return .init(
                    ["x"], status: .found, headers: [("location", "https://evil.example/?k=\(escaped)"), ("x-\(escaped)", "1")])
            }
            return .init(["<\(spellings[spelling])>"], type: "text/plain")
        }
        defer { harness.end() }
        func get(_ path: String) throws -> String {
            try harness.exchange("files.example", "GET \(path) HTTP/1.1\r\nhost: files.example\r\n\r\n")
        }
        for index in spellings.indices {
            let body = Answer.body(try get("/\(index)"))
            #expect(body.hasPrefix("<***") && !body.contains("key"), "\(spellings[index]): \(body)")
        }
        let redirect = try get("/redirect")
        #expect(Answer.status(redirect) == 302 && redirect.contains("https://evil.example/?k=***") && !redirect.contains("0123"))
    }

    @Test func aTrailerAndAMessageAreMaskedToo() throws {
        let value = "real-key-0123456789"
        let host = try #require(HostName("files.example"))
        let harness = try Harness(
            {
                $0.network.allow = [
                    .init(
                        host: .exact(host), methods: ["GET", "WEBSOCKET"], paths: ["/**"], namesPaths: true, redactInbound: .none)
                ]
            }, secrets: [secret(1, value, "files.example")]
        ) { request in
            if request.head.uri == "/socket" { return Upstream.Answer(socket: true) }
            var answer = Upstream.Answer(["x"], type: "text/plain", isChunked: true)
            answer.trailers = [("grpc-message", "no such key: \(value)")]
            return answer
        }
        defer { harness.end() }
        let client = try harness.connectHTTP2("files.example")
        let answer = try client.get("files.example", "/t", [("te", "trailers")]).wait()
        #expect(answer.trailers?.first(name: "grpc-message") == "no such key: " + String(repeating: "*", count: value.utf8.count))
        client.close()
        let socket = try harness.connect("files.example")
        // The host says it again; compressed on its side.
        var writer = WebSocketWriter(as: .client, deflate: nil) { 0x1234_5678 }
        let head =
            "GET /socket HTTP/1.1\r\nhost: files.example\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            + "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
        socket.send(Array(head.utf8) + (try writer.text(Array("my \(value)".utf8))))
        socket.wait { $0.contains("you said: my ") }
        #expect(harness.upstream.socketTexts == ["my \(value)"])
        #expect(socket.text.contains("you said: my *****") && !socket.text.contains("0123456789"))
        socket.close()
    }
}
