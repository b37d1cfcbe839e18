// GRPCRefusal: a refusal as a gRPC client reads it: status 200, and the truth in the trailers (gRPC over HTTP/2,
// "Responses"). Anything else reaches the program as "unknown error", and some clients ask again for that.

import NIOHTTP1
import Vocabulary

enum GRPCRefusal {
    /// Whether a request with this content type waits for trailers.
    static func isAsked(_ contentType: String?) -> Bool { contentType?.lowercased().hasPrefix("application/grpc") ?? false }

    static let headers: HTTPHeaders = ["content-type": "application/grpc"]

    static func trailers(_ refusal: Refusal) -> HTTPHeaders {
        ["grpc-status": String(status(refusal.code)), "grpc-message": encoded(refusal.told)]
    }

    /// The code (grpc.io, "Status codes"): of these only UNAVAILABLE makes clients come back by themselves.
    private static func status(_ code: Refusal.Code) -> Int {
        switch code {
        case .budgetExceeded, .rateLimited, .tooLarge: 8  // RESOURCE_EXHAUSTED
        case .malformed, .strictJSON, .unknownField, .unsupportedEncoding: 3  // INVALID_ARGUMENT
        case .resolveFailed, .upstreamUnreachable, .upstreamCertificate: 14  // UNAVAILABLE
        case .scannerFailed, .logFailed: 13  // INTERNAL
        default: 7  // PERMISSION_DENIED
        }
    }

    /// Percent-encoded where it is not printable ASCII, as `grpc-message` wants it.
    private static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for byte in text.utf8 {
            if (0x20...0x7e).contains(byte), byte != UInt8(ascii: "%") {
                out.append(byte)
            } else {
                out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
