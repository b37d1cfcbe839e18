// The parsers that face the agent: whole, byte by byte, and with everything that must be refused.

import NIOCore
import NIOHTTP1
import Synchronization
import Testing
import Vocabulary

@testable import Egress

@Suite struct RequestReaderTests {
    /// All events of `text`, fed in pieces of `step` bytes, as words.
    static func read(_ text: String, step: Int) throws(RequestFault) -> [String] {
        var reader = RequestReader()
        var words: [String] = []
        var body = ""
        let bytes = Array(text.utf8)
        var at = 0
        while at < bytes.count {
            let end = min(bytes.count, at + step)
            reader.feed(ByteBuffer(bytes: bytes[at..<end]))
            at = end
            while let event = try reader.next() {
                switch event {
                case .head(let head): words.append("\(head.method) \(head.target)")
                case .body(let part): body += String(decoding: part.readableBytesView, as: UTF8.self)
                case .end:
                    words.append("[\(body)]")
                    body = ""
                }
            }
        }
        return words
    }

    @Test(arguments: [1, 2, 3, 7, 64, 10_000])
    func requestsInAnyPieces(step: Int) throws {
        let text =
            "GET /a HTTP/1.1\r\nHost: x.example\r\n\r\nPOST /b?c=1 HTTP/1.1\r\nhost: x.example\r\ncontent-length: 5\r\n\r\nhello"
            + "\r\nPOST /c HTTP/1.1\r\nhost: x.example\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nt: v\r\n\r\n"
            + "HEAD /d HTTP/1.0\r\nhost: x.example\r\n\r\n"
        #expect(
            try Self.read(text, step: step) == ["GET /a", "[]", "POST /b?c=1", "[hello]", "POST /c", "[abcde]", "HEAD /d", "[]"])
    }

    @Test(arguments: [
        "GET / HTTP/1.1\nHost: x\n\n\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\u{0}y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", "garbage\r\n\r\n",
        "GET /\u{7f} HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\na\rb: c\r\n\r\n",
    ])
    func ambiguousRequestsAreRefusedHoweverTheyArrive(text: String) {
        for step in [1, 5, 10_000] {
            #expect(throws: RequestFault.self, "step \(step)") { try Self.read(text, step: step) }
        }
    }

    @Test func aHeadHasOneLimit() {
        let long = "GET / HTTP/1.1\r\nHost: x\r\na: " + String(repeating: "b", count: RequestReader.headLimit) + "\r\n\r\n"
        for step in [1000, 1 << 20] {
            #expect(throws: RequestFault(.requestHeaderFieldsTooLarge, "head over 65536 bytes")) { try Self.read(long, step: step) }
        }
    }
}

