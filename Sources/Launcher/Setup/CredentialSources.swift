// CredentialSources: where a key comes from and with whose ids it is got. What root's profile names root gets; what any other
// profile names the caller gets. Under sudo nothing in the environment leads root anywhere.

import CagePlan
import Glibc
import LinuxSys
import Profile
import Vocabulary

struct CredentialSources {
    /// The variables that hold keys, of those with a value.
    let variables: Set<String>
    /// $CREDENTIALS_DIRECTORY; nil under sudo, whose environment is the caller's to choose.
    let systemd: String?
    /// For commands of the caller's.
    let callerEnvironment: [String: String]
    /// Whose eyes open a path of the profile; nil: ours.
    let eyes: (String) -> FileIdentity?
    /// Who runs a command that this key of the profile names; nil: we.
    let runs: (String) -> FileIdentity?

    private static let patience: Int64 = 30_000
    private static let searched = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    struct Failure: Error {
        var what: String
        var hint: String
        /// Nothing is there, which is no error for an optional one.
        var isAbsence = false
    }

    init(
        variables: Set<String>, systemd: String?, callerEnvironment: [String: String] = [:],
        eyes: @escaping (String) -> FileIdentity? = { _ in nil }, runs: @escaping (String) -> FileIdentity? = { _ in nil }
    ) {
        self.variables = variables
        self.systemd = systemd
        self.callerEnvironment = callerEnvironment
        self.eyes = eyes
        self.runs = runs
    }

    /// - Parameter environment: of this process, without the variables of keys.
    init(_ profile: LoadedProfile, _ invoker: Invoker, environment: [String: String]) {
        var callers = environment
        if invoker.eyes != nil {
            let caller = invoker.caller(environment: environment)
            callers.merge(["HOME": caller.home, "USER": caller.name, "LOGNAME": caller.name]) { $1 }
        }
        let caller = profile.resolved.callerCredentials
        self.init(
            variables: Surroundings.namesWithValue(among: Self.variables(of: profile.spec)),
            systemd: invoker.underSudo ? nil : environment["CREDENTIALS_DIRECTORY"], callerEnvironment: callers,
            eyes: { profile.eyes(for: $0, of: invoker) }, runs: { caller.contains($0) ? invoker.eyes : nil })
    }

    /// Variables that hold keys: never copied with the rest of the environment.
    static func variables(of spec: Spec) -> Set<String> {
        let sources = spec.credentials.map(\.source) + [spec.network.upstreamProxy?.password].compactMap { $0 }
        return Set(sources.compactMap { if case .environment(let name) = $0 { name } else { nil } })
    }

    /// As in "nothing in …".
    static func place(of source: Credential.Source) -> String {
        switch source {
        case .environment(let name): "environment variable \(name)"
        case .file(let path): path
        case .systemd(let name): "systemd credential \(name)"
        case .command(let words): "the output of \(words.first ?? "")"
        }
    }

    borrowing func owner(of credential: Credential) -> FileIdentity? { runs(credential.variable) }
    borrowing func ownerOfProxy() -> FileIdentity? { runs(UpstreamProxy.passwordKey) }

    /// Whether it is worth a placeholder.
    borrowing func has(_ source: Credential.Source) -> Bool {
        switch source {
        case .environment(let name): return variables.contains(name)
        case .file(let path):
            do throws(SysError) {
                _ = try openForReading(path, as: eyes(path))
                return true
            } catch { return error.number != ENOENT }
        case .systemd(let name): return (try? openSystemd(name)) != nil
        case .command: return true
        }
    }

