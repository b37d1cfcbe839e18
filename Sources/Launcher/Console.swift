// Console: what akios-exec itself says. Errors and the last line go to standard error, asked-for text to standard output.
// Nothing is written between the agent's start and its end: the terminal is the agent's then.

import Glibc
import Vocabulary

enum Console {
    static func complain(_ complaint: Complaint) { write(complaint.description, to: STDERR_FILENO) }
    static func note(_ text: String) { write(text, to: STDERR_FILENO) }
    static func say(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// A reader that has gone away is no error of ours.
    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
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
