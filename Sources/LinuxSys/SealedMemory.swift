// SealedMemory: bytes handed to another process that nobody can change any more.

import CLinux
import Glibc

/// A sealed memfd with these bytes, close-on-exec. The reader may map it: it cannot shrink under the mapping.
public func sealedMemory(named name: String, _ bytes: [UInt8]) throws(SysError) -> OwnedFD {
    OwnedFD(owning: try syscall("memfd_create", on: name) { akios_memfd_sealed(name, bytes, bytes.count) })
}
