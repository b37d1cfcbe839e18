// Supervisor: the poll loop that stands over a running session. One thread; every wait is the one in `turn`. It reads
// messages of egress, reports of init, signals and deadlines, and nothing from any network.

import CLinux
import Events
import Glibc
import LinuxSys
import LogStore
import Profile
import Vocabulary
import Wire

struct Supervisor: ~Copyable {
    /// What a session was, once nothing of it runs any more.
    struct Outcome {
        var exit: ExitStatus
        var totals: EgressTotals
        var stop: StopReason?
        /// Why exec failed.
        var execError: Int32?

        /// What akios-exec has to say where it is its own failure, or the program's to be one, that ended the session.
        func complaint(program: String, session: SessionID) -> Complaint? {
            if let stop, stop.status == 125 { return Complaint(stop.reason, hint: "akios logs \(session)") }
            guard stop == nil, let execError else { return nil }
            return Complaint(
                "\(program): \(SysError.words(execError))",
                hint: execError == ENOEXEC
                    ? "a program of this machine, or a script whose first line names its interpreter: #!/bin/sh"
                    : "what it needs to start (its loader, its interpreter) must be in the cage: akios-exec --plan")
        }
    }

    var cage: RunningCage
    var egress: LaunchedEgress
    let signals: SignalQueue
    let group: SessionGroup
    let log: LogWriter
    var admissions: Admissions
    var job: JobControl
    var watch: SocketWatch
    /// nil: nobody can be asked, and nothing can be.
    let control: ControlServer?
    var alerts: AlertSender
    let killAfter: TimeSpan
    let wallTime: TimeSpan?

