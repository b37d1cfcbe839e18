// Console: how every akios command speaks. The rules, all of them:
//
// - Results go to stdout, and nothing else does: what a script reads is never mixed with words for people.
// - `error:` says what is wrong, `hint:` what to do; both to stderr, no capital at the start, no full stop at the end.
// - `--json` turns the result into one canonical JSON value on one line; errors and exit status stay the same.
// - No colour, no progress, no question: a command does what it was told, or says why not.
// - Bytes that came from an agent are shown without control characters: a log is no place to steer a terminal from.
// - Exit status: 0 yes, 1 no, 2 usage, 3 something was found, 4 no such session or no permission.

import Glibc
import JSONBytes
import Vocabulary

enum Status: Int32 {
    case yes = 0
    case no = 1
    case usage = 2
    case found = 3
    case unavailable = 4
}

/// Thrown by a command that has nothing more to say than this.
struct CommandFailure: Error {
    var status: Status
    var complaint: Complaint

    init(_ status: Status, _ complaint: Complaint) {
        self.status = status
        self.complaint = complaint
    }

    init(_ status: Status, _ what: String, hint: String) { self.init(status, Complaint(what, hint: hint)) }
}

enum Console {
    /// One line of a result.
    static func line(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    /// One JSON value as one line.
    static func json(_ value: JSONValue) { write(String(decoding: value.canonical(), as: UTF8.self) + "\n", to: STDOUT_FILENO) }

    static func complain(_ complaint: Complaint) { write(complaint.description, to: STDERR_FILENO) }

    static func hint(_ text: String) { write("hint: \(text)\n", to: STDERR_FILENO) }

    /// Text from a record as a person may see it: C0, DEL, C1 and the characters that turn writing round are shown as `?`.
    static func plain(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0..<0x20, 0x7f..<0xa0, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff: out.append("?")
            default: out.append(scalar)
            }
        }
        return String(out)
    }

    /// Rows under headings, columns as wide as they must be, the last one open.
    static func table(_ headings: [String], _ rows: [[String]]) {
        let widths = headings.indices.map { column in ([headings] + rows).map { $0[column].count }.max() ?? 0 }
        for row in [headings] + rows {
            var text = ""
            for (column, cell) in row.enumerated() {
                text += column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            line(text)
        }
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            // A reader that has gone (`akios logs | head`) has had enough.
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
