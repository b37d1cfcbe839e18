// InputFile: what protect reads, piece by piece or whole, and the sentence for what cannot be read.

import Glibc

/// Reads a descriptor piece by piece.
struct InputFile {
    let descriptor: Int32
    /// For words.
    let name: String

    /// nil at the end.
    func next() throws(CommandFailure) -> [UInt8]? {
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count > 0 { return Array(piece[..<count]) }
            if count == 0 { return nil }
            if errno != EINTR { throw Self.failure(name) }
        }
    }

    func rest() throws(CommandFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try next() { bytes += piece }
        return bytes
    }

    /// The whole of a file; `-` is stdin.
    static func contents(of path: String) throws(CommandFailure) -> [UInt8] {
        if path == "-" { return try InputFile(descriptor: STDIN_FILENO, name: "stdin").rest() }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        return try InputFile(descriptor: descriptor, name: path).rest()
    }

    private static func failure(_ name: String) -> CommandFailure {
        let why = String(cString: strerror(errno))
        return CommandFailure(.no, "cannot read \(Console.plain(name)): \(why)", hint: "a file or pipe that you may read is needed")
    }
}
