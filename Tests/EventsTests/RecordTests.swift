// Records: what typed payloads write is what the scanner takes, and the scanner takes nothing else.

import Events
import JSONBytes
import Testing
import Vocabulary

@Suite struct RecordTests {
    static let session = SessionID(at: Timestamp(nanoseconds: 1_795_241_825_000_000_001), random: 42)

    static let payloads: [any EventPayload] = [
        SessionStart(
            profile: "strict", profileDigest: "sha256:00",
            command: .init(program: "/usr/bin/python3", arguments: 3, digest: "sha256:11"),
            tierRequested: .full, tierEnforced: .strong,
            controls: [ControlState(id: "seccomp", required: true, state: .enforced, evidence: "filter of 325 rules \"ok\"\n")],
            versions: ["linux": "6.18", "akios-exec": "0.1.0"], caFingerprint: "sha256:22", hostDigest: "sha256:33",
            loosened: ["a.b"],
            unbrokered: []),
        SessionStop(code: "budget", reason: "per_session.max_cost_usd"),
        SessionEnd(exit: ExitStatus(by: .agent, ran: true, status: 0), totals: SessionTotals()),
        SessionCrashed(reason: "x", tornBytes: 3, tornDigest: "sha256:44"), CheckpointRecord(size: 7, root: "00"),
        RequestIntent(
            id: 1, host: "api.openai.com", port: 443, method: "POST", path: "/v1/caf\u{e9}\u{1F600}", operation: .chatCompletions,
            model: "gpt-4o", reservedCost: Money(nanos: 2_500_000), reservedTokens: 50, redactions: ["SSN": 1, "EMAIL": 2],
            bytes: 10,
            rule: "allowlist[0]", marks: ["unbrokered"]),
        RequestOutcome(
            id: 1, status: 200, bytesIn: 5, model: "gpt-4o", usage: TokenUsage(input: 1, output: 2), cut: "not_sent",
            code: .upstreamProxy, reason: "r", via: "proxy", milliseconds: 3
        ),
        RequestRefused(
            code: .hostNotAllowed, reason: "r", host: "h", port: 443, method: "GET", path: "/", model: "m", findings: ["SSN": 1]),
        ConnectionRefused(code: .rawAddress, reason: "r", host: nil, address: "1.2.3.4", port: 22),
        NameRefused(code: .hostNotAllowed, name: "x"),
        PacketFenced(proto: "udp", destination: "1.1.1.1", port: 53, count: 2),
        SocketRefused(call: "socket", family: "inet", type: "raw", proto: "icmp", count: 2),
        BudgetExceeded(limit: "l", allowed: "1", used: "1", asked: "1", action: "stop"),
        ApprovalRequested(
            id: 1, method: "POST", host: "h", port: 443, path: "/\u{ab}EMAIL\u{bb}", contentType: "text/plain", bytes: 1,
            digest: "hmac-sha256:00", risk: .high, reason: "risk high", rule: "allowlist[0]"),
        ApprovalDecided(id: 1, decision: .approved, how: .operator, digest: "hmac-sha256:00", forSession: true, uid: 1000),
        AlertFailed(way: "syslog", reason: "r"),
    ]

    @Test func everyKindHasAPayloadThatIsCanonicalAndFitsItsSchema() throws {
        #expect(Set(Self.payloads.map(\.kind)) == Set(EventKind.allCases))
        var scanner = RecordScanner()
        for payload in Self.payloads {
            let data = payload.data()
            #expect(try JSONValue.parse(data).canonical() == data, "\(payload.kind)")
            try scanner.data(data.span, kind: payload.kind)
            let line = RecordLine.bytes(
                kind: payload.kind, data: data, seq: 12, session: Self.session, at: Timestamp(nanoseconds: 1))
            #expect(try JSONValue.parse(line).canonical() == line)
            let head = try scanner.line(line.span)
            #expect(head.kind == payload.kind && head.seq == 12 && Array(line[head.data]) == data)
            #expect(String(decoding: line[head.session], as: UTF8.self) == Self.session.text)
        }
    }

