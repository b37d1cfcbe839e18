// StateFolders: where logs, keys and control sockets live, for root, for a user, and for tests.

import Glibc
import LinuxSys

public struct StateFolders: Sendable, Hashable {
    /// Sessions, keys, public keys.
    public var state: String
    /// Control sockets; gone after a reboot.
    public var run: String
    /// Where running sessions of this user may be: their own, and those that root runs for them.
    public var runs: [String]
    /// Where their other sessions may be, which were started with less said.
    private let otherRuns: [String]
    /// Where public keys are trusted from, besides what a command names.
    public var trusted: [String]

    /// What the process stands in. Passed in, so that the rules can be tested without being root.
    public struct Surroundings: Sendable {
        public var euid: UInt32
        public var variable: @Sendable (String) -> String?

        public init(euid: UInt32, variable: @escaping @Sendable (String) -> String?) {
            self.euid = euid
            self.variable = variable
        }

        public static var process: Surroundings {
            Surroundings(euid: geteuid(), variable: { name in getenv(name).map { String(cString: $0) } })
        }
    }

    private static let system = "/var/lib/akios"
    private static let systemRun = "/run/akios"

    /// `AKIOS_STATE_DIR` and `AKIOS_RUN_DIR` count for users and for root itself, never under sudo: there they would be the
    /// caller's word about root's files. Relative paths count nowhere (as XDG has it). Nil when a user has no home.
    public init?(_ surroundings: Surroundings = .process) {
        let root = surroundings.euid == 0
        let sudo = root && surroundings.variable("SUDO_UID") != nil
        func absolute(_ name: String) -> String? { surroundings.variable(name).flatMap { $0.hasPrefix("/") ? $0 : nil } }
        func own(_ name: String) -> String? { sudo ? nil : absolute(name) }

        if let path = own("AKIOS_STATE_DIR") {
            state = path
        } else if root {
            state = Self.system
        } else if let base = absolute("XDG_STATE_HOME") ?? absolute("HOME").map({ $0 + "/.local/state" }) {
            state = base + "/akios"
        } else {
            return nil
        }
        if let path = own("AKIOS_RUN_DIR") {
            run = path
            runs = [path]
        } else if own("AKIOS_STATE_DIR") != nil {
            run = state + "/run"
            runs = [run]
        } else if root {
            run = Self.systemRun
            runs = [run]
        } else {
            run = absolute("XDG_RUNTIME_DIR").map { $0 + "/akios" } ?? state + "/run"
            runs = [run, Self.systemRun]
        }
        let states = [absolute("XDG_STATE_HOME"), absolute("HOME").map { $0 + "/.local/state" }].compactMap { $0 }
        otherRuns = (absolute("XDG_RUNTIME_DIR").map { [$0 + "/akios"] } ?? []) + states.map { $0 + "/akios/run" }
        trusted = state == Self.system ? [state + "/pub"] : [state + "/pub", Self.system + "/pub"]
    }

    /// Every folder in which a control socket of this user's or of `uid`'s sessions may be, whatever they were started with: no agent
    /// may see any of them. Many are not there.
    /// - Parameter home: of `uid`, by passwd(5).
    public func controls(uid: UInt32, home: String) -> Set<String> {
        Set(runs + otherRuns + [Self.systemRun, state + "/run", "/run/user/\(uid)/akios", home + "/.local/state/akios/run"])
    }

    public var sessions: String { state + "/sessions" }
    public var keys: String { state + "/keys" }

    /// Opens the state folder, making what is missing. Passable but not listable for others, because `pub` is for everyone.
    public func openState() throws(LogError) -> Folder {
        // Root's is passed through by whoever verifies, also where the umask of whoever came first keeps all from the others.
        let mask = umask(0o022)
        if geteuid() != 0 { umask(mask) }
        defer { umask(mask) }
        do {
            return try Folder.make(state, mode: 0o751)
        } catch { throw .system(error) }
    }

    /// Makes the folder of a new session below `sessions`, for its owner and group only.
    public func makeSession(_ name: String) throws(LogError) -> Folder {
        let state = try openState()
        do {
            let sessions = try state.makeSubfolder("sessions", mode: 0o750, orOpen: true)
            return try sessions.makeSubfolder(name, mode: 0o750)
        } catch {
            throw error.number == EEXIST ? .exists(path: self.sessions + "/" + name) : .system(error)
        }
    }
}