@Suite struct ClientHelloTests {
    /// A ClientHello with one server_name entry, over records of at most `fragment` bytes.
    static func hello(_ name: [UInt8]?, fragment: Int = 16_000, more: [UInt8] = []) -> [UInt8] {
        func word(_ value: Int) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }
        var extensions: [UInt8] = [0, 43, 0, 3, 2, 3, 4]
        if let name { extensions += [0, 0] + word(name.count + 5) + word(name.count + 3) + [0] + word(name.count) + name }
        extensions += more
        let body = [3, 3] + [UInt8](repeating: 9, count: 32) + [0, 0, 2, 0x13, 1, 1, 0] + word(extensions.count) + extensions
        let message = [1, 0] + word(body.count) + body
        return stride(from: 0, to: message.count, by: fragment).flatMap { start -> [UInt8] in
            let part = message[start..<min(message.count, start + fragment)]
            return [22, 3, 1] + word(part.count) + part
        }
    }

    @Test(arguments: [1, 3, 16_000]) func theNameHoweverItIsCut(fragment: Int) {
        let bytes = Self.hello(Array("API.openai.com".utf8), fragment: fragment)
        #expect(ClientHello.parse(bytes) == .hello(serverName: HostName("api.openai.com")))
        for length in 0..<bytes.count { #expect(ClientHello.parse(bytes.prefix(length)) == .incomplete, "\(length) bytes") }
    }

    /// encrypted_client_hello as browsers send it without a key (GREASE), and a post-quantum key share.
    static func modern() -> [UInt8] {
        func word(_ value: Int) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }
        let grease =
            [UInt8]([0, 0, 1, 0, 1, 0x17]) + word(32) + [UInt8](repeating: 5, count: 32) + word(208)
            + [UInt8](repeating: 6, count: 208)
        // X25519Kyber768Draft00, which nobody has to know, and X25519 beside it.
        let shares =
            word(0x6399) + word(1216) + [UInt8](repeating: 7, count: 1216) + word(0x1d) + word(32)
            + [UInt8](repeating: 9, count: 32)
        return word(0xfe0d) + word(grease.count) + grease + word(51) + word(shares.count + 2) + word(shares.count) + shares
            + [0, 10, 0, 4, 0, 2, 0, 0x1d, 0, 13, 0, 8, 0, 6, 4, 3, 8, 4, 4, 1]
    }

    @Test(arguments: [7, 300, 700, 16_000]) func aLargeHelloWithAnEncryptedOneInItIsReadByItsOuterName(fragment: Int) {
        let bytes = Self.hello(Array("api.openai.com".utf8), fragment: fragment, more: Self.modern())
        #expect(bytes.count > 1500)
        #expect(ClientHello.parse(bytes) == .hello(serverName: HostName("api.openai.com")))
        for length in stride(from: 0, to: bytes.count, by: 97) {
            #expect(ClientHello.parse(bytes.prefix(length)) == .incomplete, "\(length) bytes")
        }
    }

    @Test func noNameIsNotAnError() { #expect(ClientHello.parse(Self.hello(nil)) == .hello(serverName: nil)) }

    @Test(arguments: ["a\u{0}b.example", "1.2.3.4", "", "a b", "-a.example", "ex..ample"])
    func namesThatAreNone(name: String) {
        guard case .invalid = ClientHello.parse(Self.hello(Array(name.utf8))) else {
            Issue.record("accepted")
            return
        }
    }

    @Test func bentBytesNeverCrash() {
        let good = Self.hello(Array("api.openai.com".utf8))
        var accepted = 0
        for index in good.indices {
            for value in [0, 1, 0x7f, 0x80, 0xff] as [UInt8] {
                var bent = good
                bent[index] = value
                if case .hello = ClientHello.parse(bent) { accepted += 1 }
            }
        }
        // Bytes of the random, for instance, may be anything; lengths and types may not.
        #expect(accepted > 0 && accepted < good.count * 5)
        #expect(ClientHello.parse([UInt8](repeating: 22, count: 20_000)) != .incomplete)
        #expect(ClientHello.parse([22, 3, 1, 0xff, 0xff]) != .incomplete)
    }
}

@Suite struct ResolverTests {
    @Test func aServerOfTheAgentsChoiceIsNamedOnce() {
        let named = Mutex<[IPAddress]>([])
        let names = NameService(onFull: { _ in }, onForeignServer: { address in named.withLock { $0.append(address) } })
        for text in ["127.0.0.1", "8.8.8.8", "8.8.8.8", "::1", "::ffff:8.8.8.8", "2001:4860:4860::8888"] {
            if let address = IPAddress(text) { names.asked(at: address) }
        }
        #expect(named.withLock { $0 } == [IPAddress("8.8.8.8"), IPAddress("2001:4860:4860::8888")])
        for number in 0..<200 { names.asked(at: .v4(0x0101_0100 + UInt32(number))) }
        #expect(named.withLock { $0.count } == 64)
    }

    private func service(_ onFull: @escaping @Sendable (HostName) -> Void = { _ in }) -> NameService { NameService(onFull: onFull) }

    @Test func oneAddressForOneNameForEver() throws {
        let names = service()
        let first = try #require(names.reply(to: DNSPacket.query("api.openai.com", type: 1)))
        #expect(first.prefix(2) == [0, 7] && first[3] & 15 == 0 && first[7] == 1)
        let again = try #require(names.reply(to: DNSPacket.query("API.OpenAI.com", type: 1)))
        #expect(first.suffix(4) == again.suffix(4))
        let other = try #require(names.reply(to: DNSPacket.query("evil.example", type: 1)))
        #expect(other.suffix(4) != first.suffix(4))
        let address = IPAddress.v4(first.suffix(4).reduce(0) { $0 << 8 | UInt32($1) })
        #expect(names.name(for: address)?.text == "api.openai.com")
        #expect(names.name(for: .v4(NameTable.base + 1)) == nil)
        #expect(names.name(for: .v4(NameTable.first + 99)) == nil)
    }

