// Identity: whose ids the agent runs with, on the host and in its namespace.

public import Vocabulary

/// The person behind this run.
public struct Caller: Sendable, Hashable {
    public var uid: UInt32
    public var gid: UInt32
    public var name: String
    public var home: String
    public init(uid: UInt32, gid: UInt32, name: String, home: String) {
        self.uid = uid
        self.gid = gid
        self.name = name
        self.home = home
    }
}

public struct Identity: Sendable, Hashable {
    public enum Reason: String, Sendable, Hashable {
        /// No privilege: the user's own id is the only one there is.
        case own
        /// Under sudo: the person who called it.
        case caller
        /// Root itself, in somebody's folder: that somebody.
        case owner
        /// Root itself, in root's folder: an id that nobody has, and a workspace mapped to it.
        case nobody
    }

    public var reason: Reason
    public var hostUID: UInt32
    public var hostGID: UInt32
    public var uid: UInt32
    public var gid: UInt32
    public var name: String
    /// HOME in the cage.
    public var home: String
    /// Root's files are seen as root's, and supplementary groups can be dropped.
    public var privileged: Bool

    /// Files of host root on granted, mapped trees are the agent's in the cage.
    public var mapsRoot: Bool { reason == .nobody }

    /// Lines of /proc/PID/uid_map; the same shape for groups.
    public var uidMap: String { map(hostUID, uid) }
    public var gidMap: String { map(hostGID, gid) }
    private func map(_ host: UInt32, _ inside: UInt32) -> String { (privileged ? "0 0 1\n" : "") + "\(inside) \(host) 1\n" }

    /// The id map of a mount: what is root's on disk is this identity's in memory.
    public var mountUIDMap: String { "0 \(hostUID) 1\n" }
    public var mountGIDMap: String { "0 \(hostGID) 1\n" }

    /// First of the ids that no account uses: above 0x7B000000, below what systemd's nspawn picks from.
    public static let firstFree: UInt32 = 0x7B00_0000

    /// - Parameters:
    ///   - privileged: effective uid 0 on the host.
    ///   - caller: who runs us; under sudo the person, not root.
    ///   - owner: of the workspace, nil where there is none.
    ///   - pid: the supervisor's, so that two sessions never share an id.
    public static func choose(privileged: Bool, caller: Caller, owner: (uid: UInt32, gid: UInt32)?, pid: UInt32) throws(Complaint)
        -> Identity
    {
        if !privileged { return person(caller, .own, privileged: false) }
        if caller.uid != 0 { return person(caller, .caller, privileged: true) }
        if let owner, owner.uid != 0 {
            // A group of root's would stay root's: such a folder's group rights are not the agent's.
            let gid = owner.gid == 0 ? owner.uid : owner.gid
            return Identity(
                reason: .owner, hostUID: owner.uid, hostGID: gid, uid: owner.uid, gid: gid, name: "agent", home: "/home/agent",
                privileged: true)
        }
        guard pid < 0x0100_0000 else { throw Complaint("process id \(pid) is beyond the range that session ids are made from") }
        return Identity(
            reason: .nobody, hostUID: firstFree + pid, hostGID: firstFree + pid, uid: 1000, gid: 1000, name: "agent",
            home: "/home/agent",
            privileged: true)
    }

    private static func person(_ caller: Caller, _ reason: Reason, privileged: Bool) -> Identity {
        // Group 0 is refused inside; a caller whose primary group is root's keeps only the user's number.
        let gid = caller.gid == 0 && privileged ? caller.uid : caller.gid
        // Both go into passwd(5), where a colon or a newline would begin something else.
        let isName = !caller.name.isEmpty && caller.name.utf8.allSatisfy(isNameByte)
        let isHome =
            caller.home.hasPrefix("/") && caller.home != "/"
            && caller.home.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != 0x3A }
        return Identity(
            reason: reason, hostUID: caller.uid, hostGID: gid, uid: caller.uid, gid: gid, name: isName ? caller.name : "agent",
            home: isName && isHome ? Paths.normalized(caller.home) : "/home/agent", privileged: privileged)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: [UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: ".")].contains(byte)
        }
    }
}
