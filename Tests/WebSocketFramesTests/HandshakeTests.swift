// The opening handshake: the standard's sum, and permessage-deflate agreed on or not.

import Testing

@testable import WebSocketFrames

@Suite struct HandshakeTests {
    @Test func exampleOfTheStandard() {
        let key = "dGhlIHNhbXBsZSBub25jZQ=="
        #expect(WebSocketHandshake.isKey(key))
        // The hash that RFC 6455 §1.3 gives for what it says is hashed.
        let accept = WebSocketHandshake.accept(key: key) { input in
            input == Array("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)
                ? hex("b37a4f2cc0624f1690f64606cf385945b2bec4ea") : []
        }
        #expect(accept == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        for bad in ["", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZSE=", "!GhlIHNhbXBsZSBub25jZQ=="] {
            #expect(!WebSocketHandshake.isKey(bad), "\(bad)")
        }
    }

    @Test(arguments: [
        ("permessage-deflate", "permessage-deflate"),
        ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
        ("permessage-deflate; client_max_window_bits=10", "permessage-deflate"),
        ("permessage-deflate; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=10"),
        ("permessage-deflate; server_max_window_bits=\"10\"", "permessage-deflate; server_max_window_bits=10"),
        (
            "permessage-deflate;server_max_window_bits=8 ;server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=8"
        ),
        ("permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"),
        ("x-webkit-deflate-frame, permessage-deflate", "permessage-deflate"),
        // The first that can be accepted (RFC 7692 §7.1).
        (
            "permessage-deflate; server_max_window_bits=16, permessage-deflate; server_max_window_bits=12",
            "permessage-deflate; server_max_window_bits=12"
        ),
        ("foo; bar=\"baz\" , , permessage-deflate", "permessage-deflate"),
    ]) func accepts(_ offer: String, _ answer: String) {
        #expect(DeflateAgreement.accepting([offer], keepsContext: true)?.answer == answer)
    }

    @Test(arguments: [
        "", "foo", "permessage-deflate; unknown", "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7", "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010", "permessage-deflate; server_max_window_bits=+9",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover", "permessage-deflate; =1",
        "permessage-deflate; server_max_window_bits=\"10", "permessage-deflate server_no_context_takeover", "permessage-deflate;",
    ]) func declines(_ offer: String) {
        #expect(DeflateAgreement.accepting([offer], keepsContext: true) == nil)
    }

    @Test func ownContextLeftOut() {
        let agreed = DeflateAgreement.accepting(["permessage-deflate"], keepsContext: false)
        #expect(agreed?.answer == "permessage-deflate; server_no_context_takeover")
        #expect(agreed?[.server].keepsContext == false)
        #expect(agreed?[.client].keepsContext == true)
    }

    @Test func answersToOurs() throws {
        #expect(try DeflateAgreement.reading(answer: []) == nil)
        #expect(try DeflateAgreement.reading(answer: [""]) == nil)
        let plain = try DeflateAgreement.reading(answer: ["permessage-deflate"])
        #expect(plain == DeflateAgreement())
        let all = try DeflateAgreement.reading(answer: [
            "permessage-deflate; client_no_context_takeover; server_no_context_takeover; client_max_window_bits=9; server_max_window_bits=11"
        ])
        #expect(all?.client.windowBits == 9 && all?.server.windowBits == 11)
        #expect(all?.client.keepsContext == false && all?.server.keepsContext == false)
        for bad in [
            "foo", "permessage-deflate; client_max_window_bits", "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate, permessage-deflate", "permessage-deflate, foo", "permessage-deflate; x=1", "permessage-deflate; ;",
        ] {
            #expect(throws: WebSocketFault.extensions, "\(bad)") { try DeflateAgreement.reading(answer: [bad]) }
        }
    }
}
