// Alerts: who is told of what, by which program with whose powers, and what happens when it cannot be done.

import CagePlan
import Events
import Glibc
import LinuxSys
import LogStore
import Profile
import Testing
import Vocabulary

@testable import Launcher

@Suite struct AlertTests {
    private func alert(_ reason: String = "r", _ topic: Alert.Topic = .question) throws -> Alert {
        let session = try #require(SessionID("20261121-061705-7k2mq0xd"))
        let now = Moment(wall: Timestamp(nanoseconds: 0), monotonic: 0)
        return Alert(
            topic, SessionStop(code: "budget", reason: reason), seq: 7, session: session, at: now, words: "stopped: \(reason)")
    }

    private func sender(_ script: String, as identity: FileIdentity? = nil) -> AlertSender {
        AlertSender([.helper(name: "command", words: ["/bin/sh", "-c", script], input: [])], as: identity)
    }

    private func finish(_ sender: inout AlertSender) -> [AlertFailed] {
        sender.finish()
        return sender.failures()
    }

    @Test func aCommandReadsTheRecordAsTheLogHasIt() throws {
        let scratch = try Scratch()
        var sender = sender("cat > \(scratch.path)/told")
        sender.tell(try alert(), at: 0)
        #expect(finish(&sender) == [])
        let line =
            #"{"data":{"code":"budget","reason":"r"},"kind":"session.stop","seq":"7","session":"20261121-061705-7k2mq0xd","ts":"1970-01-01T00:00:00.000000000Z","v":1}"#
        #expect(scratch.read("told") == line + "\n")
    }

    @Test func itHasNothingOfOurs() throws {
        let scratch = try Scratch()
        setenv("AKIOS_TEST_SECRET", "x", 1)
        defer { unsetenv("AKIOS_TEST_SECRET") }
        // Open and inheritable, as a mistake elsewhere might leave it.
        let open = dup(STDERR_FILENO)
        defer { close(open) }
        var sender = sender(
            "cd /proc/$$; ls fd > \(scratch.path)/fds; env > \(scratch.path)/env; pwd > \(scratch.path)/cwd; cat > /dev/null")
        sender.tell(try alert(), at: 0)
        #expect(finish(&sender) == [])
        let numbers = try #require(scratch.read("fds")).split(separator: "\n").compactMap { Int($0) }.filter { $0 < 10 }
        #expect(numbers == [0, 1, 2])
        #expect(scratch.read("env")?.contains("AKIOS_TEST_SECRET") == false)
    }

    @Test(.enabled(if: geteuid() == 0)) func itRunsAsTheCallerWithoutPowers() throws {
        for uid: UInt32 in [0, 4242] {
            let scratch = try Scratch()
            chmod(scratch.path, 0o777)
            var sender = sender(
                "grep -E '^(Uid|Gid|Groups|CapEff|CapPrm|CapBnd|CapAmb)' /proc/self/status > \(scratch.path)/who",
                as: FileIdentity(uid: uid, gid: uid))
            sender.tell(try alert(), at: 0)
            #expect(finish(&sender) == [])
            let who = try #require(scratch.read("who"))
            #expect(
                who.contains("Uid:\t\(uid)\t\(uid)\t\(uid)\t\(uid)\n") && who.contains("Gid:\t\(uid)\t\(uid)\t\(uid)\t\(uid)\n"))
            for name in ["CapEff", "CapPrm", "CapBnd", "CapAmb"] { #expect(who.contains("\(name):\t0000000000000000\n"), "\(who)") }
            #expect(who.contains("Groups:\t \n") || who.contains("Groups:\t\n"))
        }
    }

    @Test func whatCannotBeDeliveredIsOnRecord() throws {
        var failing = sender("exit 3")
        failing.tell(try alert(), at: 0)
        #expect(finish(&failing) == [AlertFailed(way: "command", reason: "it ended with status 3")])
        var missing = AlertSender([.helper(name: "webhook", words: ["/nowhere/at/all"], input: [])], as: nil)
        missing.tell(try alert(), at: 0)
        #expect(finish(&missing) == [AlertFailed(way: "webhook", reason: "it is not there")])
        var unheard = AlertSender([.syslog], as: nil, log: "/nowhere/log")
        unheard.tell(try alert(), at: 0)
        #expect(unheard.failures().map(\.way) == ["syslog"])
    }

    @Test func oneThatHangsIsEndedWithAllItStarted() throws {
        let scratch = try Scratch()
        var sender = sender("sleep 600 & echo $! > \(scratch.path)/new; mv \(scratch.path)/new \(scratch.path)/pid; wait")
        sender.tell(try alert(), at: 0)
        for _ in 0..<2000 where scratch.read("pid") == nil { usleep(5000) }
        let pid = try #require(scratch.read("pid").flatMap { Int32($0.prefix { $0 != "\n" }) })
        sender.attend(at: AlertSender.patience - 1)
        #expect(sender.failures() == [] && kill(pid, 0) == 0)
        sender.attend(at: AlertSender.patience)
        #expect(sender.failures() == [AlertFailed(way: "command", reason: "ended: it took too long")])
        var gone = false
        for _ in 0..<2000 where !gone {
            let state =
                (try? String(decoding: readAll(openForReading("/proc/\(pid)/stat"), limit: 4096, subject: "stat"), as: UTF8.self))
                ?? ""
            gone = kill(pid, 0) != 0 || state.contains(") Z")
            usleep(5000)
        }
        #expect(gone)
        #expect(sender.deadline == nil)
        // Left a zombie, it would keep the exit tests of other suites waiting.
        collect(&sender, at: AlertSender.patience, left: 0)
    }

