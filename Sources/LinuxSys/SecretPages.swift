// SecretPages: where keys lie from the moment they are read: pages that are never swapped, dumped or given to a child, and that
// another process can map, so that a key is handed over without a copy.

import CSecrets
import Glibc

/// One owner. What was not handed over is overwritten when that owner lets go.
public struct SecretPages: ~Copyable {
    private let pages: UnsafeMutableRawBufferPointer
    private let descriptor: Int32
    /// Bytes of keys so far.
    public private(set) var count = 0

    /// EAGAIN or ENOMEM: the limit on locked memory (`ulimit -l`) is below `capacity`.
    public init(capacity: Int) throws(SysError) {
        let fd = OwnedFD(owning: try syscall("memfd_create", on: "akios-secrets") { akios_secret_memory(capacity) })
        guard let start = akios_secret_map(fd.raw, capacity) else {
            let code = errno
            throw SysError("mlock", code, on: "\(capacity) bytes for keys")
        }
        pages = UnsafeMutableRawBufferPointer(start: start, count: capacity)
        descriptor = fd.take()
    }

    deinit {
        if let start = pages.baseAddress { akios_wipe(start, pages.count) }
        Self.leave(pages, descriptor)
    }

    private static func leave(_ pages: UnsafeMutableRawBufferPointer, _ descriptor: Int32) {
        munmap(pages.baseAddress, pages.count)
        _ = close(descriptor)
    }

    /// Takes them out of this process. Whoever has mapped them has them alone from here on.
    public consuming func handedOver() {
        Self.leave(pages, descriptor)
        discard self
    }

    /// For the process that maps them too.
    public var raw: Int32 { descriptor }

    public enum Added: Sendable, Hashable {
        case nothing
        /// More than fits.
        case tooLong
        /// Not one printable word: a line break in a header's value would end the header and begin another.
        case notAWord
        case at(Range<Int>)
    }

    /// Appends one key, without blanks and line ends around it.
    /// - Parameter fill: writes it into the room that is left, at most `limit` bytes, and returns how many it wrote.
    public mutating func append<Failure: Error>(
        limit: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> Added {
        let room = UnsafeMutableRawBufferPointer(rebasing: pages[count..<min(pages.count, count + limit)])
        defer { wipe(from: count) }
        let length = try fill(room)
        // No byte is left to see whether there would have been more.
        guard length < room.count else { return .tooLong }
        var found = 0..<length
        while let first = found.first, Self.isBlank(room[first]) { found.removeFirst() }
        while let last = found.last, Self.isBlank(room[last]) { found.removeLast() }
        guard !found.isEmpty else { return .nothing }
        guard found.allSatisfy({ room[$0] > 0x20 && room[$0] < 0x7f }) else { return .notAWord }
        if found.lowerBound > 0 {
            for (to, from) in found.enumerated() { room[to] = room[from] }
        }
        let start = count
        count += found.count
        return .at(start..<count)
    }

    private func wipe(from start: Int) {
        guard start < pages.count, let address = pages.baseAddress else { return }
        akios_wipe(address + start, pages.count - start)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

    /// For tests, and for whoever must know whether two are the same.
    public borrowing func holds(_ bytes: [UInt8], at range: Range<Int>) -> Bool { pages[range].elementsEqual(bytes) }
}

/// Reads an open file from its start into `room`, and no further.
public func readInto(_ room: UnsafeMutableRawBufferPointer, _ file: borrowing OwnedFD, subject: String) throws(SysError) -> Int {
    let number = file.raw
    var done = 0
    while done < room.count {
        let count = try syscall("read", on: subject) {
            pread(number, room.baseAddress.map { $0 + done }, room.count - done, off_t(done))
        }
        if count == 0 { break }
        done += count
    }
    return done
}

/// Variables of this process that hold keys. They are read where the kernel put them at the start and nowhere copied.
public enum SecretVariable {
    /// Copies the value into `room`; at most what that holds.
    public static func read(_ name: String, into room: UnsafeMutableRawBufferPointer) -> Int {
        guard let value = getenv(name) else { return 0 }
        let length = min(strlen(value), room.count)
        room.copyMemory(from: UnsafeRawBufferPointer(start: value, count: length))
        return length
    }

    /// Overwrites the value: neither our memory nor /proc/PID/environ has it any more.
    public static func wipe(_ name: String) {
        if let value = getenv(name) { akios_wipe(value, strlen(value)) }
    }
}
