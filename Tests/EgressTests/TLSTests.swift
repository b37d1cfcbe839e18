// TLS at both ends: what agents may bring in their first flight, the versions of either side, and hosts that ask for a client
// certificate.

import Events
import JSONBytes
import NIOCore
import NIOSSL
import Profile
import Testing
import Vocabulary

@testable import Egress

@Suite struct TLSTests {
    private static let host = "files.example"
    private static let get = "GET /x HTTP/1.1\r\nhost: files.example\r\n\r\n"

    @Test(arguments: [TLSVersion.tlsv12, .tlsv13]) func agentsOfOneVersionAreServed(_ version: TLSVersion) throws {
        let harness = try Harness { _ in .init(["{}"]) }
        defer { harness.end() }
        let client = try harness.connect(Self.host) { tls in
            tls.minimumTLSVersion = version
            tls.maximumTLSVersion = version
        }
        client.send(Self.get)
        #expect(Answer.status(client.wait(Answer.isWhole)) == 200)
        client.close()
    }

    @Test(arguments: [TLSVersion.tlsv12, .tlsv13]) func hostsOfOneVersionAreAsked(_ version: TLSVersion) throws {
        let upstream = try RawUpstream(Self.host, .http1 { _ in .answer(RawUpstream.ok) }) { tls in
            tls.minimumTLSVersion = version
            tls.maximumTLSVersion = version
        }
        defer { upstream.end() }
        let harness = try Self.harness(upstream)
        defer { harness.end() }
        #expect(Answer.status(try harness.exchange(Self.host, Self.get)) == 200)
    }

    /// Cut anywhere: TCP keeps no borders.
    @Test(arguments: [1, 600, 1400]) func aFirstFlightInPiecesWithAnEncryptedHelloIsAnswered(_ cut: Int) throws {
        let harness = try Harness { _ in .init(["{}"]) }
        defer { harness.end() }
        let client = try harness.raw(Self.host)
        let hello = ClientHelloTests.hello(Array(Self.host.utf8), fragment: 700, more: ClientHelloTests.modern())
        client.send(Array(hello[..<cut]))
        client.send(Array(hello[cut...]))
        client.wait { $0.utf8.count > 5 }
        let answer = client.bytes
        // A handshake record with a ServerHello: neither an alert nor a close.
        #expect(answer.count > 6 && answer[0] == 22 && answer[5] == 2, "\(answer.prefix(8))")
        #expect(harness.supervisor.records(.connectionRefused).isEmpty)
        client.close()
    }

    private static func harness(_ upstream: RawUpstream) throws -> Harness {
        let files = try #require(HostName(host))
        let port = upstream.port
        return try Harness(
            { $0.network.resolve[files] = .init(address: .v4(0x7f00_0001), port: port) }, roots: upstream.roots
        ) { _ in .init(["{}"]) }
    }

    @Test(arguments: [TLSVersion.tlsv12, .tlsv13]) func aHostThatWantsAClientCertificateIsNamed(_ version: TLSVersion) throws {
        let authority = try SessionAuthority()
        let upstream = try RawUpstream(Self.host, .http1 { _ in .answer(RawUpstream.ok) }) { tls in
            tls.minimumTLSVersion = version
            tls.maximumTLSVersion = version
            tls.certificateVerification = .noHostnameVerification
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authority.pem))
        }
        defer { upstream.end() }
        let harness = try Self.harness(upstream)
        defer { harness.end() }
        let text = try harness.exchange(Self.host, Self.get)
        #expect(Answer.status(text) == 502 && text.contains("asked for a client certificate, which is not supported"), "\(text)")
        let outcome = try #require(harness.supervisor.waitForRecords(.requestOutcome, count: 1)?.first)
        #expect(outcome["code"]?.stringValue == "client_certificate")
        #expect(upstream.requests == 0)
    }

    @Test(arguments: [TLSVersion.tlsv12, .tlsv13]) func aHostThatCanDoWithoutIsServed(_ version: TLSVersion) throws {
        let authority = try SessionAuthority()
        let upstream = try RawUpstream(Self.host, .http1 { _ in .answer(RawUpstream.ok) }) { tls in
            tls.minimumTLSVersion = version
            tls.maximumTLSVersion = version
            tls.certificateVerification = .optionalVerification
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authority.pem))
        }
        defer { upstream.end() }
        let harness = try Self.harness(upstream)
        defer { harness.end() }
        #expect(Answer.status(try harness.exchange(Self.host, Self.get)) == 200)
    }
}
