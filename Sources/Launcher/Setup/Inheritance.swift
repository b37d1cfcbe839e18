// Inheritance: what a process gets from whoever started it and cannot take as it is. Put right before the first
// descriptor is opened.

import Glibc
import LinuxSys
import Vocabulary

enum Inheritance {
    /// - Throws: where a standard stream is a door that no profile opened.
    static func putRight() throws(Complaint) {
        // A closed stream's number would go to the next file that is opened: the log as the agent's standard output.
        for stream in STDIN_FILENO...STDERR_FILENO where fcntl(stream, F_GETFD) < 0 {
            guard open("/dev/null", O_RDWR) == stream else {
                throw Complaint(
                    "standard stream \(stream) is closed and /dev/null cannot be opened", hint: "start it with open streams")
            }
        }
        // Ignored, it would hide the end of every child from us, and from init.
        signal(SIGCHLD, SIG_DFL)
        for (stream, name) in [(STDIN_FILENO, "input"), (STDOUT_FILENO, "output"), (STDERR_FILENO, "error")] {
            if let what = door(stream) {
                throw Complaint(
                    "standard \(name) is \(what); nothing was run", hint: "put a pipe between: cat | akios-exec … | cat")
            }
        }
    }

    /// What would lead out of the cage: a folder opens everything below it, and a network socket, which stays in the host's
    /// network, can be connected anew.
    static func door(_ stream: Int32) -> String? {
        var facts = stat()
        guard fstat(stream, &facts) == 0 else { return nil }
        switch facts.st_mode & S_IFMT {
        case S_IFDIR: return "a folder"
        case S_IFSOCK:
            let connected = option(stream, SO_DOMAIN) == AF_UNIX && option(stream, SO_TYPE) != Int32(SOCK_DGRAM.rawValue)
            return connected ? nil : "a network or datagram socket"
        default: return nil
        }
    }

    private static func option(_ socket: Int32, _ name: Int32) -> Int32? {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
    }
}
