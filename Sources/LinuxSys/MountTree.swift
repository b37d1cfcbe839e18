// MountTree: a detached copy of a part of the file tree, made and marked before anything is attached to it.

import CLinux
import Glibc

/// A clone of a mount with all below it, in nobody's namespace until it is attached. Closing it undoes it.
public struct MountTree: ~Copyable, Sendable {
    private let fd: OwnedFD

    /// open_tree(2) of an open path. Needs CAP_SYS_ADMIN over the mount namespace.
    public init(cloning path: borrowing OwnedFD, subject: String) throws(SysError) {
        let number = path.raw
        fd = OwnedFD(
            owning: try syscall("open_tree", on: subject) {
                akios_open_tree(number, "", akios_open_tree_clone | akios_at_recursive | akios_at_empty_path)
            })
    }

    /// Id-maps the tree (mount_setattr(2)): ids on disk are read through the user namespace. EINVAL: the file system cannot.
    public func map(through userNamespace: borrowing OwnedFD, subject: String) throws(SysError) {
        let tree = fd.raw
        let namespace = userNamespace.raw
        try syscall("mount_setattr", on: subject) {
            akios_mount_setattr(tree, "", akios_at_empty_path | akios_at_recursive, akios_attr_idmap, 0, 0, namespace)
        }
    }

    /// The descriptor, for whoever attaches it.
    public consuming func take() -> OwnedFD { fd }
}

/// Opens a path for its identity only (O_PATH), never through /proc's magic links, with the ids of `identity`.
public func openPath(_ path: String, as identity: FileIdentity? = nil) throws(SysError) -> OwnedFD {
    try accessing(as: identity) { () throws(SysError) -> OwnedFD in
        OwnedFD(
            owning: try syscall("openat2", on: path) {
                akios_openat2(AT_FDCWD, path, akios_o_path, 0, akios_resolve_no_magiclinks)
            })
    }
}
