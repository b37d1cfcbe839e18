// AddressRace: the addresses of one name tried as RFC 8305 (Happy Eyeballs) has it: in order, the next one when the last
// has failed or has not answered for a moment; the first that is connected (TLS and all) wins, the others are closed.

import NIOCore
import Vocabulary

/// What a race is for.
protocol Contender: SendableMetatype {
    /// It came second.
    func abandon()
}

final class AddressRace<Made: Contender> {
    typealias Done = (Result<Made, UpstreamFailure>) -> Void
    /// Starts one attempt; calls `done` exactly once, and gives what ends it early.
    typealias Attempt = (IPAddress, @escaping Done) -> () -> Void

    /// RFC 8305 §5: Connection Attempt Delay.
    private static var stagger: TimeAmount { .milliseconds(250) }
    private static var mostAddresses: Int { 6 }

    private let loop: any EventLoop
    private let attempt: Attempt
    private var waiting: ArraySlice<IPAddress>
    private var running: [Int: () -> Void] = [:]
    private var started = 0
    private var next: Scheduled<Void>?
    private var done: Done?

    init(_ addresses: [IPAddress], loop: any EventLoop, attempt: @escaping Attempt, done: @escaping Done) {
        waiting = IPAddress.interleaved(addresses).prefix(Self.mostAddresses)[...]
        self.loop = loop
        self.attempt = attempt
        self.done = done
    }

    func start() {
        next?.cancel()
        next = nil
        guard done != nil, let address = waiting.popFirst() else { return }
        let number = started
        started += 1
        running[number] = {}
        let cancel = attempt(address) { [self] result in finished(number, result) }
        // It may have failed before it returned.
        if running[number] != nil { running[number] = cancel }
        guard done != nil, !waiting.isEmpty, running[number] != nil else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        next = loop.scheduleTask(in: Self.stagger) { bound.value.start() }
    }

    private func finished(_ number: Int, _ result: Result<Made, UpstreamFailure>) {
        running[number] = nil
        guard let done else {
            if case .success(let late) = result { late.abandon() }
            return
        }
        switch result {
        // A certificate that does not verify is the host's answer, not the network's: another address does not mend it.
        case .failure(let failure) where failure.isOfOneAddress && !(waiting.isEmpty && running.isEmpty):
            if !waiting.isEmpty { start() }
        default:
            self.done = nil
            next?.cancel()
            let losers = running.values
            running = [:]
            for cancel in losers { cancel() }
            done(result)
        }
    }
}

extension IPAddress {
    /// Families take turns (RFC 8305 §4), the first address's family first.
    static func interleaved(_ addresses: [IPAddress]) -> [IPAddress] {
        func isV6(_ address: IPAddress) -> Bool { if case .v6 = address { true } else { false } }
        guard let first = addresses.first else { return [] }
        let same = addresses.filter { isV6($0) == isV6(first) }
        let other = addresses.filter { isV6($0) != isV6(first) }
        var out: [IPAddress] = []
        for index in 0..<max(same.count, other.count) {
            if index < same.count { out.append(same[index]) }
            if index < other.count { out.append(other[index]) }
        }
        return out
    }
}