    @Test func onlySoManyRunAndWait() throws {
        var sender = sender("sleep 600")
        let most = AlertSender.mostRunning
        for turn in 0..<(most + 2) { sender.tell(try alert(), at: UInt64(turn) * AlertPace.interval) }
        #expect(sender.polled.count == most)
        // Those that are killed keep their place until they are gone: one that cannot die yet is not waited for.
        sender.attend(at: 10 * AlertSender.patience)
        #expect(sender.polled.count == most && sender.deadline == nil && sender.failures().count == most)
        collect(&sender, at: 10 * AlertSender.patience, left: 2)
        sender.attend(at: 30 * AlertSender.patience)
        collect(&sender, at: 30 * AlertSender.patience, left: 0)
        // Each is on record once.
        #expect(sender.failures().count == 2)
    }

    private func collect(_ sender: inout AlertSender, at time: UInt64, left: Int) {
        for _ in 0..<2000 where sender.polled.count > left || sender.polled.isEmpty != (left == 0) {
            usleep(5000)
            sender.attend(at: time)
        }
        #expect(sender.polled.count == left)
    }

    @Test func questionsDrownNothingElse() throws {
        let scratch = try Scratch()
        var sender = sender("grep -o 'reason\":\"[a-z]*' >> \(scratch.path)/told")
        for _ in 0..<(2 * AlertPace.burst) { sender.tell(try alert("question"), at: 7) }
        for _ in 0..<(2 * AlertPace.burst) { sender.tell(try alert("budget", .budget), at: 7) }
        sender.tell(try alert("stop", .stop), at: 7)
        // Beside those that run already, and before all that wait.
        #expect(sender.polled.count == AlertSender.mostRunning + 1)
        collect(&sender, at: 7, left: 0)
        let failures = sender.failures()
        #expect(failures.allSatisfy { $0.way == "all" } && failures.count == 2)
        let told = try #require(scratch.read("told"))
        for (reason, count) in [("question", AlertPace.burst), ("budget", AlertPace.burst), ("stop", 1)] {
            #expect(told.ranges(of: #"reason":"\#(reason)"#).count == count, "\(reason)")
        }
    }

    @Test func theStopGoesOutWhateverWaits() throws {
        let way = AlertSender.Way.helper(name: "command", words: ["/bin/sleep", "600"], input: [])
        let ways = [AlertSender.Way](repeating: way, count: 4)
        var sender = AlertSender(ways, as: nil)
        // More than may wait: four at once, none of which ends.
        for turn in 0..<AlertPace.burst { sender.tell(try alert("question"), at: UInt64(turn)) }
        #expect(sender.failures().count == ways.count * AlertPace.burst - AlertSender.mostRunning - AlertSender.mostWaiting)
        sender.tell(try alert("stop", .stop), at: 100)
        #expect(sender.polled.count == AlertSender.mostRunning + ways.count && sender.failures() == [])
        for turn in 1..<2000 as Range<UInt64> where !sender.polled.isEmpty {
            sender.attend(at: turn * 2 * AlertSender.patience)
            usleep(5000)
        }
        #expect(sender.polled.isEmpty)
    }

    @Test func aFloodIsCut() {
        var pace = AlertPace()
        let start: UInt64 = 1_000_000
        for _ in 0..<AlertPace.burst { #expect(pace.next(at: start) == .send) }
        #expect(pace.next(at: start) == .leaveOut(first: true))
        #expect(pace.next(at: start) == .leaveOut(first: false))
        #expect(pace.next(at: start + AlertPace.interval) == .send)
        #expect(pace.next(at: start + AlertPace.interval) == .leaveOut(first: true))
        // A clock that starts at nothing is no dry spell, and a long rest fills it to the brim and no further.
        var rested = AlertPace()
        for _ in 0..<AlertPace.burst { #expect(rested.next(at: 0) == .send) }
        for _ in 0..<AlertPace.burst { #expect(rested.next(at: .max) == .send) }
        #expect(rested.next(at: .max) == .leaveOut(first: true))
    }

    @Test func syslogGetsOneLineThatNobodyElseWrote() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/log"
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        var sender = AlertSender([.syslog], as: nil, log: path)
        sender.tell(try alert("a\nb\u{1b}[2J"), at: 0)
        #expect(sender.failures() == [])
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        let text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        #expect(text == "<84>akios-exec[\(getpid())]: session 20261121-061705-7k2mq0xd: stopped: a?b?[2J")
    }

    @Test func aCommandIsLookedForBeforeAnythingRuns() throws {
        let scratch = try Scratch()
        try scratch.write("plain", "x")
        for path in ["/nowhere/at/all", scratch.path, scratch.path + "/plain"] {
            #expect(throws: Complaint.self) { try AlertWays.make([.command([path])], as: nil) }
        }
        #expect(try AlertWays.make([.syslog, .command(["/bin/sh", "-c", "true"])], as: nil).map(\.name) == ["syslog", "command"])
    }
}
