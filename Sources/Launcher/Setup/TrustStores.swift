// TrustStores: what the cage's trust stores hold: the host's roots, so that a corporate one stays trusted, and the session's
// authority. The host's part is made while egress still starts.

import CagePlan
import Crypto

struct TrustStores {
    private let stores: [TrustStore]
    private let roots: [UInt8]
    private let java: JavaKeyStore?

    /// - Parameter roots: the host's, PEM.
    init(_ stores: [TrustStore], roots: [UInt8]) {
        self.stores = stores
        self.roots = roots
        java = stores.contains(.java) ? JavaKeyStore(PEM.certificates(in: roots)) : nil
    }

    /// In the order of slots.
    func contents(authority pem: [UInt8]) -> [[UInt8]] {
        stores.map { store in
            switch store {
            case .bundle: roots + [0x0a] + pem
            case .java: java?.bytes(adding: PEM.certificates(in: pem)) ?? []
            }
        }
    }
}

/// A key store of trusted certificates in Java's own format, JKS version 2, which every Java reads, also where PKCS#12 is
/// asked for (`keystore.type.compat`). Its password is the customary `changeit`; most readers give none.
struct JavaKeyStore {
    private var entries: [UInt8] = []
    private var count = 0

    init(_ certificates: [[UInt8]]) {
        entries.reserveCapacity(certificates.reduce(0) { $0 + $1.count + 48 })
        for certificate in certificates { append(certificate) }
    }

    private mutating func append(_ der: [UInt8]) {
        count += 1
        entries.append(big: 2, bytes: 4)
        entries.append(text: "akios:\(count)")
        // When it was added: unknown.
        entries.append(big: 0, bytes: 8)
        entries.append(text: "X.509")
        entries.append(big: UInt64(der.count), bytes: 4)
        entries += der
    }

    func bytes(adding certificates: [[UInt8]]) -> [UInt8] {
        var whole = self
        for certificate in certificates { whole.append(certificate) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(whole.entries.count + 32)
        bytes.append(big: 0xFEED_FEED, bytes: 4)
        bytes.append(big: 2, bytes: 4)
        bytes.append(big: UInt64(whole.count), bytes: 4)
        bytes += whole.entries
        var hash = Insecure.SHA1()
        // The password in UTF-16, then the words of the format's makers.
        hash.update(data: "changeit".utf8.flatMap { [0, $0] } + Array("Mighty Aphrodite".utf8))
        hash.update(data: bytes)
        return bytes + Array(hash.finalize())
    }
}

extension [UInt8] {
    fileprivate mutating func append(big value: UInt64, bytes: Int) {
        for place in (0..<UInt64(bytes)).reversed() { append(UInt8(truncatingIfNeeded: value >> (8 * place))) }
    }

    /// At most 65535 bytes of ASCII.
    fileprivate mutating func append(text: String) {
        append(big: UInt64(text.utf8.count), bytes: 2)
        self += text.utf8
    }
}
