// AlertWays: the profile's alerts as ways to tell somebody, checked before anything runs.

import CagePlan
import Glibc
import LinuxSys
import Profile
import Vocabulary

enum AlertWays {
    /// - Parameter eyes: as whom helpers will run; nil: as this process.
    static func make(_ alerts: [Alerting], as eyes: FileIdentity?) throws(Complaint) -> [AlertSender.Way] {
        var ways: [AlertSender.Way] = []
        for alert in alerts {
            switch alert {
            case .syslog: ways.append(.syslog)
            case .webhook(let url):
                let program: String
                do throws(CageError) { program = try Programs.path(of: "akios-http") } catch { throw error.complaint }
                // Not in its arguments, which everybody reads: such an address is often a secret.
                ways.append(
                    .helper(
                        name: "webhook", words: [program, "--quiet", "--max-time", "10s", "POST", "-"],
                        input: Array((url + "\n").utf8)))
            case .command(let words):
                try check(words.first ?? "", as: eyes)
                ways.append(.helper(name: "command", words: words, input: []))
            }
        }
        return ways
    }

    /// A helper runs outside the cage: what the agent may write must not be what it runs.
    static func check(_ ways: [AlertSender.Way], against plan: CagePlan) throws(Complaint) {
        for case .helper(_, let words, _) in ways {
            for word in words where word.hasPrefix("/") {
                let path = realpath(word, nil)
                defer { free(path) }
                let real = path.map { String(cString: $0) } ?? word
                guard plan.grantsWriting(word) || plan.grantsWriting(real) else { continue }
                throw Complaint(
                    "audit.alerts: the agent may write \(word), which would run outside the cage; nothing was run",
                    hint: "move it out of the workspace and of sandbox.filesystem.write")
            }
        }
    }

    private static func check(_ program: String, as eyes: FileIdentity?) throws(Complaint) {
        var facts = stat()
        do throws(SysError) {
            _ = try accessing(as: eyes) { () throws(SysError) in try syscall("stat", on: program) { stat(program, &facts) } }
        } catch { throw Complaint("audit.alerts: \(error); nothing was run", hint: "name a program that is there") }
        guard facts.st_mode & S_IFMT == S_IFREG, facts.st_mode & 0o111 != 0 else {
            throw Complaint("audit.alerts: \(program) is no program; nothing was run", hint: "chmod +x, or name another")
        }
    }
}
