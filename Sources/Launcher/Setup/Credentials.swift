// Credentials: real keys go to egress; the agent's environment holds placeholders that mean nothing anywhere else. Loaded after
// the clone, into pages that no child gets, so that no copy of the launcher's memory in the cage could hold one.

import LinuxSys
import Profile
import Providers
import Vocabulary
import Wire

struct Credentials: ~Copyable {
    /// Where the keys lie; what `secrets` says of them is where.
    var pages: SecretPages
    private(set) var secrets: [EgressConfiguration.Secret] = []
    /// What the upstream proxy is told; nil: the profile has no password for one.
    private(set) var proxyPassword: Range<Int>?
    /// Names of optional credentials that are not there; recorded.
    private(set) var absent: [String] = []

    /// Most bytes of one key.
    private static let mostBytes = 16 << 10

    /// Placeholders for the credentials that are there, judged without reading a key: the agent's environment is part
    /// of the plan, which is made before the clone. What a command will print is known only when it has run.
    static func placeholders(
        for credentials: [Credential], from sources: borrowing CredentialSources, random: () -> UInt8
    ) -> [String: String] {
        var placeholders: [String: String] = [:]
        for credential in credentials where !credential.optional || sources.has(credential.source) {
            var text = ""
            // Eighty random bits at least: twice the same is a broken generator, and no reason to give two keys one name.
            repeat {
                text = PlaceholderShape(variable: credential.variable).make(random: random)
            } while placeholders.values.contains(text)
            placeholders[credential.variable] = text
        }
        return placeholders
    }

    static func load(
        _ credentials: [Credential], proxy: UpstreamProxy? = nil, placeholders: [String: String],
        from sources: borrowing CredentialSources
    ) throws(Complaint) -> Credentials {
        var loaded: Credentials
        do throws(SysError) { loaded = Credentials(pages: try SecretPages(capacity: EgressConfiguration.secretCapacity)) } catch {
            throw Complaint(
                "memory for keys cannot be locked: \(error)", hint: "raise the limit on locked memory: ulimit -l, LimitMEMLOCK=")
        }
        for credential in credentials {
            guard let placeholder = placeholders[credential.variable] else {
                loaded.absent.append(credential.variable)
                continue
            }
            let range = try loaded.append(
                "credential \(credential.variable)", sources.owner(of: credential), credential.source,
                optional: credential.optional, from: sources)
            if range.isEmpty { loaded.absent.append(credential.variable) }
            loaded.secrets.append(
                .init(
                    variable: credential.variable, placeholder: placeholder, hosts: credential.hosts, header: credential.header,
                    query: credential.query, range: range))
        }
        if let password = proxy?.password {
            loaded.proxyPassword = try loaded.append(
                UpstreamProxy.passwordKey, sources.ownerOfProxy(), password, optional: nil, from: sources)
        }
        sources.forget(credentials.map(\.source) + [proxy?.password].compactMap { $0 })
        try loaded.checkSignatures()
        return loaded
    }

    private init(pages: consuming SecretPages) { self.pages = pages }

    /// Empty when an optional one is not there. Errors name the place, never the content.
    /// - Parameter optional: nil where the profile cannot say so.
    private mutating func append(
        _ what: String, _ owner: FileIdentity?, _ source: Credential.Source, optional: Bool?,
        from sources: borrowing CredentialSources
    ) throws(Complaint) -> Range<Int> {
        let place = CredentialSources.place(of: source)
        let remedy = optional == nil ? [] : ["or set `optional: true` in the profile"]
        let added: SecretPages.Added
        do throws(CredentialSources.Failure) {
            added = try pages.append(limit: Self.mostBytes) { room throws(CredentialSources.Failure) in
                try sources.read(source, owner: owner, into: room)
            }
        } catch {
            if error.isAbsence, optional == true { return 0..<0 }
            throw Complaint("\(what): \(error.what)", hints: [error.hint] + (error.isAbsence ? remedy : []))
        }
        switch added {
        case .at(let range): return range
        case .nothing where optional == true: return 0..<0
        case .nothing: throw Complaint("\(what): nothing in \(place)", hints: ["put the key there"] + remedy)
        case .tooLong:
            throw Complaint("\(what): \(place) is too long for a key", hint: "16 KiB at most, 32 KiB all keys together")
        case .notAWord: throw Complaint("\(what): \(place) holds more than one printable word", hint: "one key, one line")
        }
    }

    /// Half an AWS key signs nothing.
    private func checkSignatures() throws(Complaint) {
        let parts = secrets.filter { [.awsKeyID, .awsSecret].contains(CredentialKind(variable: $0.variable)) }
        guard let half = parts.first(where: \.range.isEmpty), parts.contains(where: { !$0.range.isEmpty }) else { return }
        throw Complaint(
            "credential \(half.variable): not there, where the other part of the AWS key is", hint: "give both, or none of them")
    }
}
