// Credentials: real keys stay with egress; the agent's environment holds a placeholder that means nothing
// anywhere else. Loaded after the clone, so that no copy of the launcher's memory in the cage could hold one.

import Glibc
import LinuxSys
import Profile
import Vocabulary
import Wire

struct Credentials {
    var secrets: [EgressConfiguration.Secret] = []
    /// Variables for the agent: name to placeholder.
    var placeholders: [String: String] = [:]
    /// Names of optional credentials that are not there; recorded.
    var absent: [String] = []

    private static let maxKey = 16 << 10
    private static let proxyPlace = "upstream_proxy.password"

    /// Placeholders for the credentials that are there, judged without reading a key: the agent's environment is part
    /// of the plan, which is made before the clone.
    /// - Parameter eyes: whose eyes look at a key file. A profile that root owns names files that root may read;
    ///   any other profile's are opened as the caller.
    static func placeholders(
        for credentials: [Credential], environment: [String: String], as eyes: (String) -> FileIdentity?, random: () -> String
    ) -> [String: String] {
        var placeholders: [String: String] = [:]
        for credential in credentials {
            let there =
                switch credential.source {
                case .environment(let name): !(environment[name] ?? "").isEmpty
                case .file(let path): isThere(path, as: eyes(path))
                }
            guard there || !credential.optional else { continue }
            placeholders[credential.variable] = "sk-akios-" + random()
        }
        return placeholders
    }

    private static func isThere(_ path: String, as identity: FileIdentity?) -> Bool {
        do throws(SysError) {
            _ = try openForReading(path, as: identity)
            return true
        } catch { return error.number != ENOENT }
    }

    static func load(
        _ credentials: [Credential], placeholders: [String: String], environment: [String: String],
        as eyes: (String) -> FileIdentity?
    ) throws(Complaint) -> Credentials {
        var loaded = Credentials()
        for credential in credentials {
            guard let placeholder = placeholders[credential.variable] else {
                loaded.absent.append(credential.variable)
                continue
            }
            guard let value = try value(of: credential, environment: environment, as: eyes) else {
                loaded.absent.append(credential.variable)
                continue
            }
            loaded.secrets.append(.init(placeholder: placeholder, value: value, hosts: credential.hosts))
            loaded.placeholders[credential.variable] = placeholder
        }
        return loaded
    }

    /// Nil when an optional one is not there. Errors name the place, never the content.
    private static func value(
        of credential: Credential, environment: [String: String], as eyes: (String) -> FileIdentity?
    ) throws(Complaint) -> String? {
        try value(
            "credential \(credential.variable)", from: credential.source, optional: credential.optional, environment: environment,
            as: eyes)
    }

    /// What the upstream proxy is told; nil: the profile has no password for one.
    static func proxyPassword(
        _ proxy: UpstreamProxy?, environment: [String: String], as eyes: (String) -> FileIdentity?
    ) throws(Complaint) -> String? {
        guard let source = proxy?.password else { return nil }
        return try value(proxyPlace, from: source, optional: false, environment: environment, as: eyes)
    }

    private static func value(
        _ what: String, from source: Credential.Source, optional: Bool, environment: [String: String],
        as eyes: (String) -> FileIdentity?
    ) throws(Complaint) -> String? {
        let mayBeOptional = what == Self.proxyPlace ? "" : ", or set `optional: true` in the profile"
        let found: String?
        let place: String
        switch source {
        case .environment(let name):
            found = environment[name]
            place = "environment variable \(name)"
        case .file(let path):
            place = path
            do throws(SysError) {
                found = String(validating: try readFile(path, limit: maxKey, as: eyes(path)), as: UTF8.self)
            } catch {
                guard optional, error.number == ENOENT else {
                    throw Complaint("\(what): \(error)", hint: "check the file's path and mode\(mayBeOptional)")
                }
                found = nil
            }
        }
        let key = found.map { String($0.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()) } ?? ""
        if key.isEmpty {
            guard optional else { throw Complaint("\(what): nothing in \(place)", hint: "put the key there\(mayBeOptional)") }
            return nil
        }
        // A line break in a header value would end the header and begin another.
        guard key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw Complaint("\(what): \(place) holds more than one printable word", hint: "one key, one line")
        }
        return key
    }
}
