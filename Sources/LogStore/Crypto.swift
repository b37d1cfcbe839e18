// The real SHA-256 and Ed25519 behind the closures that the pure Audit target takes.

public import Audit
import Crypto

public enum AuditCrypto {
    public static let sha256: SHA256Function = { bytes in
        var hasher = SHA256()
        bytes.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        return hasher.finalize().withUnsafeBytes { digest in
            func word(_ at: Int) -> UInt64 { UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: at, as: UInt64.self)) }
            return TreeHash(words: word(0), word(8), word(16), word(24))
        }
    }

    public static func sha256(_ bytes: [UInt8]) -> TreeHash { sha256(bytes.span.bytes) }

    /// `sha256:` and 64 hexadecimal digits, as records name digests.
    public static func digestText(_ bytes: [UInt8]) -> String { "sha256:" + sha256(bytes).hex }

    public static let check: SignatureCheck = { publicKey, message, signature in
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
        return key.isValidSignature(signature, for: message)
    }
}

/// The host's private key. It has no description: nothing prints it.
public struct SigningKey: Sendable {
    public let noteKey: NoteKey
    private let key: Curve25519.Signing.PrivateKey

    /// A new one, from the kernel's generator.
    static func generate() -> (SigningKey, seed: [UInt8])? {
        let key = Curve25519.Signing.PrivateKey()
        let seed = Array(key.rawRepresentation)
        return SigningKey(seed: seed).map { ($0, seed) }
    }

    /// Nil unless there are 32 bytes.
    public init?(seed: [UInt8]) {
        guard seed.count == 32, let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else { return nil }
        let publicKey = Array(key.publicKey.rawRepresentation)
        // The name follows from the key, so two hosts never share one, and no machine id is published.
        let name = "akios/" + String(AuditCrypto.sha256(publicKey).hex.prefix(16))
        guard let noteKey = NoteKey(name: name, publicKey: publicKey, sha256: AuditCrypto.sha256) else { return nil }
        self.noteKey = noteKey
        self.key = key
    }

    /// 64 bytes, or nil when the library fails; then nothing is signed.
    public func sign(_ message: [UInt8]) -> [UInt8]? { (try? key.signature(for: message)).map { Array($0) } }
}

extension SigningKey: CustomStringConvertible, CustomReflectable {
    public var description: String { "SigningKey(\(noteKey.name))" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
