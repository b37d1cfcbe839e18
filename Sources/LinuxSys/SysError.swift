// SysError: a failed system call as a value. It takes the number and never reads `errno` itself: by the time
// an error is built, a string or a close may have overwritten it.

import CLinux

/// One failed call: which, on what, and the kernel's number.
public struct SysError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The call's name as its man page has it (`openat2`).
    public let call: String
    /// What it was about: a path or an option. Never a secret.
    public let subject: String?
    /// The errno value.
    public let number: Int32

    public init(_ call: String, _ number: Int32, on subject: String? = nil) {
        self.call = call
        self.number = number
        self.subject = subject
    }

    /// `openat2 /srv/data: Permission denied`.
    public var description: String {
        let words = SysError.words(number)
        guard let subject else { return "\(call): \(words)" }
        return "\(call) \(subject): \(words)"
    }

    /// The C library's text for an errno value.
    public static func words(_ number: Int32) -> String {
        guard let text = akios_errno_words(number) else { return "errno \(number)" }
        return String(cString: text)
    }
}
