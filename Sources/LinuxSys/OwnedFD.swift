// OwnedFD: a descriptor with one owner. Whoever holds the value closes it; nobody else can.

import Glibc

/// A file descriptor that is closed exactly once. Move it to hand it on, `take()` it to hand it to C.
public struct OwnedFD: ~Copyable, Sendable {
    /// The number, for calls that borrow it. It must not outlive this value.
    public let raw: Int32

    /// Takes over a descriptor that nobody else will close.
    public init(owning raw: Int32) { self.raw = raw }

    deinit { _ = close(raw) }

    /// Gives the number away; the receiver closes it.
    public consuming func take() -> Int32 {
        let number = raw
        discard self
        return number
    }

    /// Closes and reports what the kernel says (a write that failed late, say).
    public consuming func closeChecked() throws(SysError) {
        let number = take()
        // Never repeated on EINTR: Linux has released the number by then, and it may be another file's already.
        if close(number) != 0 {
            let code = errno
            throw SysError("close", code)
        }
    }

    /// A second descriptor for the same open file, close-on-exec.
    public borrowing func duplicate() throws(SysError) -> OwnedFD {
        let number = raw
        return OwnedFD(owning: try syscall("fcntl") { fcntl(number, F_DUPFD_CLOEXEC, 3) })
    }
}
