// The session's certificates, as strict verifiers want them, and the address in a leaf.

import FoundationEssentials
import NIOSSL
import SwiftASN1
import Testing
import Vocabulary
import X509

@testable import Egress

@Suite struct AuthorityTests {
    private func certificate(_ leaf: LeafSubject, of authority: SessionAuthority) throws -> Certificate {
        try Certificate(derEncoded: Array(authority.leaf(for: leaf).toDERBytes()))
    }

    @Test func theAuthorityIsWhatAStrictVerifierAsksFor() throws {
        let authority = try SessionAuthority()
        let certificate = try Certificate(pemEncoded: String(decoding: authority.pem, as: UTF8.self))
        let extensions = certificate.extensions
        #expect(extensions[oid: .X509ExtensionID.basicConstraints]?.critical == true)
        #expect(try extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
        #expect(try extensions.keyUsage?.keyCertSign == true)
        #expect(try extensions.subjectKeyIdentifier != nil && extensions.authorityKeyIdentifier?.keyIdentifier != nil)
        #expect(certificate.notValidAfter.timeIntervalSince(certificate.notValidBefore) > 86_400)
        let other = try SessionAuthority()
        #expect(other.pem != authority.pem)
    }

    @Test func aLeafHasExactlyOneNameAndChainsUp() throws {
        let authority = try SessionAuthority()
        let root = try Certificate(pemEncoded: String(decoding: authority.pem, as: UTF8.self))
        let name = try #require(HostName("api.openai.com"))
        let leaf = try certificate(.name(name), of: authority)
        #expect(try Array(leaf.extensions.subjectAlternativeNames ?? SubjectAlternativeNames([])) == [.dnsName("api.openai.com")])
        #expect(root.publicKey.isValidSignature(leaf.signature, for: leaf))
        #expect(try leaf.extensions.authorityKeyIdentifier?.keyIdentifier == root.extensions.subjectKeyIdentifier?.keyIdentifier)
        #expect(leaf.serialNumber != (try certificate(.name(name), of: authority)).serialNumber)
        let address = try certificate(.address(.v4(0x5db8_d822)), of: authority)
        let expected = GeneralName.ipAddress(ASN1OctetString(contentBytes: [0x5d, 0xb8, 0xd8, 0x22]))
        #expect(try Array(address.extensions.subjectAlternativeNames ?? SubjectAlternativeNames([])) == [expected])
    }

    @Test func aNameTooLongForACommonNameIsStillInTheLeaf() throws {
        let authority = try SessionAuthority()
        let long = try #require(HostName(String(repeating: "a.", count: 40) + "example"))
        let leaf = try certificate(.name(long), of: authority)
        #expect(try Array(leaf.extensions.subjectAlternativeNames ?? SubjectAlternativeNames([])) == [.dnsName(long.text)])
    }
}
