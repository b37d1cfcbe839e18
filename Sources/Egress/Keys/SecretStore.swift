// SecretStore: the real keys, in the pages that the supervisor filled: locked in memory, in no core dump, and nowhere else for
// longer than a request with one takes to be written.

import CSecrets
import Glibc
import Wire

/// Written before anybody reads it and at the very end, on the loop that reads it; so it may be passed between threads.
final class SecretStore: @unchecked Sendable {
    private let pages: UnsafeMutableRawBufferPointer

    /// Maps the supervisor's pages and closes the descriptor.
    init(descriptor: Int32) throws(HandoverError) {
        defer { close(descriptor) }
        let size = EgressConfiguration.secretCapacity
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_size == size else {
            throw HandoverError("the pages of keys are of another size")
        }
        guard let start = akios_secret_map(descriptor, size) else {
            let code = errno
            throw HandoverError("the pages of keys cannot be locked in memory (ulimit -l)", errno: code)
        }
        pages = UnsafeMutableRawBufferPointer(start: start, count: size)
    }

    /// Pages of its own, with what `fill` writes.
    init(size: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) throws(HandoverError) {
        let size = max(1, size)
        guard let start = akios_secret_pages(size) else {
            let code = errno
            throw HandoverError("memory for keys cannot be locked (ulimit -l)", errno: code)
        }
        pages = UnsafeMutableRawBufferPointer(start: start, count: size)
        fill(pages)
    }

    deinit {
        wipe()
        munmap(pages.baseAddress, pages.count)
    }

    func wipe() { if let start = pages.baseAddress { akios_wipe(start, pages.count) } }

    /// Valid as long as the store is.
    func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: pages[range]) }

    /// A copy, for a request that leaves now.
    func text(_ range: Range<Int>) -> String { String(decoding: bytes(range), as: UTF8.self) }
}
