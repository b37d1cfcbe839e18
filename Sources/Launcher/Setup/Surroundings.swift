// Surroundings: what this process was started with. Read once, at the top; nothing deeper looks at the process.

import CagePlan
import Glibc
import LinuxSys
import Vocabulary

enum Surroundings {
    /// The words after the program's name.
    static func arguments() throws(Complaint) -> [String] {
        var arguments: [String] = []
        for (number, word) in UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: Int(CommandLine.argc)).enumerated() {
            // What is no text would be repaired, and the agent would get another word than the one that was written.
            guard let word, let text = String(validatingCString: word) else {
                throw Complaint(
                    "argument \(number) is not UTF-8", hint: "rename what it names, or write the command into a script and run that"
                )
            }
            arguments.append(text)
        }
        return Array(arguments.dropFirst())
    }

    /// The variables that are `wanted`, without those that are not UTF-8, which could not be passed on as they are. A value that
    /// is not wanted is not copied: it may be a key.
    static func environment(_ wanted: (String) -> Bool) -> [String: String] {
        var values: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            if let equals = strchr(text, 0x3d), let name = name(text, upTo: equals), wanted(name) {
                values[name] = String(validatingCString: equals + 1)
            }
            entry = entry.advanced(by: 1)
        }
        return values
    }

    private static func name(_ text: UnsafePointer<CChar>, upTo end: UnsafePointer<CChar>) -> String? {
        let bytes = UnsafeRawBufferPointer(start: text, count: end - text)
        return String(validating: bytes, as: UTF8.self)
    }

    /// Those behind which there is anything.
    static func namesWithValue(among names: Set<String>) -> Set<String> {
        names.filter { name in getenv(name).map { $0.pointee != 0 } ?? false }
    }

    static var directory: String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }

    /// Bit n-1 for signal n: what nohup(1) and its kind set stays set for the agent.
    static var ignoredSignals: UInt64 {
        var mask: UInt64 = 0
        for number in [SIGHUP, SIGINT, SIGQUIT] {
            var action = sigaction()
            if sigaction(number, nil, &action) == 0, unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1 {
                mask |= 1 << UInt64(number - 1)
            }
        }
        return mask
    }

    static var fileMask: UInt32 {
        let mask = umask(0o022)
        umask(mask)
        return mask
    }

    /// Of the kernel's generator.
    static func randomByte() -> UInt8 {
        var generator = SystemRandomNumberGenerator()
        return UInt8.random(in: .min ... .max, using: &generator)
    }
}

/// The other programs of this project: beside akios-exec, or below ../libexec.
enum Programs {
    static func path(of name: String) throws(CageError) -> String {
        var buffer = [UInt8](repeating: 0, count: 4097)
        let room = buffer.count
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in text.baseAddress.map { readlink("/proc/self/exe", $0, room) } ?? -1 }
        }
        guard count > 0, count < buffer.count else {
            throw CageError(Complaint("/proc/self/exe cannot be read", hint: "mount /proc"))
        }
        let own = String(decoding: buffer.prefix(count), as: UTF8.self)
        let folder = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? ""
        for candidate in ["\(folder)/\(name)", "\(folder)/../libexec/akios/\(name)"] where access(candidate, X_OK) == 0 {
            return candidate
        }
        throw CageError(Complaint("\(name) is not installed beside akios-exec", hint: "make install, or run it where it was built"))
    }
}
