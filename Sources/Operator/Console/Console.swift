// Console: how every akios command speaks. The rules, all of them:
//
// - Results go to stdout, and nothing else does: what a script reads is never mixed with words for people.
// - `error:` says what is wrong, `hint:` what to do; both to stderr, no capital at the start, no full stop at the end.
// - `--json` turns the result into one canonical JSON value on one line; errors and exit status stay the same.
// - No colour, no progress, no question: a command does what it was told, or says why not. Only `approvals --watch` asks.
// - A result that could not be written is an error: a script that keeps it in a file must not take a part for the whole.
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
    static func line(_ text: String) { result(text.utf8 + [0x0a]) }

    /// One JSON value as one line.
    static func json(_ value: JSONValue) { result(value.canonical() + [0x0a]) }

    /// Bytes of a result. False: the reader has gone (`akios logs | head`), it has had enough.
    @discardableResult
    static func result(_ bytes: some Sequence<UInt8>) -> Bool {
        switch write(Array(bytes), to: STDOUT_FILENO) {
        case 0: return true
        case EPIPE: return false
        case let code:
            complain(
                Complaint(
                    "the result cannot be written: \(String(cString: strerror(code)))", hint: "it is incomplete; write it elsewhere"
                ))
            exit(Status.no.rawValue)
        }
    }

    static func complain(_ complaint: Complaint) { _ = write(Array(complaint.description.utf8), to: STDERR_FILENO) }

    static func hint(_ text: String) { _ = write(Array("hint: \(text)\n".utf8), to: STDERR_FILENO) }

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

    /// All of it; 0 or the errno.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            let code = errno
            if count < 0, code == EINTR { continue }
            guard count > 0 else { return code }
            rest = rest.dropFirst(count)
        }
        return 0
    }
}
