// SeccompTables: the lists of profiles/syscalls as values. A profile's `allow` and `deny` are resolved here, and
// here it is settled that no profile brings back what stands under @never and @absent.

import CData
import CSeccomp

/// Why a filter could not be made.
public enum SeccompError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Neither a system call of this kernel family nor one that this program knows.
    case unknownCall(String)
    case unknownGroup(String)
    /// A call that no profile can grant.
    case neverGranted(String)
    /// An embedded list does not parse: a fault of this build, with the line.
    case malformedList(String)
    /// The filter library or the descriptor it writes to failed.
    case system(SysError)

    public var description: String {
        switch self {
        case .unknownCall(let name): "unknown system call '\(name)'"
        case .unknownGroup(let name): "unknown group of system calls '\(name)'"
        case .neverGranted(let name): "system call '\(name)' cannot be granted by a profile"
        case .malformedList(let line): "embedded list of system calls: '\(line)'"
        case .system(let error): error.description
        }
    }
}

/// The groups and base lists that this build carries.
public struct SyscallTables: Sendable {
    /// Group name with its `@` to the names in it, in file order.
    public let groups: [String: [String]]
    public let strict: [String]
    public let standard: [String]

    /// Parses the embedded lists: about 6 KB of text.
    /// - Throws: ``SeccompError/malformedList(_:)`` only if this build is broken.
    public static func embedded() throws(SeccompError) -> SyscallTables {
        SyscallTables(
            groups: try parseGroups(text(akios_data_groups_list)),
            strict: words(text(akios_data_strict_list)),
            standard: words(text(akios_data_standard_list)))
    }

    /// A name or `@group` as names.
    public func expand(_ word: String) throws(SeccompError) -> [String] {
        guard word.hasPrefix("@") else { return [word] }
        guard let names = groups[word] else { throw .unknownGroup(word) }
        return names
    }

    /// What no profile may grant: the calls of @never and @absent.
    public var ungrantable: Set<String> { Set((groups["@never"] ?? []) + (groups["@absent"] ?? [])) }
}

/// A call's number on this machine.
enum SyscallNumber: Hashable {
    case number(Int32)
    /// A real call, but not one of this architecture (`open` on arm64).
    case notHere

    init(name: String) throws(SeccompError) {
        // Calls that are younger than libseccomp 2.5.4. From 424 on, numbers are the same on every architecture we build for.
        if let number = SyscallNumber.younger[name] {
            self = .number(number)
            return
        }
        let resolved = seccomp_syscall_resolve_name(name)
        // -1 is "no such name"; smaller numbers are libseccomp's own for calls that another architecture has.
        guard resolved != -1 else { throw .unknownCall(name) }
        self = resolved >= 0 ? .number(resolved) : .notHere
    }

    private static let younger: [String: Int32] = [
        "cachestat": 451, "fchmodat2": 452, "map_shadow_stack": 453, "futex_wake": 454, "futex_wait": 455, "futex_requeue": 456,
        "statmount": 457, "listmount": 458, "lsm_get_self_attr": 459, "lsm_set_self_attr": 460, "lsm_list_modules": 461,
        "mseal": 462,
        "setxattrat": 463, "getxattrat": 464, "listxattrat": 465, "removexattrat": 466, "open_tree_attr": 467, "file_getattr": 468,
        "file_setattr": 469,
    ]
}

/// Ranges of numbers that a filter of this build can speak about; all others are "not there".
enum KnownNumbers {
    static let newest: UInt32 = 469
    #if arch(x86_64)
        /// Between the old table's end and the start of the numbers that all architectures share.
        static let gap: Range<UInt32> = 335..<424
    #elseif arch(arm64)
        static let gap: Range<UInt32> = 295..<424
    #endif
}

private func text(_ accessor: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, UnsafeMutablePointer<Int>) -> Void) -> String {
    var bytes: UnsafePointer<UInt8>?
    var count = 0
    accessor(&bytes, &count)
    return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
}

private func lines(_ text: String) -> [Substring] {
    text.split(separator: "\n").filter { !$0.hasPrefix("#") && $0.contains { $0 != " " } }
}

private func words(_ text: String) -> [String] {
    lines(text).flatMap { $0.split(separator: " ").map(String.init) }
}

private func parseGroups(_ text: String) throws(SeccompError) -> [String: [String]] {
    var groups: [String: [String]] = [:]
    var open: String?
    for line in lines(text) {
        if line.hasPrefix("@") {
            open = String(line)
            groups[String(line)] = []
        } else if let open, line.hasPrefix(" ") {
            groups[open]?.append(contentsOf: line.split(separator: " ").map(String.init))
        } else {
            throw .malformedList(String(line))
        }
    }
    return groups
}
