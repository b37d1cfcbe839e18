// Receipt: one run as an in-toto Statement v1 in a DSSE envelope. Who has the host's public key can tell from this file
// alone what ran, behind what, and what it cost.

public import Events
import JSONBytes
public import Vocabulary

public struct Receipt: Sendable, Hashable {
    public static let payloadType = "application/vnd.in-toto+json"
    public static let predicateType = "urn:akios:receipt:v1"

    /// The agent's program and its SHA-256.
    public var agentName: String
    public var agentDigest: TreeHash
    public var session: SessionID
    public var profile: String
    public var profileDigest: String
    public var tierRequested: Tier
    public var tierEnforced: Tier
    public var controls: [ControlState]
    public var caFingerprint: String?
    public var records: UInt64
    public var root: TreeHash
    public var cost: Money
    public var exit: ExitStatus
    /// Of what the agent changed in its workspace; nil when that is not kept apart.
    public var workspaceDiffDigest: String?
    public var versions: [String: String]

    public init(
        agentName: String, agentDigest: TreeHash, session: SessionID, profile: String, profileDigest: String, tierRequested: Tier,
        tierEnforced: Tier, controls: [ControlState], caFingerprint: String?, records: UInt64, root: TreeHash, cost: Money,
        exit: ExitStatus, workspaceDiffDigest: String? = nil, versions: [String: String]
    ) {
        self.agentName = agentName
        self.agentDigest = agentDigest
        self.session = session
        self.profile = profile
        self.profileDigest = profileDigest
        self.tierRequested = tierRequested
        self.tierEnforced = tierEnforced
        self.controls = controls
        self.caFingerprint = caFingerprint
        self.records = records
        self.root = root
        self.cost = cost
        self.exit = exit
        self.workspaceDiffDigest = workspaceDiffDigest
        self.versions = versions
    }

    /// The in-toto statement in canonical JSON: the payload of the envelope.
    public func statement() -> [UInt8] {
        JSONBuilder.object(capacity: 2048) { out in
            out.member("_type", "https://in-toto.io/Statement/v1")
            out.member(object: "predicate") { writePredicate(to: &$0) }
            out.member("predicateType", Self.predicateType)
            out.member(array: "subject") { out in
                out.object { out in
                    out.member(object: "digest") { $0.member("sha256", agentDigest.hex) }
                    out.member("name", agentName)
                }
            }
        }
    }

    private func writePredicate(to out: inout JSONBuilder) {
        out.member(object: "audit") { out in
            out.member("records", text: records)
            out.member("root", root.hex)
            out.member("session", session.text)
        }
        out.member("ca_fingerprint", caFingerprint.map { .string($0) } ?? .null)
        out.member(array: "controls") { out in for control in controls { control.write(to: &out) } }
        out.member("cost_usd", cost.decimal)
        out.key("exit")
        exit.write(to: &out)
        out.member(object: "profile") { out in
            out.member("digest", profileDigest)
            out.member("name", profile)
        }
        out.member(object: "tier") { out in
            out.member("enforced", tierEnforced.rawValue)
            out.member("requested", tierRequested.rawValue)
        }
        out.member(object: "versions") { out in
            for (name, version) in versions.sorted(by: { JSONKeyOrder.precedes($0.key, $1.key) }) { out.member(name, version) }
        }
        out.member("workspace_diff_digest", workspaceDiffDigest.map { .string($0) } ?? .null)
    }
}

/// Dead Simple Signing Envelope, protocol v1.
public enum DSSE {
    /// The bytes that are signed: lengths bind type and payload, so that neither can run into the other.
    public static func preAuthenticationEncoding(type: String, payload: [UInt8]) -> [UInt8] {
        Array("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
    }

    /// An envelope with one signature, canonical JSON and a newline. `sign` gets the pre-authentication encoding; nil when
    /// it fails.
    public static func envelope(type: String, payload: [UInt8], key: NoteKey, sign: ([UInt8]) -> [UInt8]?) -> [UInt8]? {
        guard let signature = sign(preAuthenticationEncoding(type: type, payload: payload)) else { return nil }
        return JSONBuilder.object(capacity: payload.count * 2) { out in
            out.member("payload", Base64.encode(payload))
            out.member("payloadType", type)
            out.member(array: "signatures") { out in
                out.object { out in
                    out.member("keyid", keyID(key))
                    out.member("sig", Base64.encode(signature))
                }
            }
        } + [0x0a]
    }

    /// `name+hash`, as the vkey begins.
    public static func keyID(_ key: NoteKey) -> String { "\(key.name)+\(key.idText)" }

    public enum Failure: Error, Sendable, Hashable { case malformed, noTrustedKey, badSignature }

    /// The payload of an envelope that a trusted key signed. A wrong signature in a trusted key's name is fatal.
    public static func open(_ envelope: [UInt8], type: String, keys: [NoteKey], check: SignatureCheck) throws(Failure) -> [UInt8] {
        guard let json = try? JSONValue.parse(envelope), json["payloadType"]?.stringValue == type,
            let payload = json["payload"]?.stringValue.flatMap({ Base64.decode($0) }), let signatures = json["signatures"]?.elements
        else { throw .malformed }
        let message = preAuthenticationEncoding(type: type, payload: payload)
        var trusted = false
        for signature in signatures {
            guard let key = keys.first(where: { keyID($0) == signature["keyid"]?.stringValue }) else { continue }
            guard let bytes = signature["sig"]?.stringValue.flatMap({ Base64.decode($0) }), check(key.publicKey, message, bytes)
            else {
                throw .badSignature
            }
            trusted = true
        }
        guard trusted else { throw .noTrustedKey }
        return payload
    }
}

extension VerifiedLog {
    /// Whether a receipt is signed by a trusted key and speaks of this very log.
    public func requireMatch(receipt envelope: [UInt8], keys: [NoteKey], check: SignatureCheck) throws(AuditFailure) {
        let payload: [UInt8]
        do {
            payload = try DSSE.open(envelope, type: Receipt.payloadType, keys: keys, check: check)
        } catch {
            switch error {
            case .malformed: throw .receipt("is no signed statement")
            case .noTrustedKey: throw .receipt("is signed by no trusted key")
            case .badSignature: throw .receipt("bears a wrong signature")
            }
        }
        guard let statement = try? JSONValue.parse(payload), statement["predicateType"]?.stringValue == Receipt.predicateType,
            let audit = statement["predicate"]?["audit"]
        else { throw .receipt("is no statement about a run") }
        guard audit["root"]?.stringValue == root.hex, audit["records"]?.stringValue == String(records),
            audit["session"]?.stringValue == session.text
        else { throw .receipt("speaks of another log") }
    }
}
