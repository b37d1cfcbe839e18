// Step: one thing that init does, as a value. The order of steps is the plan's; nothing here acts.

/// Rights of a mount, bits as mount_setattr(2) takes them.
public struct MountRights: OptionSet, Sendable, Hashable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static let readOnly = MountRights(rawValue: 1)
    public static let noSetID = MountRights(rawValue: 2)
    public static let noDevices = MountRights(rawValue: 4)
    public static let noExec = MountRights(rawValue: 8)
}

/// Landlock file rights, bits as landlock(7) numbers them; init masks them by the kernel's ABI.
public struct LandlockRights: OptionSet, Sendable, Hashable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static let execute = LandlockRights(rawValue: 1 << 0)
    public static let writeFile = LandlockRights(rawValue: 1 << 1)
    public static let read = LandlockRights(rawValue: 1 << 2 | 1 << 3)
    public static let makeSocket = LandlockRights(rawValue: 1 << 9)
    public static let truncate = LandlockRights(rawValue: 1 << 14)
    public static let deviceControl = LandlockRights(rawValue: 1 << 15)
    /// All that changes a tree, but no device nodes and no sockets.
    public static let change = LandlockRights(
        rawValue: 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 12 | 1 << 13 | 1 << 14)
    public static let all = LandlockRights(rawValue: 1 << 16 - 1)
}

/// Identity of a file on the host when the plan was made; init refuses a path that leads elsewhere by then.
public struct FileMark: Sendable, Hashable {
    public var device: UInt64
    public var inode: UInt64
    public init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }
}

/// The sockets egress listens on, in the order they are handed over. Bits of a mask.
public struct Listeners: OptionSet, Sendable, Hashable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static let tcp4 = Listeners(rawValue: 1)
    public static let tcp6 = Listeners(rawValue: 2)
    public static let udp4 = Listeners(rawValue: 4)
    public static let udp6 = Listeners(rawValue: 8)
    public static let dnsTCP4 = Listeners(rawValue: 16)
    public static let dnsTCP6 = Listeners(rawValue: 32)
    public static let log = Listeners(rawValue: 64)
    public static let ipv4: Listeners = [.tcp4, .udp4, .dnsTCP4]
    public static let ipv6: Listeners = [.tcp6, .udp6, .dnsTCP6]
}

public enum Action: Sendable, Hashable {
    case hostname(String)
    /// Mount namespace made private, a tmpfs as the new root. Options as mount(8) writes them.
    case root(options: String)
    case mount(type: String, at: String, options: String, MountRights)
    /// `inside`: the source is looked up in the new root, not on the host.
    case bind(from: String, at: String, MountRights, mark: FileMark?, inside: Bool)
    /// A tree that the supervisor opened, `slot` counted from 0.
    case attach(slot: Int, at: String, from: String, MountRights)
    case directory(String, mode: UInt32)
    case file(String, content: [UInt8], mode: UInt32)
    case link(String, to: String)
    case mask(String)
    case readOnly(String)
    /// A writable mount over itself: as a mount point the folder can be neither renamed nor removed.
    case hold(String)
    case sysctl(String, String)
    case pivot
    case loopback(address: String, ipv6: Bool)
    case ruleset([UInt8])
    case listeners(Listeners, mayLack: Listeners)
    /// Content of an existing file, sent by the supervisor; `limit` in bytes.
    case receive(slot: Int, into: String, limit: UInt64)
    case seal
    case landlock(handled: LandlockRights, scopes: UInt64, leastABI: UInt64)
    case allow(String, LandlockRights)
    case allowStandardStreams(LandlockRights)
    case limit(ResourceLimit, UInt64)
    case identity(uid: UInt32, gid: UInt32, dropsGroups: Bool)
    case lockdown
    /// From here on refused sockets are told to whoever has the listener, which goes to the supervisor.
    case socketFilter([UInt8])
    case await
    case enforce
    case initFilter([UInt8])
    case agentFilter([UInt8])
    case workingDirectory(String)
    case run(Program)
}

/// setrlimit(2) resources by their Linux number.
public enum ResourceLimit: UInt64, Sendable, Hashable {
    case fileSize = 1
    case data = 2
    case core = 4
    case processes = 6
    case openFiles = 7
    case realTimePriority = 14
}

/// What is executed, with everything exec needs.
public struct Program: Sendable, Hashable {
    /// Absolute, as the agent sees it.
    public var path: String
    public var arguments: [String]
    /// `NAME=value`. Never described: values may be secret.
    public var environment: [String]
    /// Whether the agent's group becomes the foreground group of descriptor 0's terminal.
    public var takesTerminal: Bool
    /// Bit n-1 for signal n: stays ignored, as under nohup.
    public var ignoredSignals: UInt64
    public var umask: UInt32
}

/// An action, and whether the cage may stand without it. What could not be done is reported, never silent.
public struct Step: Sendable, Hashable {
    public var action: Action
    public var optional: Bool
    public init(_ action: Action, optional: Bool = false) {
        self.action = action
        self.optional = optional
    }
}
