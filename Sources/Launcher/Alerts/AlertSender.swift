// AlertSender: alerts on their way, by syslog or by helpers with a time limit. Nothing here waits for anybody while the session
// runs, and that an alert could not be delivered ends no session: it is on record.

import Events
import Glibc
import LinuxSys
import LogStore
import Profile
import Vocabulary

struct AlertSender: ~Copyable {
    /// A way, as it is to be used.
    enum Way: Equatable {
        case syslog
        /// `input`: what stands before the record on its standard input.
        case helper(name: String, words: [String], input: [UInt8])

        var name: String {
            switch self {
            case .syslog: "syslog"
            case .helper(let name, _, _): name
            }
        }
    }

    /// Helpers at once, and alerts of one topic that wait for one. The session's stop waits for neither.
    static let mostRunning = 4
    static let mostWaiting = 64
    /// Milliseconds of one helper.
    static let patience: UInt64 = 15_000
    /// Milliseconds that those of the last alerts have when the session is over.
    static let lastPatience: UInt64 = 5000
    /// Milliseconds.
    private static let burial: Int32 = 200
    private static let environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]

    private final class Running {
        let helper: HelperProcess
        let name: String
        let until: UInt64
        /// It took too long and is as good as dead; until it is, it keeps its place.
        var isKilled = false
        init(_ helper: consuming HelperProcess, name: String, until: UInt64) {
            self.helper = helper
            self.name = name
            self.until = until
        }
    }

    private let ways: [Way]
    private let identity: FileIdentity?
    private let log: String
    private var questions = AlertPace()
    private var budgets = AlertPace()
    private var running: [Running] = []
    /// By topic, then as they came.
    private var waiting: [(way: Way, alert: Alert)] = []
    /// What could not be delivered, for the log.
    private var failed: [AlertFailed] = []

    /// - Parameters:
    ///   - identity: whose ids helpers get; nil: they stay who we are.
    ///   - log: the datagram socket of syslog.
    init(_ ways: [Way], as identity: FileIdentity?, log: String = "/dev/log") {
        self.ways = ways
        self.identity = identity
        self.log = log
    }

    /// For poll(2): readable when a helper has ended.
    var polled: [pollfd] { running.map { pollfd(fd: $0.helper.process.raw, events: Int16(POLLIN), revents: 0) } }

    /// Milliseconds, as `time`.
    var deadline: UInt64? { running.filter { !$0.isKilled }.map(\.until).min() }

    mutating func tell(_ alert: Alert, at time: UInt64) {
        guard !ways.isEmpty else { return }
        let verdict =
            switch alert.topic {
            case .stop: AlertPace.Verdict.send
            case .budget: budgets.next(at: time)
            case .question: questions.next(at: time)
            }
        if case .leaveOut(let first) = verdict {
            if first { fail("all", "too many at once; some are left out") }
            return
        }
        for way in ways {
            if case .syslog = way {
                // 10: security and authorization messages, 4: warning (RFC 5424).
                let line = "<\(10 << 3 | 4)>akios-exec[\(getpid())]: \(alert.words)"
                do throws(SysError) { try LocalSocket.send(Array(line.utf8), to: log) } catch { fail(way.name, "\(error)") }
            } else if alert.topic == .stop || waiting.count(where: { $0.alert.topic == alert.topic }) < Self.mostWaiting {
                let place = waiting.firstIndex { $0.alert.topic > alert.topic } ?? waiting.endIndex
                waiting.insert((way, alert), at: place)
            } else {
                fail(way.name, "\(Self.mostWaiting) wait already")
            }
        }
        start(at: time)
    }

    private mutating func fail(_ way: String, _ reason: String) {
        if failed.count < Self.mostWaiting { failed.append(AlertFailed(way: way, reason: reason)) }
    }

    private mutating func start(at time: UInt64) {
        while let next = waiting.first, running.count < Self.mostRunning || next.alert.topic == .stop {
            let (way, alert) = waiting.removeFirst()
            guard case .helper(let name, let words, let input) = way else { continue }
            do throws(SysError) {
                let helper = try HelperProcess(
                    words, environment: Self.environment, input: input + alert.line + [0x0a], as: identity)
                running.append(Running(helper, name: name, until: time + Self.patience))
            } catch { fail(name, "\(error)") }
        }
    }

    /// Collects what has ended, kills what took too long, starts what waits. What was killed is collected once it has ended, which
    /// may take it a while: nothing here waits for it.
    mutating func attend(at time: UInt64) {
        guard !running.isEmpty else { return }
        var polled = polled
        _ = poll(&polled, nfds_t(polled.count), 0)
        for (one, state) in zip(running, polled) {
            if state.revents != 0 {
                one.helper.kill()
                let end = try? one.helper.wait()
                running.removeAll { $0 === one }
                if !one.isKilled, end != .exited(0) { fail(one.name, Self.words(end)) }
            } else if !one.isKilled, one.until <= time {
                one.helper.kill()
                one.isKilled = true
                fail(one.name, "ended: it took too long")
            }
        }
        start(at: time)
    }

    private static func words(_ end: ProcessEnd?) -> String {
        switch end {
        case .exited(126)?: "it cannot be executed"
        case .exited(127)?: "it is not there"
        case .exited(let status)?: "it ended with status \(status)"
        case .signalled(let signal)?: "it ended by signal \(signal)"
        case nil: "its end is not known"
        }
    }

    /// What is to be recorded since the last time.
    mutating func failures() -> [AlertFailed] {
        defer { failed = [] }
        return failed
    }

    /// The session is over: waits for those on their way, though not for long. What has not ended by then is init's to collect.
    mutating func finish() {
        let end = Supervisor.milliseconds(.now) + Self.lastPatience
        while !running.isEmpty {
            let now = Supervisor.milliseconds(.now)
            guard now < end else { break }
            var polled = polled
            _ = poll(&polled, nfds_t(polled.count), Int32(clamping: end - now))
            attend(at: .now)
        }
        for one in running where !one.isKilled {
            one.helper.kill()
            fail(one.name, "ended with the session: it took too long")
        }
        // Killed, nearly every one ends at once, and nobody should find it unburied.
        for one in running {
            var state = [pollfd(fd: one.helper.process.raw, events: Int16(POLLIN), revents: 0)]
            if poll(&state, 1, Self.burial) > 0 { _ = try? one.helper.wait() }
        }
        running = []
        for (way, _) in waiting { fail(way.name, "the session ended first") }
        waiting = []
    }

    private mutating func attend(at now: Moment) { attend(at: Supervisor.milliseconds(now)) }
}
