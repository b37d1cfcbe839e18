// Signed notes, checkpoints and envelopes against published vectors.

import Audit
import Crypto
import Events
import Testing
import Vocabulary

let ed25519: SignatureCheck = { key, message, signature in
    guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: key) else { return false }
    return key.isValidSignature(signature, for: message)
}

@Suite struct NoteTests {
    /// The example of the documentation of Go's golang.org/x/mod/sumdb/note.
    static let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    static let note = """
        If you think cryptography is the answer to your problem,
        then you don't know what your problem is.

        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=

        """

    @Test func aNoteOfAnotherImplementationVerifies() throws {
        let key = try #require(NoteKey(vkey: Self.vkey, sha256: sha256))
        #expect(key.vkey == Self.vkey)
        let note = try SignedNote(parsing: Array(Self.note.utf8))
        #expect(try note.verified(by: [key], ed25519) == key)
        #expect(throws: SignedNote.Failure.noTrustedKey) { try note.verified(by: [], ed25519) }
        let changed = try SignedNote(parsing: Array(Self.note.replacing("problem is", with: "problem Is").utf8))
        #expect(throws: SignedNote.Failure.badSignature(key: "PeterNeumann")) { try changed.verified(by: [key], ed25519) }
    }

    @Test(arguments: [
        "", "a", "a\n", "a\n\n", "\n\u{2014} k AAAAAAA=\n", "a\n\n- k AAAAAAA=\n", "a\n\n\u{2014} k AAAAAA\n",
        "a\n\n\u{2014} k AAAAAAA=", "a\u{1}\n\n\u{2014} k AAAAAAA=\n",
    ])
    func malformedNotesAreRefused(text: String) {
        #expect(throws: SignedNote.Failure.malformed) { try SignedNote(parsing: Array(text.utf8)) }
    }

    @Test(arguments: [
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "PeterNeumann+c74f20a3", "a b+c74f20a3+AR==",
    ])
    func keysWhoseHashIsNotTheirOwnAreRefused(text: String) { #expect(NoteKey(vkey: text, sha256: sha256) == nil) }

    @Test func checkpointsRoundTrip() throws {
        let root = try #require(TreeHash(hex: MerkleTests.roots[3]))
        let checkpoint = Checkpoint(origin: "akios/0123/s", size: 3, root: root)
        #expect(checkpoint.body == "akios/0123/s\n3\nrra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=\n")
        #expect(Checkpoint(body: checkpoint.body) == checkpoint)
        for bad in [
            "o\n03\nAA==\n", "o\n3\nAA==\n", "o\n-3\n\(Base64.encode(root.bytes))\n", "\n3\n\(Base64.encode(root.bytes))\n",
            "o\n3\n\(Base64.encode(root.bytes))",
        ] {
            #expect(Checkpoint(body: bad) == nil)
        }
    }

    @Test func base64TakesOnlyWhatItWrites() {
        for (plain, coded) in [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            #expect(Base64.encode(Array(plain.utf8)) == coded)
            #expect(Base64.decode(coded) == Array(plain.utf8))
        }
        for bad in ["Zg", "Zg=", "Zh==", "Zm9=", "Z", "Zg==\n", "Zg==Zg==", "Z-_v"] { #expect(Base64.decode(bad) == nil) }
    }

    @Test func preAuthenticationEncodingIsTheSpecifications() {
        // From the DSSE protocol's own test vector.
        let encoded = DSSE.preAuthenticationEncoding(type: "http://example.com/HelloWorld", payload: Array("hello world".utf8))
        #expect(String(decoding: encoded, as: UTF8.self) == "DSSEv1 29 http://example.com/HelloWorld 11 hello world")
    }

    @Test func envelopesOpenOnlyForTheirSigner() throws {
        let secret = Curve25519.Signing.PrivateKey()
        let key = try #require(NoteKey(name: "akios/1", publicKey: Array(secret.publicKey.rawRepresentation), sha256: sha256))
        let other = try #require(
            NoteKey(name: "akios/2", publicKey: Array(Curve25519.Signing.PrivateKey().publicKey.rawRepresentation), sha256: sha256))
        let envelope = try #require(
            DSSE.envelope(type: "t", payload: [1, 2, 3], key: key) { (try? secret.signature(for: $0)).map { Array($0) } })
        #expect(try DSSE.open(envelope, type: "t", keys: [other, key], check: ed25519) == [1, 2, 3])
        #expect(throws: DSSE.Failure.noTrustedKey) { try DSSE.open(envelope, type: "t", keys: [other], check: ed25519) }
        #expect(throws: DSSE.Failure.malformed) { try DSSE.open(envelope, type: "u", keys: [key], check: ed25519) }
        let forged = Array(String(decoding: envelope, as: UTF8.self).replacing("AQID", with: "AQIE").utf8)
        #expect(throws: DSSE.Failure.badSignature) { try DSSE.open(forged, type: "t", keys: [key], check: ed25519) }
    }
}
