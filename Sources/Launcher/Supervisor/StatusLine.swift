// StatusLine: the two JSON lines of --status-fd, for programs that start akios-exec and want to know who spoke.

import Audit
import Events
import Glibc
import JSONBytes
import LinuxSys
import Vocabulary

struct StatusLine {
    let descriptor: Int32?

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
