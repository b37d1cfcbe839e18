// SocketWatch: refuses the sockets that the agent asks for and may not have, and keeps count of them. Never waits, and does
// only so much at a time: callers wait for us, not we for them.

import Events
import Glibc
import LinuxSys
import LogStore
import Vocabulary

struct SocketWatch: ~Copyable {
    private var listener: OwnedFD?
    private var refused = RefusedSockets()
    private var pace = AnswerPace()

    /// - Parameter listener: nil where the filter refuses without asking.
    init(_ listener: consuming OwnedFD?) { self.listener = listener }

    /// For poll(2): -1 while nothing is to be read.
    borrowing func descriptor(at time: UInt64) -> Int32 {
        guard pace.pause(at: time) == nil else { return -1 }
        return switch listener {
        case .some(let listener): listener.raw
        case .none: -1
        }
    }

    /// When the descriptor is to be polled again; milliseconds, as `time`.
    borrowing func deadline(at time: UInt64) -> UInt64? { listener == nil ? nil : pace.pause(at: time) }

    /// Refuses those that wait, and returns what is to be told of them now.
    mutating func answer(at now: Moment) throws(SysError) -> [SocketRefused] {
        var records: [SocketRefused] = []
        let time = Supervisor.milliseconds(now)
        do throws(SysError) {
            while pace.pause(at: time) == nil, let call = try next() {
                pace.answered(at: time)
                if let record = refused.take(call, at: UInt64(max(0, now.monotonic))) { records.append(record) }
            }
        } catch {
            listener = nil
            // The last who could ask is gone. Anything else the session does not outlive: it would go unrecorded.
            if error.number != EPIPE { throw error }
        }
        return records
    }

    /// Nobody is left who asks: what was counted and is not told yet.
    mutating func close() -> [SocketRefused] {
        listener = nil
        return refused.rest()
    }

    private func next() throws(SysError) -> RefusedSocket? {
        switch listener {
        case .some(let listener): try SocketNotices.refuseNext(on: listener)
        case .none: nil
        }
    }
}

/// How many answers a time: an agent that asks in a loop waits, and costs us a few hundredths of one processor.
struct AnswerPace {
    /// Answers in one window.
    static let most = 32
    /// Milliseconds.
    static let window: UInt64 = 10

    private var start: UInt64 = 0
    private var count = 0

    /// Until when no more answers are given; nil while there are some left at `time`.
    func pause(at time: UInt64) -> UInt64? {
        count >= Self.most && time < start + Self.window ? start + Self.window : nil
    }

    mutating func answered(at time: UInt64) {
        if time >= start + Self.window {
            start = time
            count = 0
        }
        count += 1
    }
}

/// Few records of many refused sockets, in words.
struct RefusedSockets {
    /// Far more than any program tries by itself; one that walks through all numbers is told in one sum.
    static let mostKinds = 64

    private var folding = Folding<RefusedSocket>(mostKinds: mostKinds)

    /// - Parameter now: nanoseconds.
    mutating func take(_ call: RefusedSocket, at now: UInt64) -> SocketRefused? { folding.take(call, at: now).map(Self.record) }

    mutating func rest() -> [SocketRefused] {
        folding.rest().map(Self.record).sorted {
            ($0.call, $0.family, $0.type, $0.proto) < ($1.call, $1.family, $1.type, $1.proto)
        }
    }

    private static func record(_ told: Folding<RefusedSocket>.Told) -> SocketRefused {
        guard let call = told.kind else {
            return SocketRefused(call: "socket", family: "other", type: "other", proto: "other", count: told.count)
        }
        return SocketRefused(
            call: call.pair ? "socketpair" : "socket", family: SocketNames.family(call.family), type: SocketNames.type(call.type),
            proto: SocketNames.proto(call.proto, family: call.family), count: told.count)
    }
}