    @Test(arguments: [(28, 0), (65, 0), (64, 0), (16, 0), (12, 0), (255, 4), (252, 4)] as [(UInt16, UInt8)])
    func otherTypesHaveNoData(type: UInt16, code: UInt8) throws {
        let answer = try #require(service().reply(to: DNSPacket.query("api.openai.com", type: type)))
        #expect(answer[3] & 15 == code && answer[7] == 0)
    }

    @Test func localhostIsTheCagesOwn() throws {
        for name in ["localhost", "a.localhost"] {
            #expect(try #require(service().reply(to: DNSPacket.query(name, type: 1))).suffix(4) == [127, 0, 0, 1])
        }
    }

    @Test func aFullTableRefusesAndSaysSoOnce() throws {
        var table = NameTable()
        func question(_ index: Int) throws -> DNSQuestion {
            guard case .question(let question) = DNSMessage.parse(DNSPacket.query("n\(index).example", type: 1)) else {
                throw Harness.Failure(what: "no question")
            }
            return question
        }
        for index in 0..<NameTable.capacity {
            guard case .address = table.answer(try question(index)) else {
                Issue.record("refused \(index)")
                return
            }
        }
        #expect(table.answer(try question(5000)) == .full(isFirst: true))
        #expect(table.answer(try question(5001)) == .full(isFirst: false))
        #expect(table.answer(try question(7)) == .address(NameTable.first + 7))
    }

    @Test func damagedQuestionsGetAnErrorOrSilence() {
        let good = DNSPacket.query("api.openai.com", type: 1)
        for length in 0..<good.count {
            switch DNSMessage.parse(good.prefix(length)) {
            case .ignore: #expect(length < 12)
            case .refuse(_, _, let code): #expect(length >= 12 && code == .formatError)
            case .question: Issue.record("a cut question of \(length) bytes was taken")
            }
        }
        var pointer = good
        pointer[12] = 0xc0
        #expect(DNSMessage.parse(pointer) == .refuse(id: 7, recursionDesired: true, code: .formatError))
        var answer = good
        answer[2] |= 0x80
        #expect(DNSMessage.parse(answer) == .ignore)
        #expect(DNSMessage.parse(good + [0]) == .refuse(id: 7, recursionDesired: true, code: .formatError))
        var chaos = good
        chaos[good.count - 1] = 3
        #expect(DNSMessage.parse(chaos) == .refuse(id: 7, recursionDesired: true, code: .refused))
    }

    /// An A-label that is the encoding of no name would be another name to the next resolver.
    @Test(arguments: [
        ("xn--bcher-kva.example", true), ("xn--a.example", false), ("xn--bcher-kv.example", false), ("xn--ls8h.la", false),
    ])
    func onlyALabelsThatComeBackAreAnswered(_ name: String, _ isAnswered: Bool) throws {
        let names = NameService(onFull: { _ in })
        let answer = try #require(names.reply(to: DNSPacket.query(name, type: 1)))
        #expect((answer[7] == 1) == isAnswered)
        #expect(answer[3] & 15 == (isAnswered ? 0 : 3))
    }

    /// Clients send A-labels; letters as they are would be read in two ways.
    @Test func rawLettersAreNoName() throws {
        #expect(names(ofHello: "bücher.example") == nil)
        let raw = [UInt8("bücher".utf8.count)] + Array("bücher".utf8) + [7] + Array("example".utf8)
        let question = [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + raw + [0, 0, 1, 0, 1]
        let answer = try #require(NameService(onFull: { _ in }).reply(to: question))
        #expect(answer[7] == 0 && answer[3] & 15 == 3)
    }

    private func names(ofHello name: String) -> HostName? {
        if case .hello(let found) = ClientHello.parse(ClientHelloTests.hello(Array(name.utf8))) { found } else { nil }
    }

    @Test func aNameWithANULIsNoName() throws {
        var packet = DNSPacket.query("apixopenai.com", type: 1)
        packet[16] = 0
        let names = service()
        let answer = try #require(names.reply(to: packet))
        #expect(answer[3] & 15 == DNSCode.nameError.rawValue && answer[7] == 0)
        // A dot within a label is not a border between labels.
        packet[16] = UInt8(ascii: ".")
        #expect(try #require(names.reply(to: packet))[7] == 0)
    }
}
