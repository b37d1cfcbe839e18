// Space: room on the disk that is set aside before it is needed, so that a last word fits on a full one.

import CLinux

extension OwnedFD {
    /// Sets `length` bytes from `offset` aside without changing the file's size (fallocate(2), FALLOC_FL_KEEP_SIZE).
    /// ENOSPC when there is no room, EOPNOTSUPP where the file system cannot.
    public borrowing func setSpaceAside(from offset: Int64, length: Int64, subject: String) throws(SysError) {
        let number = raw
        try syscall("fallocate", on: subject) { akios_fallocate_keep_size(number, offset, length) }
    }
}
