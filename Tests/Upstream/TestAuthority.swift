// A certificate authority that lives as long as the process: its key never touches the disk, its
// certificate is what a test profile names under `trust`.

import Crypto
import FoundationEssentials
import NIOSSL
import SwiftASN1
import X509

struct TestAuthority {
    let caPEM: String
    /// One leaf for all `hosts`, with its key, ready to serve.
    let tls: NIOSSLContext

    init(hosts: [String]) throws {
        let caKey = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let leafKey = P256.Signing.PrivateKey()
        let caName = try DistinguishedName { CommonName("akios test CA") }
        // Back-dated an hour: a VM's clock may be behind the one that made the certificate.
        let start = Date(timeIntervalSinceNow: -3600)
        let end = Date(timeIntervalSinceNow: 5 * 86_400)
        let identifier = SubjectKeyIdentifier(hash: caKey.publicKey)

        let ca = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: caKey.publicKey, notValidBefore: start, notValidAfter: end,
            issuer: caName, subject: caName, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                identifier
            }, issuerPrivateKey: caKey)
        let leaf = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(leafKey.publicKey), notValidBefore: start, notValidAfter: end,
            issuer: caName, subject: try DistinguishedName { CommonName("akios test upstream") },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(hosts.map { .dnsName($0) })
                SubjectKeyIdentifier(hash: Certificate.PublicKey(leafKey.publicKey))
                AuthorityKeyIdentifier(keyIdentifier: identifier.keyIdentifier)
            }, issuerPrivateKey: caKey)

        caPEM = try ca.serializeAsPEM().pemString + "\n"
        var der = DER.Serializer()
        try der.serialize(leaf)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(try NIOSSLCertificate(bytes: der.serializedBytes, format: .der))],
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(leafKey.derRepresentation), format: .der)))
        configuration.applicationProtocols = ["h2", "http/1.1"]
        tls = try NIOSSLContext(configuration: configuration)
    }
}
