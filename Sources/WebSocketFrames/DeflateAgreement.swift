// DeflateAgreement: permessage-deflate as two sides agreed on it (RFC 7692 §7.1), read from their headers and written
// into ours. As a server we accept what is offered; as a client we offer what costs least.

/// How one side compresses.
public struct DeflateSide: Sendable, Hashable {
    /// Whether a message may refer to those before it.
    public var keepsContext = true
    /// 8…15: the window is two to that many bytes.
    public var windowBits = 15
    public init() {}
}

public struct DeflateAgreement: Sendable, Hashable {
    public var client = DeflateSide()
    public var server = DeflateSide()
    public init() {}

    public subscript(side: WebSocketSide) -> DeflateSide { side == .client ? client : server }

    static let name = "permessage-deflate"

    // MARK: As a server

    /// - Parameters:
    ///   - values: the Sec-WebSocket-Extensions lines of a request.
    ///   - keepsContext: whether our own messages may refer to one another: better compression for 256 KiB per connection.
    /// - Returns: nil where the connection goes on without it. Offers that are not understood are passed over.
    public static func accepting(_ values: [String], keepsContext: Bool) -> DeflateAgreement? {
        for offer in WebSocketExtension.list(values) ?? [] where offer.name == name {
            guard let parameters = DeflateParameters(offer, isOffer: true) else { continue }
            var agreed = parameters.agreement
            // A server may leave its context out unasked; the client's window stays its own choice.
            if !keepsContext { agreed.server.keepsContext = false }
            agreed.client.windowBits = 15
            return agreed
        }
        return nil
    }

    /// The line that tells the client so.
    public var answer: String {
        var text = Self.name
        if !server.keepsContext { text += "; server_no_context_takeover" }
        if !client.keepsContext { text += "; client_no_context_takeover" }
        if server.windowBits < 15 { text += "; server_max_window_bits=\(server.windowBits)" }
        if client.windowBits < 15 { text += "; client_max_window_bits=\(client.windowBits)" }
        return text
    }

    // MARK: As a client

    /// What we offer: any window of the server's, and ours as small as it likes.
    public static let offer = "\(name); client_max_window_bits"

    /// - Parameter values: the Sec-WebSocket-Extensions lines of an answer to `offer`.
    /// - Returns: nil where the server does without.
    /// - Throws: `extensions` for whatever was not offered: the connection must fail (RFC 6455 §4.1, RFC 7692 §7.1).
    public static func reading(answer values: [String]) throws(WebSocketFault) -> DeflateAgreement? {
        guard let all = WebSocketExtension.list(values), all.count <= 1 else { throw .extensions }
        guard let only = all.first else { return nil }
        guard only.name == name, let parameters = DeflateParameters(only, isOffer: false) else { throw .extensions }
        return parameters.agreement
    }
}

/// The parameters of one offer or answer, each at most once, with values in range.
private struct DeflateParameters {
    var agreement = DeflateAgreement()

    init?(_ list: WebSocketExtension, isOffer: Bool) {
        var seen: Set<String> = []
        for parameter in list.parameters {
            guard seen.insert(parameter.name).inserted else { return nil }
            switch (parameter.name, parameter.value) {
            case ("server_no_context_takeover", nil): agreement.server.keepsContext = false
            case ("client_no_context_takeover", nil): agreement.client.keepsContext = false
            case ("server_max_window_bits", let value?):
                guard let bits = Self.bits(value) else { return nil }
                agreement.server.windowBits = bits
            case ("client_max_window_bits", let value?):
                guard let bits = Self.bits(value) else { return nil }
                agreement.client.windowBits = bits
            // Only an offer may leave the value to the other side.
            case ("client_max_window_bits", nil) where isOffer: break
            default: return nil
            }
        }
    }

    /// 8…15 in decimal, without a leading zero.
    private static func bits(_ text: String) -> Int? {
        guard let bits = Int(text), 8...15 ~= bits, String(bits) == text else { return nil }
        return bits
    }
}
