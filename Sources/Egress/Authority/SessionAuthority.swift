// SessionAuthority: the certificate authority of one session. Its key never leaves this process' memory and dies
// with it. Leaves carry exactly one name, so that a client never reuses a connection for another host.

import Crypto
import FoundationEssentials
import NIOCore
import NIOSSL
import SwiftASN1
import Vocabulary
import X509

/// What a leaf is made out to.
enum LeafSubject: Sendable, Hashable {
    case name(HostName)
    case address(IPAddress)

    var text: String {
        switch self {
        case .name(let name): name.text
        case .address(let address): address.description
        }
    }
}

/// The keys of one session's authority: made before its name is known.
struct SessionKeys {
    let authority = P256.Signing.PrivateKey()
    let leaf: P256.Signing.PrivateKey
    let leafForTLS: NIOSSLPrivateKey

    init() throws {
        leaf = P256.Signing.PrivateKey()
        leafForTLS = try NIOSSLPrivateKey(bytes: Array(leaf.derRepresentation), format: .der)
    }
}

final class SessionAuthority: Sendable {
    private let key: P256.Signing.PrivateKey
    private let certificate: Certificate
    private let leafKey: P256.Signing.PrivateKey
    private let leafPrivateKey: NIOSSLPrivateKey
    let pem: [UInt8]

    /// Clocks of agents in containers lag; a certificate from the future is refused by every client.
    private static let backDated: TimeInterval = -86_400
    private static let lifetime: TimeInterval = 30 * 86_400

    convenience init(now: Date = Date()) throws {
        try self.init(keys: SessionKeys(), now: now)
    }

    init(keys: SessionKeys, now: Date = Date()) throws {
        key = keys.authority
        leafKey = keys.leaf
        leafPrivateKey = keys.leafForTLS
        // The same in every session: OpenSSL's folders look for it by a hash of its name, which the cage's plan holds.
        let subject = try DistinguishedName {
            OrganizationName("akios-exec")
            CommonName("akios session authority")
        }
        let publicKey = Certificate.PublicKey(key.publicKey)
        // Python ≥ 3.13 verifies strictly (RFC 5280 §4.2): a CA needs critical basicConstraints, keyUsage and both key identifiers.
        let identifier = SubjectKeyIdentifier(hash: publicKey)
        certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: publicKey,
            notValidBefore: now.addingTimeInterval(Self.backDated), notValidAfter: now.addingTimeInterval(Self.lifetime),
            issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                identifier
                AuthorityKeyIdentifier(keyIdentifier: identifier.keyIdentifier)
            },
            issuerPrivateKey: Certificate.PrivateKey(key))
        pem = try Array(certificate.serializeAsPEM().pemString.utf8) + [UInt8(ascii: "\n")]
    }

    func leaf(for subject: LeafSubject, now: Date = Date()) throws -> NIOSSLCertificate {
        let names: SubjectAlternativeNames
        switch subject {
        case .name(let name): names = SubjectAlternativeNames([.dnsName(name.text)])
        case .address(let address):
            names = SubjectAlternativeNames([.ipAddress(ASN1OctetString(contentBytes: address.networkBytes[...]))])
        }
        // A common name holds at most 64 characters (RFC 5280, ub-common-name); clients read the alternative name anyway.
        let text = subject.text
        let distinguished = try DistinguishedName {
            CommonName(text.utf8.count <= 64 ? text : "akios leaf")
        }
        let publicKey = Certificate.PublicKey(leafKey.publicKey)
        let issuerIdentifier = try certificate.extensions.subjectKeyIdentifier
        let leaf = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: publicKey,
            notValidBefore: now.addingTimeInterval(Self.backDated),
            notValidAfter: now.addingTimeInterval(Self.lifetime + Self.backDated),
            issuer: certificate.subject, subject: distinguished, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectKeyIdentifier(hash: publicKey)
                AuthorityKeyIdentifier(keyIdentifier: issuerIdentifier?.keyIdentifier)
                names
            },
            issuerPrivateKey: Certificate.PrivateKey(key))
        var serializer = DER.Serializer()
        try leaf.serialize(into: &serializer)
        return try NIOSSLCertificate(bytes: serializer.serializedBytes, format: .der)
    }

    /// A TLS server configuration for one subject: TLS 1.2 and later; of `protocols` the first that the client
    /// offers.
    func serverContext(for subject: LeafSubject, protocols: [String] = ["h2", "http/1.1"]) throws -> NIOSSLContext {
        try NIOSSLContext(configuration: serverConfiguration(for: subject, protocols: protocols))
    }

    func serverConfiguration(for subject: LeafSubject, protocols: [String]) throws -> TLSConfiguration {
        let chain = try [
            NIOSSLCertificateSource.certificate(leaf(for: subject)),
            .certificate(NIOSSLCertificate(bytes: pem, format: .pem)),
        ]
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(leafPrivateKey))
        configuration.applicationProtocols = protocols
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = .seconds(2)
        return configuration
    }
}

extension IPAddress {
    /// 4 or 16 bytes in network order.
    var networkBytes: [UInt8] {
        switch self {
        case .v4(let value): stride(from: UInt32(24), through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
        case .v6(let high, let low):
            [high, low].flatMap { half in stride(from: UInt64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: half >> $0) }
            }
        }
    }
}
