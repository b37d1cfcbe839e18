// LocalSocket: stream sockets in the file system, by folder and name, with the user at the other end.

import CLinux
import Glibc

public enum LocalSocket {
    /// Listens at `name` in `folder`, for `owner` and root alone. Never blocks.
    public static func listen(in folder: borrowing OwnedFD, _ name: String, owner: UInt32?) throws(SysError) -> OwnedFD {
        let number = folder.raw
        return OwnedFD(owning: try syscall("bind", on: name) { akios_local_listen(number, name, owner ?? .max) })
    }

    /// The next client that waits; nil: none does.
    public static func accept(_ listener: borrowing OwnedFD) throws(SysError) -> (number: Int32, user: UInt32)? {
        let number = listener.raw
        var user: uid_t = 0
        do throws(SysError) {
            return (try syscall("accept") { akios_local_accept(number, &user) }, user)
        } catch {
            // A client that has gone while it waited is none.
            guard [EAGAIN, ECONNABORTED].contains(error.number) else { throw error }
            return nil
        }
    }

    public static func connect(in folder: borrowing OwnedFD, _ name: String) throws(SysError) -> OwnedFD {
        let number = folder.raw
        return OwnedFD(owning: try syscall("connect", on: name) { akios_local_connect(number, name) })
    }
}

extension LocalSocket {
    /// One datagram to the socket at `path`; never waits.
    public static func send(_ bytes: [UInt8], to path: String) throws(SysError) {
        try syscall("sendto", on: path) { akios_local_send(path, bytes, bytes.count) }
    }
}
