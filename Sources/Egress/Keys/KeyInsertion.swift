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
    /// In their places, wherever their placeholders stand.
    case replace([KeyRing.Held])
    /// As a header of its own.
    case add(KeyRing.Held, name: String, prefix: String)
    /// By an AWS signature, over a request that has these in their places.
    case sign(AWSSignature, [KeyRing.Held])

    var isSignature: Bool { if case .sign = self { true } else { false } }
}

extension KeyRing {
    /// What is done for a granted use. `target` and `headers` lose what may not leave beside it.
    func insertion(
        _ use: KeyUse, target: inout String, headers: inout HTTPHeaders, provider: ProviderID?, keys: ProviderGrant.Keys
    ) -> KeyInsertion {
        // A cookie names an account as a key does, and no model endpoint needs one.
        if provider != nil, keys != .any { headers.remove(name: "cookie") }
        guard case .broker(let variables, let isShown) = use else { return .none }
        let ours = variables.compactMap(find)
        let words = ours.filter { $0.kind == .word }
        guard words.count == ours.count, let key = words.first else {
            let found = try? headers.first(name: "authorization").flatMap { value throws(AWSSignature.Fault) in
                try AWSSignature.read(value)
            }
            return found.map { .sign($0, words) } ?? .replace(words)
        }
        let header = provider.flatMap { Providers.preset($0)?.key } ?? .bearer
        guard isShown else {
            let name = key.secret.header ?? header.name
            headers.remove(name: name)
            return .add(key, name: name, prefix: key.header == nil ? header.prefix : "")
        }
        // A provider that takes a key in the query takes it in a header too, where no log of a URL has it.
        if provider != nil, words.count == 1, key.secret.query == nil,
            let parameter = KeyPlaces.parameters(of: target).first(where: { KeyPlaces.has($0.value, key.placeholder) })
        {
            target = KeyPlaces.removing(parameter, from: target)
            headers.remove(name: header.name)
            return .add(key, name: header.name, prefix: header.prefix)
        }
        return .replace(words)
    }

    /// The request with its key. Called when it is about to be written.
    func complete(_ request: PreparedRequest, host: HostName) -> (target: String, headers: HTTPHeaders) {
        switch request.insertion {
        case .none: return (request.target, request.headers)
        case .add(let key, let name, let prefix):
            var headers = request.headers
            headers.add(name: name, value: prefix + store.text(key.secret.range))
            return (request.target, headers)
        case .replace(let keys): return replaced(request, keys, host)
        case .sign(let signature, let keys):
            let (target, headers) = replaced(request, keys, host)
            return (target, signed(request, target, headers, signature, host))
        }
    }

    private func replaced(_ request: PreparedRequest, _ keys: [Held], _ host: HostName) -> (target: String, headers: HTTPHeaders) {
        var (target, headers) = (request.target, request.headers)
        for key in keys {
            let value = store.text(key.secret.range)
            target = replaced(target, key, value, host)
            headers = HTTPHeaders(
                headers.map { name, text in
                    (name, takes(key, header: KeyPlaces.canonical(name)) ? replaced(header: text, key, value) : text)
                })
        }
        return (target, headers)
    }

    private func replaced(header text: String, _ key: Held, _ value: String) -> String {
        let login = KeyPlaces.basic(text)
        guard KeyPlaces.has(login ?? text, key.placeholder) else { return text }
        let changed = (login ?? text).replacing(key.secret.placeholder, with: value)
        return login == nil ? changed : "Basic " + Base64.encode(Array(changed.utf8))
    }

    private func replaced(_ target: String, _ key: Held, _ value: String, _ host: HostName) -> String {
        var out = target
        for parameter in KeyPlaces.parameters(of: target).reversed()
        where takes(key, parameter: parameter.name, host) && KeyPlaces.has(parameter.value, key.placeholder) {
            let changed = parameter.value.replacing(key.secret.placeholder, with: value)
            out.replaceSubrange(parameter.valueRange, with: KeyPlaces.escaped(changed))
        }
        return out
    }

    private func signed(
        _ request: PreparedRequest, _ target: String, _ shown: HTTPHeaders, _ signature: AWSSignature, _ host: HostName
    ) -> HTTPHeaders {
        guard let id = part(.awsKeyID, for: host), let secret = part(.awsSecret, for: host) else { return shown }
        var headers = shown
        headers.remove(name: "authorization")
        headers.remove(name: "x-amz-security-token")
        if let session = part(.awsSession, for: host) {
            headers.add(name: "x-amz-security-token", value: store.text(session.secret.range))
        }
        if headers.contains(name: "x-amz-content-sha256") {
            headers.replaceOrAdd(name: "x-amz-content-sha256", value: AWSRequest.hex(Self.hash(request.body)))
        }
        let leaving = AWSRequest(
            method: request.intent.method, target: target, headers: headers.map { ($0.name, $0.value) }, body: request.body)
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
                case .header:
                    (
                        "an AWS signature over a header that does not leave (a condition, a range, a digest)",
                        "a header under the AWS signature (a condition, a range, a digest) is not sent on here: leave it out"
                    )
                case .target: ("an AWS signature over an ambiguous query", "the query of a signed request is ambiguous")
                }
            return words.refusal(.malformed, reason: reason, what: what)
        }
    }
}
