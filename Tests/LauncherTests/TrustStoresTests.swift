// Contents of the cage's trust stores: certificates found in a bundle, and Java's format byte by byte.

import CagePlan
import Testing

@testable import Launcher

struct TrustStoresTests {
    private func pem(_ base64: String, label: String = "CERTIFICATE", end: String = "\n") -> [UInt8] {
        Array("-----BEGIN \(label)-----\(end)\(base64)\(end)-----END \(label)-----\(end)".utf8)
    }

    @Test func certificatesOfABundle() {
        let bundle =
            Array("# a comment\n".utf8) + pem("AQID\nBAU=") + pem("AQID", label: "TRUSTED CERTIFICATE") + pem("CQk=", end: "\r\n")
            + pem("") + Array("-----BEGIN CERTIFICATE-----\nAQID".utf8)
        #expect(PEM.certificates(in: bundle) == [[1, 2, 3, 4, 5], [9, 9]])
        #expect(PEM.certificates(in: []).isEmpty)
    }

    @Test func fingerprintIsOfTheFirst() {
        // SHA-256 of 01 02 03.
        let wanted = "sha256:039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"
        #expect(PEM.fingerprint(pem("AQID") + pem("CQk=")) == wanted)
        #expect(PEM.fingerprint(Array("none".utf8)) == nil)
    }

    @Test func bundleIsTheHostsRootsAndTheSessions() {
        let stores = TrustStores([.bundle], roots: Array("host".utf8))
        #expect(stores.contents(authority: Array("session".utf8)) == [Array("host\nsession".utf8)])
    }

    @Test func javaStoreHoldsBoth() throws {
        let stores = TrustStores([.bundle, .java], roots: pem("AQID"))
        let store = try #require(stores.contents(authority: pem("CQk=")).last)
        func entry(_ alias: String, _ der: [UInt8]) -> [UInt8] {
            [0, 0, 0, 2, 0, UInt8(alias.utf8.count)] + Array(alias.utf8) + [UInt8](repeating: 0, count: 8) + [0, 5]
                + Array("X.509".utf8) + [0, 0, 0, UInt8(der.count)] + der
        }
        let content = [0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2, 0, 0, 0, 2] + entry("akios:1", [1, 2, 3]) + entry("akios:2", [9, 9])
        #expect(Array(store.dropLast(20)) == content)
        // SHA-1 of the password, the format's words and the content, by another implementation.
        #expect(
            store.suffix(20).map { String($0, radix: 16) }.joined(separator: " ")
                == "4e 68 b3 34 b6 64 37 ff e0 ac c2 58 35 be 9a 56 8b 8 eb d3")
    }
}
