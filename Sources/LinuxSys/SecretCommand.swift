// SecretCommand: runs a program of the operator's that prints a key, without a shell, and reads the key straight into the pages
// that it stays in. Limits in time and size; nothing of ours is inherited.

import CSpawn
import Glibc

public struct SecretCommand: Sendable {
    /// Tried in order: the paths that the program's name stands for.
    public var programs: [String]
    /// The program's name first.
    public var arguments: [String]
    /// `NAME=value`.
    public var environment: [String]
    /// Whose ids it gets, without further groups; nil: ours.
    public var identity: FileIdentity?

    public init(programs: [String], arguments: [String], environment: [String], identity: FileIdentity?) {
        self.programs = programs
        self.arguments = arguments
        self.environment = environment
        self.identity = identity
    }

    public struct Failure: Error, Hashable {
        /// As in "the command …".
        public var what: String
        /// The first line of what it said on its standard error.
        public var said = ""
    }

    private static let mostSaid = 4096

    /// Its standard output, at most what the room holds; it has ended when this returns.
    /// - Parameter milliseconds: then it is killed.
    public func run(into room: UnsafeMutableRawBufferPointer, within milliseconds: Int64) throws(Failure) -> Int {
        let child: Child
        do throws(SysError) { child = try start() } catch { throw Failure(what: "could not be started: \(error)") }
        let read: (length: Int, said: [UInt8])?
        do throws(SysError) { read = try Self.read(child, room, until: Self.now() + milliseconds) } catch {
            Self.end(child)
            throw Failure(what: "could not be read: \(error)")
        }
        guard let read else {
            Self.end(child)
            throw Failure(what: "did not end within \(milliseconds / 1000) s")
        }
        let said = String(decoding: read.said.prefix { $0 != 0x0a }, as: UTF8.self)
        // More than the room holds: its writer may be waiting for us.
        if read.length == room.count { try? ProcessFD.signal(child.process, SIGKILL) }
        let ended: ProcessEnd
        do throws(SysError) { ended = try ProcessFD.wait(child.process) } catch {
            throw Failure(what: "is lost: \(error)", said: said)
        }
        if read.length == room.count { return read.length }
        switch ended {
        case .exited(0): return read.length
        case .exited(let status): throw Failure(what: "exited with \(status)", said: said)
        case .signalled(let number): throw Failure(what: "was ended by signal \(number)", said: said)
        }
    }

    private struct Child: ~Copyable {
        let process, output, complaints: OwnedFD
    }

    /// Returns when it has been executed.
    private func start() throws(SysError) -> Child {
        var commanded = akios_commanded()
        var code: Int32 = 0
        let result = Self.withTexts(programs) { programs in
            Self.withTexts(arguments) { arguments in
                Self.withTexts(environment) { environment in
                    var command = akios_command()
                    command.programs = UnsafePointer(programs.baseAddress)
                    command.arguments = UnsafePointer(arguments.baseAddress)
                    command.environment = UnsafePointer(environment.baseAddress)
                    if let identity {
                        command.becomes = 1
                        command.uid = identity.uid
                        command.gid = identity.gid
                    }
                    let result = akios_command_spawn(&command, &commanded)
                    code = errno
                    return result
                }
            }
        }
        guard result == 0 else { throw SysError("clone3", code) }
        let failed = OwnedFD(owning: commanded.failed)
        let child = Child(
            process: OwnedFD(owning: commanded.pidfd), output: OwnedFD(owning: commanded.output),
            complaints: OwnedFD(owning: commanded.complaints))
        let report = failed.raw
        var number: Int32 = 0
        let count = try syscall("read") { Glibc.read(report, &number, MemoryLayout<Int32>.size) }
        guard count == 0 else {
            _ = try? ProcessFD.wait(child.process)
            throw SysError("execve", count == MemoryLayout<Int32>.size ? number : EIO, on: arguments.first)
        }
        return child
    }

    /// Both its outputs, until it has ended; nil: not in time. Stops where the room is full. A daemon that it leaves behind may hold
    /// its outputs open: that is not waited for.
    private static func read(
        _ child: borrowing Child, _ room: UnsafeMutableRawBufferPointer, until deadline: Int64
    ) throws(SysError) -> (length: Int, said: [UInt8])? {
        var length = 0
        var said: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1024)
        let (output, process) = (child.output.raw, child.process.raw)
        var open = [output, child.complaints.raw, process]
        while !open.isEmpty {
            let hasEnded = !open.contains(process)
            let left = deadline - now()
            guard left > 0 else { return nil }
            var polled = open.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            let ready = poll(&polled, nfds_t(polled.count), hasEnded ? 0 : Int32(clamping: left))
            let code = errno
            if ready < 0, code == EINTR { continue }
            guard ready >= 0 else { throw SysError("poll", code) }
            if ready == 0, hasEnded { break }
            for entry in polled where entry.revents != 0 {
                var count = 0
                if entry.fd == output {
                    count = try syscall("read") { Glibc.read(output, room.baseAddress.map { $0 + length }, room.count - length) }
                    length += count
                } else if entry.fd != process {
                    count = try syscall("read") { Glibc.read(entry.fd, &piece, piece.count) }
                    said += piece[..<min(count, max(0, mostSaid - said.count))]
                }
                if count == 0 { open.removeAll { $0 == entry.fd } }
                if length == room.count { return (length, said) }
            }
        }
        return (length, said)
    }

    private static func end(_ child: borrowing Child) {
        try? ProcessFD.signal(child.process, SIGKILL)
        _ = try? ProcessFD.wait(child.process)
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// As C has lists of texts: pointers, a null one at the end.
    private static func withTexts<Result>(
        _ texts: [String], _ body: (UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeMutableBufferPointer { body($0) }
    }
}
