// Programs: the other programs of this project, found from where this one lies.

import Glibc

enum Programs {
    /// The folder of this program's own file.
    static func folder() throws -> String {
        guard let resolved = realpath("/proc/self/exe", nil) else {
            throw CommandFailure(.no, "/proc/self/exe cannot be read", hint: "is /proc mounted?")
        }
        defer { free(resolved) }
        let program = String(cString: resolved)
        return String(program[..<(program.lastIndex(of: "/") ?? program.startIndex)])
    }

    /// Beside this program, as they are built, or below libexec, as they are installed.
    static func path(of name: String) throws -> String {
        let folder = try folder()
        for candidate in ["\(folder)/\(name)", "\(folder)/../libexec/akios/\(name)"] where access(candidate, X_OK) == 0 {
            return candidate
        }
        throw CommandFailure(.no, "\(name) is not installed beside akios", hint: "make install, or run it where it was built")
    }

    /// This process goes on as `program`.
    static func become(_ program: String, _ arguments: [String], hint: String = "is it installed whole?") throws -> Never {
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        fflush(nil)
        // Ignored here for our own writes; whoever comes after has its own mind.
        signal(SIGPIPE, SIG_DFL)
        execv(program, &words)
        throw CommandFailure(.no, "\(program): \(String(cString: strerror(errno)))", hint: hint)
    }
}
