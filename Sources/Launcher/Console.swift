// Console: what akios-exec itself says. Errors and the last line go to standard error, asked-for text to standard output.
// Nothing is written between the agent's start and its end: the terminal is the agent's then.

import Glibc
import Vocabulary

enum Console {
    static func complain(_ complaint: Complaint) { write(complaint.description, to: STDERR_FILENO) }
    static func note(_ text: String) { write(text, to: STDERR_FILENO) }
    static func say(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// A name in a message may be the agent's choice (a file of the workspace, the first line of a script): nothing of it may
    /// steer the terminal, or turn the reading direction round.
    static func printable(_ text: String) -> String {
        var safe = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0a: safe.append(scalar)
            case 0..<0x20, 0x7f..<0xa0, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: safe.append("?")
            default: safe.append(scalar)
            }
        }
        return String(safe)
    }

    /// A reader that has gone away is no error of ours.
    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(printable(text).utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                let code = errno
                if code == EINTR { continue }
                return
            }
            rest = rest.dropFirst(count)
        }
    }
}
