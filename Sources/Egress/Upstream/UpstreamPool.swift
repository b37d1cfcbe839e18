// UpstreamPool: idle connections by what they may be used for. Small, and short-lived: an idle connection that the
// server closes under a request costs the agent an error, so ours end first.

import NIOCore

final class UpstreamPool {
    static let idleLimit = TimeAmount.seconds(30)
    private static let most = 64

    private struct Idle {
        var connection: UpstreamConnection
        var timeout: Scheduled<Void>
    }

    private let loop: any EventLoop
    private var idle: [UpstreamKey: [Idle]] = [:]
    private var count = 0
    private var isClosed = false

    init(loop: any EventLoop) { self.loop = loop }

    /// The most recently used connection for `key`: the one least likely to be closed just now.
    func take(_ key: UpstreamKey) -> UpstreamConnection? {
        while let last = idle[key]?.popLast() {
            count -= 1
            last.timeout.cancel()
            if last.connection.isOpen { return last.connection }
        }
        idle[key] = nil
        return nil
    }

    func give(_ connection: UpstreamConnection) {
        guard !isClosed, count < Self.most else { return connection.abandon() }
        count += 1
        let bound = NIOLoopBound((self, connection), eventLoop: loop)
        let timeout = loop.scheduleTask(in: Self.idleLimit) {
            let (pool, connection) = bound.value
            pool.remove(connection)
            connection.abandon()
        }
        idle[connection.key, default: []].append(Idle(connection: connection, timeout: timeout))
    }

    func remove(_ connection: UpstreamConnection) {
        guard let index = idle[connection.key]?.firstIndex(where: { $0.connection === connection }) else { return }
        idle[connection.key]?.remove(at: index).timeout.cancel()
        count -= 1
    }

    func closeAll() {
        isClosed = true
        let all = idle.values.joined().map(\.self)
        idle = [:]
        count = 0
        for one in all {
            one.timeout.cancel()
            one.connection.abandon()
        }
    }
}