    /// - Parameter owner: who runs it, if it is a command.
    borrowing func read(
        _ source: Credential.Source, owner: FileIdentity?, into room: UnsafeMutableRawBufferPointer
    ) throws(Failure) -> Int {
        switch source {
        case .environment(let name): return SecretVariable.read(name, into: room)
        case .file(let path):
            do throws(SysError) {
                return try Self.whole(try openForReading(path, as: eyes(path)), into: room, subject: path)
            } catch { throw Failure(what: "\(error)", hint: "check the file's path and mode", isAbsence: error.number == ENOENT) }
        case .systemd(let name):
            let file = try openSystemd(name)
            do throws(SysError) { return try Self.whole(file, into: room, subject: name) } catch {
                throw Failure(what: "systemd credential: \(error)", hint: "LoadCredential= in the unit that starts akios-exec")
            }
        case .command(let words): return try run(words, as: owner, into: room)
        }
    }

    /// What need not be there any more once every key is loaded.
    borrowing func forget(_ sources: [Credential.Source]) {
        for case .environment(let name) in sources { SecretVariable.wipe(name) }
    }

    private static func whole(
        _ file: consuming OwnedFD, into room: UnsafeMutableRawBufferPointer, subject: String
    ) throws(SysError) -> Int {
        let number = file.raw
        var facts = stat()
        try syscall("fstat", on: subject) { fstat(number, &facts) }
        guard facts.st_mode & S_IFMT == S_IFREG else { throw SysError("read", EINVAL, on: subject) }
        return try readInto(room, file, subject: subject)
    }

    /// The service manager's folder, if it can be nobody else's: its file is believed.
    private borrowing func openSystemd(_ name: String) throws(Failure) -> OwnedFD {
        guard let systemd else {
            throw Failure(
                what: "no systemd credentials here",
                hint: "LoadCredential=\(name) in the unit that starts akios-exec; under sudo there are none", isAbsence: true)
        }
        do throws(SysError) {
            let flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW
            let folder = OwnedFD(owning: try syscall("open", on: systemd) { open(systemd, flags | O_DIRECTORY) })
            guard try Self.isOnlyOurs(folder, subject: systemd) else {
                throw SysError("open", EPERM, on: systemd)
            }
            let number = folder.raw
            let file = OwnedFD(owning: try syscall("open", on: name) { openat(number, name, flags | O_NONBLOCK) })
            guard try Self.isOnlyOurs(file, subject: name) else { throw SysError("open", EPERM, on: name) }
            return file
        } catch {
            throw Failure(
                what: "systemd credential: \(error)",
                hint: "root or the service's own user must own it, and nobody else write it",
                isAbsence: error.number == ENOENT)
        }
    }

    private static func isOnlyOurs(_ file: borrowing OwnedFD, subject: String) throws(SysError) -> Bool {
        let number = file.raw
        var facts = stat()
        try syscall("fstat", on: subject) { fstat(number, &facts) }
        return (facts.st_uid == 0 || facts.st_uid == geteuid()) && facts.st_mode & 0o022 == 0
    }

    private borrowing func run(
        _ words: [String], as identity: FileIdentity?, into room: UnsafeMutableRawBufferPointer
    ) throws(Failure) -> Int {
        let program = words.first ?? ""
        // A command of root's finds nothing in its environment that a caller could have put there.
        let root = Invoker(privileged: true, underSudo: false, uid: 0, gid: 0)
        let isRoots = identity == nil && geteuid() == 0
        let environment =
            isRoots
            ? ["PATH": Self.searched, "HOME": root.caller(environment: [:]).home, "LANG": "C.UTF-8"] : callerEnvironment
        let path = environment["PATH"] ?? Self.searched
        let programs =
            program.contains("/") ? [program] : path.split(separator: ":").filter { $0.hasPrefix("/") }.map { "\($0)/\(program)" }
        let command = SecretCommand(
            programs: programs, arguments: words, environment: environment.map { "\($0.key)=\($0.value)" }, identity: identity)
        do throws(SecretCommand.Failure) { return try command.run(into: room, within: Self.patience) } catch {
            let said = Console.printable(String(error.said.prefix(200)))
            throw Failure(
                what: "the command \(program) \(error.what)",
                hint: said.isEmpty ? "try it by itself" : "\(program) says: \(said)", isAbsence: true)
        }
    }
}
