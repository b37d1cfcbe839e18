// Signed notes (C2SP signed-note): a text, a blank line, and lines `— name base64(key id + signature)`.

import Vocabulary

/// Checks an Ed25519 signature: public key, message, signature.
public typealias SignatureCheck = @Sendable (_ publicKey: [UInt8], _ message: [UInt8], _ signature: [UInt8]) -> Bool

/// A public key as notes name it: `name+hash+base64(0x01 || key)`, the format of Go's `note` package.
public struct NoteKey: Sendable, Hashable {
    /// Signature type of Ed25519 in C2SP signed-note.
    public static let ed25519: UInt8 = 1

    public let name: String
    /// 32 bytes.
    public let publicKey: [UInt8]
    public let id: UInt32

    /// Nil when the name is empty or holds spaces or `+`, or the key is not 32 bytes.
    public init?(name: String, publicKey: [UInt8], sha256: SHA256Function) {
        guard Self.isName(name), publicKey.count == 32 else { return nil }
        self.name = name
        self.publicKey = publicKey
        // SHA-256(name || 0x0A || type || key), its first four bytes.
        let input = Array(name.utf8) + [0x0a, Self.ed25519] + publicKey
        id = sha256(input.span.bytes).bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Reads a vkey; the hash in it must be the key's own.
    public init?(vkey: some StringProtocol, sha256: SHA256Function) {
        let parts = vkey.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64.decode(parts[2]), bytes.first == Self.ed25519 else { return nil }
        self.init(name: String(parts[0]), publicKey: Array(bytes.dropFirst()), sha256: sha256)
        guard parts[1] == idText else { return nil }
    }

    /// Eight hexadecimal digits.
    public var idText: String { Hex.text(idBytes) }

    public var vkey: String { "\(name)+\(idText)+" + Base64.encode([Self.ed25519] + publicKey) }

    var idBytes: [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: id >> UInt32($0)) } }

    static func isName(_ name: some StringProtocol) -> Bool {
        !name.isEmpty && name.unicodeScalars.allSatisfy { $0.value > 0x20 && $0 != "+" && !$0.properties.isWhitespace }
    }
}

/// A note taken apart, not yet believed.
public struct SignedNote: Sendable, Hashable {
    public struct Signature: Sendable, Hashable {
        public var name: String
        public var id: UInt32
        public var bytes: [UInt8]
    }

    /// With its last newline: the bytes that are signed.
    public var text: String
    public var signatures: [Signature]

    /// What a person needs to read of a note that does not parse.
    public enum Failure: Error, Sendable, Hashable { case malformed, noTrustedKey, badSignature(key: String) }

    public init(parsing bytes: [UInt8]) throws(Failure) {
        // A note is small: the limit keeps a planted file from costing memory. Same bound as Go's package.
        guard bytes.count <= 1_000_000, let all = String(validating: bytes, as: UTF8.self),
            all.unicodeScalars.allSatisfy({ $0.value >= 0x20 || $0 == "\n" })
        else { throw .malformed }
        // The last blank line ends the text: the text itself may hold blank lines.
        let lines = all.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.last == "", let blank = lines.dropLast().lastIndex(of: ""), blank > 0 else { throw .malformed }
        text = lines[..<blank].joined(separator: "\n") + "\n"
        signatures = []
        for line in lines[(blank + 1)..<(lines.count - 1)] {
            let parts = line.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0] == "\u{2014}", NoteKey.isName(parts[1]), let blob = Base64.decode(parts[2]),
                blob.count > 4
            else { throw .malformed }
            let id = blob.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            signatures.append(Signature(name: String(parts[1]), id: id, bytes: Array(blob.dropFirst(4))))
        }
        guard !signatures.isEmpty, signatures.count <= 100 else { throw .malformed }
    }

    /// The first trusted key that signed. Signatures by unknown keys are ignored; a wrong one by a known key is fatal.
    public func verified(by keys: [NoteKey], _ check: SignatureCheck) throws(Failure) -> NoteKey {
        var found: NoteKey?
        for signature in signatures {
            guard let key = keys.first(where: { $0.name == signature.name && $0.id == signature.id }) else { continue }
            guard signature.bytes.count == 64, check(key.publicKey, Array(text.utf8), signature.bytes) else {
                throw .badSignature(key: key.name)
            }
            if found == nil { found = key }
        }
        guard let found else { throw .noTrustedKey }
        return found
    }

    /// The bytes of a note with one signature over `text`, which must end in a newline.
    public static func bytes(text: String, key: NoteKey, signature: [UInt8]) -> [UInt8] {
        Array("\(text)\n\u{2014} \(key.name) \(Base64.encode(key.idBytes + signature))\n".utf8)
    }
}