    @Test func noRequiredMemberMayBeMissing() throws {
        var scanner = RecordScanner()
        var refused = 0
        for payload in Self.payloads {
            let members = try JSONValue.parse(payload.data()).members ?? []
            for index in members.indices {
                var fewer = members
                fewer.remove(at: index)
                let data = JSONValue.object(fewer).canonical()
                do { try scanner.data(data.span, kind: payload.kind) } catch { refused += 1 }
            }
        }
        // Optional ones: ca_fingerprint, torn_digest, marks, model ×3, operation, cut, code, reason, via, usage, path, findings,
        // content_type, scope, uid.
        #expect(refused == Self.payloads.reduce(0) { $0 + ((try? JSONValue.parse($1.data()))?.members?.count ?? 0) } - 17)
    }

    @Test(arguments: [
        #"{"code":"a","reason":"b" }"#, #"{"code":"a", "reason":"b"}"#, #"{"reason":"b","code":"a"}"#,
        #"{"code":"a","code":"a","reason":"b"}"#,
        #"{"code":"a","n":01,"reason":"b"}"#, #"{"code":"a","n":1.5,"reason":"b"}"#, #"{"code":"a","n":-0,"reason":"b"}"#,
        #"{"code":"a","n":9007199254740992,"reason":"b"}"#, #"{"code":"\u0041","reason":"b"}"#, #"{"code":"\/","reason":"b"}"#,
        #"{"code":"\u000A","reason":"b"}"#, #"{"code":"\u000a","reason":"b"}"#, "{\"code\":\"a\nb\",\"reason\":\"b\"}",
        #"{"code":"a","reason":"b"}x"#,
        #"["code"]"#, "", "{", #"{"code":"a","reason":"b""#, #"{"code":"a","reason":1}"#, #"{"code":"a","n":tru,"reason":"b"}"#,
        #"{"code":"a","reason":"b"},"kind":"session.end","seq":"9""#,
    ])
    func notCanonicalOrNotTheSchemaIsRefused(text: String) {
        var scanner = RecordScanner()
        let data = Array(text.utf8)
        #expect(throws: RecordError.self) { try scanner.data(data.span, kind: .sessionStop) }
    }

    @Test(
        arguments: [
            [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82], [0x80], [0xf0, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func textThatIsNotUTF8IsRefused(bytes: [UInt8]) {
        var scanner = RecordScanner()
        let data = Array(#"{"code":""#.utf8) + bytes + Array(#"","reason":"b"}"#.utf8)
        #expect(throws: RecordError.self) { try scanner.data(data.span, kind: .sessionStop) }
    }

    @Test func keysAscendByUTF16() throws {
        // U+1F600 sorts before U+FB33 by UTF-16, after it by UTF-8.
        var scanner = RecordScanner()
        let data = Array("{\"code\":\"a\",\"reason\":\"b\",\"\u{1F600}\":1,\"\u{FB33}\":2}".utf8)
        #expect(try JSONValue.parse(data).canonical() == data)
        try scanner.data(data.span, kind: .sessionStop)
        let swapped = Array("{\"code\":\"a\",\"reason\":\"b\",\"\u{FB33}\":1,\"\u{1F600}\":2}".utf8)
        #expect(throws: RecordError.self) { try scanner.data(swapped.span, kind: .sessionStop) }
    }

    @Test func sizeAndDepthAreBounded() {
        var scanner = RecordScanner()
        func data(_ filler: Int) -> [UInt8] {
            Array(#"{"code":"","#.utf8) + Array("\"reason\":\"\(String(repeating: "x", count: filler))\"}".utf8)
        }
        let overhead = data(0).count
        #expect(throws: Never.self) { try scanner.data(data(RecordLimits.maxData - overhead).span, kind: .sessionStop) }
        #expect(throws: RecordError.tooLong(RecordLimits.maxData + 1)) {
            try scanner.data(data(RecordLimits.maxData - overhead + 1).span, kind: .sessionStop)
        }
        let deep = Array(
            (#"{"a":"# + String(repeating: "[", count: 40) + String(repeating: "]", count: 40) + #","code":"","reason":""}"#).utf8)
        #expect(throws: RecordError.self) { try scanner.data(deep.span, kind: .sessionStop) }
    }

    @Test func commandArgumentsAreNotInTheRecord() {
        let text = String(decoding: Self.payloads[0].data(), as: UTF8.self)
        #expect(text.contains(#""command":{"arguments":3,"digest":"sha256:11","program":"/usr/bin/python3"}"#))
    }
}
