// Output: bytes to standard output, words for people to standard error.

import Glibc
import Vocabulary

enum Output {
    static func complain(_ complaint: Complaint) { _ = write(Array(complaint.description.utf8), to: STDERR_FILENO) }

    /// Lines that came from a server: without control characters, which a terminal would obey.
    static func note(_ lines: [String]) {
        let text = lines.map { line in
            String(line.unicodeScalars.map { $0.value < 0x20 || (0x7f..<0xa0).contains($0.value) ? "?" : Character($0) })
        }
        _ = write(Array((text.joined(separator: "\n") + "\n").utf8), to: STDERR_FILENO)
    }

    /// All of it, or false.
    static func write(_ bytes: [UInt8], to descriptor: Int32 = STDOUT_FILENO) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            let code = errno
            if count < 0, code == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
