// UpstreamPool: connections by what they may be used for: idle ones of HTTP/1.1, and those of HTTP/2 that take more
// streams. Small, and short-lived: an idle connection that the server closes under a request costs the agent an error,
// so ours end first.

import NIOCore

final class UpstreamPool {
    static let idleLimit = TimeAmount.seconds(30)
    private static let most = 64

    private struct Idle {
        var connection: UpstreamConnection
        var until: NIODeadline
    }

    private let loop: any EventLoop
    private var idle: [UpstreamKey: [Idle]] = [:]
    private var count = 0
    private var multiplexes: [UpstreamKey: [UpstreamMultiplex]] = [:]
    private var isClosed = false
    /// One timer for all, because under load a connection is idle for microseconds.
    private var sweep: Scheduled<Void>?

    init(loop: any EventLoop) { self.loop = loop }

    /// The most recently used connection for `key`: the one least likely to be closed just now.
    func take(_ key: UpstreamKey) -> UpstreamConnection? {
        while let last = idle[key]?.popLast() {
            count -= 1
            if last.connection.isOpen { return last.connection }
        }
        return nil
    }

    func give(_ connection: UpstreamConnection) {
        guard !isClosed, count < Self.most else { return connection.abandon() }
        count += 1
        let until = NIODeadline.now() + Self.idleLimit
        idle[connection.key, default: []].append(Idle(connection: connection, until: until))
        if sweep == nil { schedule(until) }
    }

    private func schedule(_ time: NIODeadline) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        sweep = loop.scheduleTask(deadline: time) { bound.value.endOld() }
    }

    /// Ends what has been idle for too long, and looks again when the next one may have been.
    private func endOld() {
        sweep = nil
        let now = NIODeadline.now()
        var old: [UpstreamConnection] = []
        for (key, waiting) in idle {
            let left = waiting.filter { $0.until > now }
            old += waiting.filter { $0.until <= now }.map(\.connection)
            idle[key] = left.isEmpty ? nil : left
        }
        count -= old.count
        if let next = idle.values.joined().map(\.until).min() { schedule(next) }
        for connection in old { connection.abandon() }
    }

    func remove(_ connection: UpstreamConnection) {
        guard let index = idle[connection.key]?.firstIndex(where: { $0.connection === connection }) else { return }
        idle[connection.key]?.remove(at: index)
        count -= 1
    }

    // MARK: HTTP/2

    /// How many connections of wide windows there may be, over all hosts.
    private static let mostWide = 2

    /// For the next connection that is made.
    var nextWidth: UpstreamMultiplex.Width {
        multiplexes.values.joined().count { $0.width == .wide } < Self.mostWide ? .wide : .narrow
    }

    /// A connection for `key` that takes one more stream.
    func multiplex(_ key: UpstreamKey) -> UpstreamMultiplex? { multiplexes[key]?.last { $0.hasRoom } }

    func add(_ connection: UpstreamMultiplex) {
        guard !isClosed else { return connection.abandon() }
        multiplexes[connection.key, default: []].append(connection)
    }

    func remove(_ connection: UpstreamMultiplex) {
        multiplexes[connection.key]?.removeAll { $0 === connection }
        if multiplexes[connection.key]?.isEmpty == true { multiplexes[connection.key] = nil }
    }

    func closeAll() {
        isClosed = true
        sweep?.cancel()
        let all = idle.values.joined().map(\.connection)
        idle = [:]
        count = 0
        for connection in all { connection.abandon() }
        for connection in multiplexes.values.joined() { connection.abandon() }
    }
}
