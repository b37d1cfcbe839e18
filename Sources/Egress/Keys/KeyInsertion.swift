// KeyInsertion: the real key in a request that leaves: planned while the request is prepared, so that what cannot be done is
// refused in time; done when it is sent.

import Crypto
import Events
import NIOHTTP1
import Policy
import Profile
import Providers
import Vocabulary
import Wire

/// How a request gets its key. Holds no key.
enum KeyInsertion {
    case none
    /// Wherever the placeholder stands.
    case replace(KeyRing.Held)
    /// As a header of its own.
    case add(KeyRing.Held, name: String, prefix: String)
    /// By an AWS signature.
    case sign(AWSSignature)

    var isSignature: Bool { if case .sign = self { true } else { false } }
}

extension KeyRing {
    /// What is done for a granted use. `target` and `headers` lose what may not leave beside it.
    func insertion(
        _ use: KeyUse, target: inout String, headers: inout HTTPHeaders, provider: ProviderID?, keys: ProviderGrant.Keys
    ) -> KeyInsertion {
        // A cookie names an account as a key does, and no model endpoint needs one.
        if provider != nil, keys != .any { headers.remove(name: "cookie") }
        guard case .broker(let variable, let isShown) = use, let key = find(variable) else { return .none }
        let header = provider.flatMap { Providers.preset($0)?.key } ?? .bearer
        switch key.kind {
        case .awsKeyID, .awsSecret, .awsSession:
            let found = try? headers.first(name: "authorization").flatMap { value throws(AWSSignature.Fault) in
                try AWSSignature.read(value)
            }
            return found.map { .sign($0) } ?? .none
        case .word: break
        }
        guard isShown else {
            return .add(key, name: key.secret.header ?? header.name, prefix: key.secret.header == nil ? header.prefix : "")
        }
        // A provider that takes a key in the query takes it in a header too, where no log of a URL has it.
        if provider != nil, key.secret.query == nil,
            let parameter = KeyPlaces.parameters(of: target).first(where: { KeyPlaces.has($0.value, key.placeholder) })
        {
            target = KeyPlaces.removing(parameter, from: target)
            headers.remove(name: header.name)
            return .add(key, name: header.name, prefix: header.prefix)
        }
        return .replace(key)
    }

    /// The request with its key. Called when it is about to be written.
    func complete(_ request: PreparedRequest, host: HostName) -> (target: String, headers: HTTPHeaders) {
        switch request.insertion {
        case .none: return (request.target, request.headers)
        case .add(let key, let name, let prefix):
            var headers = request.headers
            headers.add(name: name, value: prefix + store.text(key.secret.range))
            return (request.target, headers)
        case .replace(let key):
            let value = store.text(key.secret.range)
            return (
                replaced(request.target, key, value),
                HTTPHeaders(request.headers.map { ($0.name, replaced(header: $0.value, key, value)) })
            )
        case .sign(let signature): return (request.target, signed(request, signature, host))
        }
    }

    private func replaced(header text: String, _ key: Held, _ value: String) -> String {
        if let login = KeyPlaces.basic(text), KeyPlaces.has(login, key.placeholder) {
            return "Basic " + Base64.encode(Array(login.replacing(key.secret.placeholder, with: value).utf8))
        }
        return KeyPlaces.has(text, key.placeholder) ? text.replacing(key.secret.placeholder, with: value) : text
    }

    private func replaced(_ target: String, _ key: Held, _ value: String) -> String {
        var out = target
        for parameter in KeyPlaces.parameters(of: target).reversed() where KeyPlaces.has(parameter.value, key.placeholder) {
            let changed = parameter.value.replacing(key.secret.placeholder, with: value)
            out.replaceSubrange(parameter.valueRange, with: KeyPlaces.escaped(changed))
        }
        return out
    }

    private func signed(_ request: PreparedRequest, _ signature: AWSSignature, _ host: HostName) -> HTTPHeaders {
        guard let id = part(.awsKeyID, for: host), let secret = part(.awsSecret, for: host) else { return request.headers }
        var headers = request.headers
        headers.remove(name: "authorization")
        headers.remove(name: "x-amz-security-token")
        if let session = part(.awsSession, for: host) {
            headers.add(name: "x-amz-security-token", value: store.text(session.secret.range))
        }
        if headers.contains(name: "x-amz-content-sha256") {
            headers.replaceOrAdd(name: "x-amz-content-sha256", value: AWSRequest.hex(Self.hash(request.body)))
        }
        let leaving = AWSRequest(
            method: request.intent.method, target: request.target, headers: headers.map { ($0.name, $0.value) }, body: request.body)
        let seeded = Array("AWS4".utf8) + Array(store.bytes(secret.secret.range))
        let key = AWSRequest.signingKey(seeded: seeded, signature, mac: Self.mac)
        headers.add(
            name: "authorization",
            value: leaving.authorization(
                signature, keyID: store.text(id.secret.range), signingKey: key, hash: Self.hash, mac: Self.mac))
        return headers
    }

    static func hash(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }

    static func mac(_ key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: bytes, using: SymmetricKey(data: key)))
    }

    /// Why a request cannot be signed anew; nil: it can.
    static func refusal(_ signature: AWSSignature, _ request: AWSRequest, _ words: RefusalWords) -> Refusal? {
        do throws(AWSRequest.Fault) {
            try request.check(signature)
            return nil
        } catch {
            let (reason, what) =
                switch error {
                case .streamed:
                    (
                        "an AWS signature over a body in pieces (STREAMING-…)",
                        "bodies signed piece by piece cannot be signed with the configured key; sign the whole body"
                    )
                case .date: ("an AWS signature without an x-amz-date of its day", "the AWS signature has no x-amz-date of its day")
                case .target: ("an AWS signature over an ambiguous query", "the query of a signed request is ambiguous")
                }
            return words.refusal(.malformed, reason: reason, what: what)
        }
    }
}