    var stop: StopReason?
    var agent: AgentEnd?
    /// exec succeeded.
    var started = false
    var execError: Int32?
    /// The agent's process group, as the host counts.
    var agentGroup: Int32?
    var logBroken = false
    /// Milliseconds of `Moment.monotonic`.
    var killAt: UInt64?
    var wallAt: UInt64?
    var finishAt: UInt64?
    var egressGone = false
    var cageGone = false
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)

    /// How long egress has to settle and say its totals once the agent is gone.
    private static let finishTime: UInt64 = 3000

    init(
        cage: consuming RunningCage, egress: consuming LaunchedEgress, signals: consuming SignalQueue,
        group: consuming SessionGroup,
        log: LogWriter, admissions: consuming Admissions, job: JobControl, control: ControlServer?,
        alerts: consuming AlertSender, killAfter: TimeSpan, wallTime: TimeSpan?
    ) {
        self.control = control
        self.alerts = alerts
        self.cage = cage
        watch = SocketWatch(self.cage.socketNotices.take())
        self.egress = egress
        self.signals = signals
        self.group = group
        self.log = log
        self.admissions = admissions
        self.job = job
        self.killAfter = killAfter
        self.wallTime = wallTime
    }

    /// Runs the session from `go` to the death of its last process.
    /// Egress has been told to die by then; it is the caller's to collect.
    mutating func run() -> Outcome {
        let start = Moment.now
        wallAt = wallTime.map { Self.later(start, by: $0.milliseconds) }
        send(.go)
        flush()
        do throws(CageError) { try cage.go() } catch { begin(.cageFailed(error.complaint.what)) }
        while !cageGone || !egressGone { turn() }
        alerts.finish()
        recordFailedAlerts()
        admissions.settleAllOpen(at: .now)
        return Outcome(
            exit: SessionExit.status(stop: stop, agent: agent, started: started), totals: admissions.totals, stop: stop,
            execError: execError)
    }

    /// One wait and everything that came of it.
    private mutating func turn() {
        let before = Moment.now
        var polled = [
            pollfd(fd: signals.fd.raw, events: Int16(POLLIN), revents: 0),
            pollfd(fd: cageGone ? -1 : cage.control.raw, events: Int16(POLLIN), revents: 0),
            pollfd(fd: cageGone ? -1 : cage.process.raw, events: Int16(POLLIN), revents: 0),
            pollfd(
                fd: egressGone ? -1 : egress.channel.fd.raw, events: Int16(POLLIN | (egress.channel.wantsWrite ? POLLOUT : 0)),
                revents: 0),
            pollfd(fd: watch.descriptor(at: Self.milliseconds(before)), events: Int16(POLLIN), revents: 0),
        ]
        let own = polled.count
        polled += control?.polled(at: Self.milliseconds(before)) ?? []
        let controlled = polled.count
        polled += alerts.polled
        let wait = timeout(at: before)
        let ready = poll(&polled, nfds_t(polled.count), wait)
        if ready > 0 {
            if polled[0].revents != 0 { readSignals() }
            if polled[3].revents != 0 { readEgress() }
            if polled[4].revents != 0 { refuseSockets() }
            serveControl(polled[own..<controlled])
            if polled[1].revents != 0 { readCage() }
            if polled[2].revents != 0, !cageGone {
                // What init said before it died is still in the socket.
                readCage()
                reapCage()
            }
        }
        deadlines(at: .now)
        attendAlerts()
        tellWatchers()
        flush()
    }

    private func timeout(at now: Moment) -> Int32 {
        let time = Self.milliseconds(now)
        var due = [
            killAt, wallAt, finishAt, admissions.deadline, watch.deadline(at: time), control?.deadline(at: time), alerts.deadline,
        ]
        .compactMap { $0 }
        if !logBroken, let sync = log.syncDeadline { due.append(UInt64(max(0, sync / 1_000_000 + 1))) }
        guard let first = due.min() else { return -1 }
        return first <= time ? 0 : Int32(clamping: first - time)
    }

    private mutating func deadlines(at now: Moment) {
        let time = Self.milliseconds(now)
        logged(now) { (me: inout Supervisor) throws(LogError) in
            try me.log.syncIfDue(now)
            me.answer(try me.admissions.retry(at: now))
        }
        if let due = wallAt, due <= time, let limit = wallTime {
            wallAt = nil
            begin(.wallTime(limit))
            // Also where something else is ending it at leisure.
            killAt = time
        }
        if let due = killAt, due <= time {
            killAt = nil
            cage.kill()
        }
        if let due = finishAt, due <= time {
            // Egress had its time; what it did not settle counts as its reservation.
            finishAt = nil
            egress.process.kill()
            egressEnded()
        }
    }

    // MARK: Egress

    private mutating func readEgress() {
        do throws(EgressChannel.Failure) {
            let messages = try egress.channel.receive(&buffer)
            for case .fatal(let text) in messages { begin(.egressFailed("egress: \(RefusalDigest.printable(text))")) }
            let now = Moment.now
            logged(now) { (me: inout Supervisor) throws(LogError) in me.answer(try me.admissions.handle(messages, at: now)) }
        } catch {
            if case .ended = error, finishAt != nil {
                egressEnded()
            } else {
                begin(.egressFailed("egress \(error)"))
                egress.process.kill()
                egressEnded()
            }
        }
    }

    private mutating func egressEnded() {
        guard !egressGone else { return }
        egressGone = true
        finishAt = nil
        egress.process.kill()
    }

    /// Answers of one turn, after their records are kept.
    mutating func answer(_ turn: consuming Admissions.Turn) {
        for message in turn.answers { send(message) }
        for alert in turn.alerts { alerts.tell(alert, at: Self.milliseconds(.now)) }
        if let stop = turn.stop { begin(stop) }
    }

    private mutating func send(_ message: ToEgress) {
        guard !egressGone else { return }
        do throws(EgressChannel.Failure) { try egress.channel.queue(message) } catch {
            // Gone before the stop is told, which would be queued as well.
            egress.process.kill()
            egressEnded()
            begin(.egressFailed("egress \(error)"))
        }
    }

    private mutating func flush() {
        guard !egressGone, egress.channel.wantsWrite else { return }
        do throws(EgressChannel.Failure) {
            try egress.channel.flush()
        } catch {
            if finishAt == nil { begin(.egressFailed("egress \(error)")) }
            egressEnded()
        }
    }

    /// Runs what writes to the log. A record that cannot be kept ends the session: nothing happens unlogged.
    mutating func logged(_ now: Moment, _ body: (inout Supervisor) throws(LogError) -> Void) {
        guard !logBroken else { return }
        do throws(LogError) {
            try body(&self)
        } catch {
            logBroken = true
            begin(.logFailed("\(error)"))
        }
    }

    // MARK: The cage

    private mutating func readCage() {
        do throws(CageError) {
            while !cageGone, let event = try cage.readEvent() { take(event) }
        } catch {
            begin(.cageFailed(error.complaint.what))
            reapCage()
        }
    }

    private mutating func refuseSockets() {
        let now = Moment.now
        do throws(SysError) { tell(try watch.answer(at: now), at: now) } catch {
            begin(.cageFailed("refused sockets cannot be answered: \(error)"))
        }
    }

    private mutating func tell(_ records: [SocketRefused], at now: Moment) {
        guard !records.isEmpty else { return }
        logged(now) { (me: inout Supervisor) throws(LogError) in
            for record in records { try me.log.append(record, at: now) }
            try me.log.commit()
        }
    }

    private mutating func take(_ event: CageEvent) {
        switch event {
        case .forked(let pid):
            agentGroup = pid
        case .stopped(let signal):
            if let action = job.agentStopped(by: signal, weAreInFront: ControllingTerminal.isInFront(agentGroup)) { obey(action) }
        case .continued: job.agentContinued()
        case .exited(let status): ended(.exited(status))
        case .signalled(let signal): ended(.signalled(signal))
        case .notExecuted(let number):
            execError = number
            ended(.neverRan(number == ENOENT ? 127 : 126))
        case .failed(let step, let number): begin(.cageFailed("\(step): \(SysError.words(number))"))
        case .started: started = true
        case .absent, .ready: break
        case .ended:
            // A memory kill takes the whole group, init with it: then nobody was left to report the agent's end.
            if agent == nil { begin(resourceStop ?? .cageFailed("init ended before the agent")) }
            reapCage()
        }
    }

    private mutating func ended(_ end: AgentEnd) {
        guard agent == nil else { return }
        agent = end
        if end == .signalled(SIGKILL), let resourceStop { begin(resourceStop) }
        wallAt = nil
        // Whatever the agent left behind ends with it; init kills it and exits.
        order(.killAll)
    }

    /// Whether the kernel ended the agent for passing a limit of its group.
    private var resourceStop: StopReason? { group.killReason().map { .resource($0) } }

    private mutating func reapCage() {
        guard !cageGone else { return }
        cageGone = true
        killAt = nil
        cage.kill()
        tell(watch.close(), at: .now)
        ControllingTerminal.takeBack(from: agentGroup)
        guard !egressGone else { return }
        finishAt = Self.milliseconds(.now) + Self.finishTime
        send(.finish)
    }

    // MARK: Signals and stops

    private mutating func readSignals() {
        do throws(SysError) {
            while let signal = try signals.next() {
                if signal == SIGTERM || signal == SIGHUP {
                    begin(.asked(signal, killAfter: killAfter))
                } else if let action = job.received(signal) {
                    obey(action)
                }
            }
        } catch { begin(.cageFailed("\(error)")) }
    }

    private mutating func obey(_ action: JobControl.Action) {
        switch action {
        case .signal(let number): order(.signal(number))
        case .continueBehind: order(.signal(SIGCONT))
        case .giveTerminalAndContinue:
            ControllingTerminal.give(to: agentGroup)
            order(.signal(SIGCONT))
        case .takeTerminalAndStop(let signal):
            ControllingTerminal.takeBack(from: agentGroup)
            _ = akios_stop_self(signal)
            obey(job.resumed(weAreInFront: ControllingTerminal.weAreInFront))
        }
    }

    /// Init that cannot be told any more is ending; its end is an event of its own.
    private mutating func order(_ order: CageOrder) {
        guard !cageGone else { return }
        do throws(CageError) { try cage.order(order) } catch { begin(.cageFailed(error.complaint.what)) }
    }

    /// The session ends for `reason`, unless it is ending already; then the earlier reason stands.
    private mutating func begin(_ reason: StopReason) {
        guard stop == nil else { return }
        stop = reason
        for message in admissions.close(reason) { send(message) }
        send(.stop(why: reason.refusal, told: reason.told))
        let now = Moment.now
        // On a full disk this record still has its place; on a broken one nothing has.
        let record = SessionStop(code: reason.code, reason: reason.reason)
        let seq = log.count
        if (try? log.append(record, at: now)) == nil { logBroken = true }
        if (try? log.commit()) == nil { logBroken = true }
        // Whoever told us to end knows.
        if reason.code != "signal" {
            let words = "stopped (\(reason.code)): \(reason.reason)"
            let alert = Alert(.stop, record, seq: seq, session: log.session, at: now, words: words)
            alerts.tell(alert, at: Self.milliseconds(now))
        }
        if reason.terminates { order(.signal(SIGTERM)) }
        killAt = Self.later(now, by: UInt64(clamping: reason.graceMilliseconds ?? 0))
    }

    /// A span as long as the clock itself never ends.
    private static func later(_ now: Moment, by span: UInt64) -> UInt64 {
        let (time, overflow) = milliseconds(now).addingReportingOverflow(span)
        return overflow ? .max : time
    }

    static func milliseconds(_ now: Moment) -> UInt64 { UInt64(max(0, now.monotonic / 1_000_000)) }
}
