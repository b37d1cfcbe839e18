// Invoker: on whose behalf this runs. Under sudo that is the user who called it, never root; nothing else in the
// environment says who anybody is.

import CLinux
import CagePlan
import Glibc
import LinuxSys
import Vocabulary

struct Invoker: Equatable {
    /// Effective id 0: the whole cage can be built.
    var privileged: Bool
    /// Started by sudo(8) for another user.
    var underSudo: Bool
    /// The caller: the owner of what the agent makes.
    var uid: UInt32
    var gid: UInt32

    /// Whose eyes open paths that the caller names; nil when this process is the caller itself.
    var eyes: FileIdentity? { privileged && uid != 0 ? FileIdentity(uid: uid, gid: gid) : nil }

    /// What of the environment is read before the profile is, which says where keys are.
    static let variables: Set<String> = ["SUDO_UID", "SUDO_GID", "DOAS_USER", "PKEXEC_UID"]

    /// - Parameter environment: read only when the process is root, because only sudo can have put these there then.
    static func current(environment: [String: String]) throws(Complaint) -> Invoker {
        let effective = geteuid()
        // A set-uid installation would let any caller choose ids by environment.
        guard getuid() == effective, getgid() == getegid() else {
            throw Complaint("akios-exec must not be installed set-uid or set-gid", hint: "chmod u-s,g-s on it, and use sudo")
        }
        // File capabilities do the same without changing an id: with them we would open what the caller may not.
        guard effective == 0 || akios_gained_power() == 0 else {
            throw Complaint("akios-exec must not be installed with file capabilities", hint: "setcap -r on it, and use sudo")
        }
        guard effective == 0 else { return Invoker(privileged: false, underSudo: false, uid: effective, gid: getgid()) }
        if environment["SUDO_UID"] == nil, let other = ["DOAS_USER", "PKEXEC_UID"].first(where: { environment[$0] != nil }) {
            // Their caller would pass for root, whose paths are opened as root.
            throw Complaint("started as root for somebody else (\(other) is set)", hint: "use sudo(8), which says for whom")
        }
        guard let user = environment["SUDO_UID"] else { return Invoker(privileged: true, underSudo: false, uid: 0, gid: getgid()) }
        guard let uid = UInt32(user), let gid = environment["SUDO_GID"].flatMap({ UInt32($0) }), uid < .max, gid < .max else {
            throw Complaint("SUDO_UID and SUDO_GID are not numbers", hint: "start akios-exec by sudo(8), or as root without them")
        }
        return Invoker(privileged: true, underSudo: uid != 0, uid: uid, gid: gid)
    }

    /// `--user` takes only the caller: another user's files are none of theirs.
    func check(user: String) throws(Complaint) {
        let uid = UInt32(user) ?? Self.uid(named: user)
        guard uid == self.uid else {
            throw Complaint("--user '\(user)' is not the caller", hint: "leave --user out; the agent runs as whoever called")
        }
    }

    /// Name and home from passwd(5); a user without an entry is called by number.
    func caller(environment: [String: String]) -> Caller {
        let entry = Self.accounts.first { $0.uid == uid }
        // Rootless, HOME is the caller's own word about their own files.
        let home = (privileged ? nil : environment["HOME"]) ?? entry?.home ?? "/"
        return Caller(uid: uid, gid: gid, name: entry?.name ?? "user\(uid)", home: home)
    }

    private static func uid(named name: String) -> UInt32? { accounts.first { $0.name == name }?.uid }

    /// The file itself: a name service module would be foreign code in the root process.
    private static var accounts: [(name: String, uid: UInt32, home: String)] {
        guard let bytes = try? readFile("/etc/passwd", limit: 4 << 20) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count >= 6, let uid = UInt32(fields[2]) else { return nil }
            return (String(fields[0]), uid, String(fields[5]))
        }
    }
}
