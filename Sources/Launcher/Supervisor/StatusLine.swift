// StatusLine: the two JSON lines of --status-fd, for programs that start akios-exec and want to know who spoke.

import Audit
import CLinux
import Events
import Glibc
import JSONBytes
import LinuxSys
import Vocabulary

struct StatusLine {
    private let descriptor: Int32?

    /// A copy of the caller's descriptor, so that it closes on exec.
    /// - Throws: when it is not open for writing. Made before any file of ours is opened, or it could be one of them.
    init(_ number: Int32?) throws(Complaint) {
        guard let number else {
            descriptor = nil
            return
        }
        let flags = fcntl(number, F_GETFL)
        guard flags >= 0, flags & O_ACCMODE != O_RDONLY, flags & Int32(akios_o_path) == 0 else {
            throw Complaint(
                "--status-fd \(number) is not open for writing",
                hint: "as in --status-fd 3 3>status.json; sudo closes it without -C")
        }
        descriptor = fcntl(number, F_DUPFD_CLOEXEC, 3)
    }

    /// `{"event":"start","session":…,"tier":…}` when the agent is about to run.
    func started(session: String, tier: Tier) {
        write(
            JSONBuilder.object { out in
                out.member("event", "start")
                out.member("session", session)
                out.member("tier", tier.rawValue)
            })
    }

    /// `{"event":"exit","exit":{…},"session":…}` when all is written.
    func ended(session: String, exit: ExitStatus) {
        write(
            JSONBuilder.object { out in
                out.member("event", "exit")
                out.key("exit")
                exit.write(to: &out)
                out.member("session", session)
            })
    }

    /// A reader that has gone away is no reason to end a session.
    private func write(_ object: [UInt8]) {
        guard let descriptor else { return }
        let line = object + [UInt8(ascii: "\n")]
        _ = line.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}
