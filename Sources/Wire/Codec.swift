// Codec: messages to frames and back. One place for both directions, so that a field cannot be written
// in one order and read in another.

import Events
import Vocabulary

extension FromEgress {
    enum Kind: UInt8 { case hello = 1, ready, admit, settle, note, totals, fatal, ask, withdrawn }

    /// The whole frame, length prefix included.
    public func frame() throws(WireError) -> [UInt8] {
        switch self {
        case .hello(let version, let caPEM):
            var out = FrameWriter(kind: Kind.hello.rawValue)
            out.put(version)
            out.put(caPEM)
            return try out.finish()
        case .ready:
            return try FrameWriter(kind: Kind.ready.rawValue).finish()
        case .admit(let id, let reservation, let record):
            var out = FrameWriter(kind: Kind.admit.rawValue, reserve: 64 + record.data.count)
            out.put(id)
            out.put(reservation)
            out.put(record)
            return try out.finish()
        case .ask(let id, let reservation, let record, let question):
            var out = FrameWriter(kind: Kind.ask.rawValue, reserve: 512 + record.data.count)
            out.put(id)
            out.put(reservation)
            out.put(record)
            out.put(question)
            return try out.finish()
        case .withdrawn(let id):
            var out = FrameWriter(kind: Kind.withdrawn.rawValue)
            out.put(id)
            return try out.finish()
        case .settle(let id, let settlement, let record):
            var out = FrameWriter(kind: Kind.settle.rawValue, reserve: 128 + record.data.count)
            out.put(id)
            out.put(settlement.cost.nanos)
            out.put(settlement.usage.input)
            out.put(settlement.usage.cachedInput)
            out.put(settlement.usage.cacheWrite)
            out.put(settlement.usage.output)
            out.put(settlement.model)
            out.put(settlement.usageKnown)
            out.put(record)
            return try out.finish()
        case .note(let record):
            var out = FrameWriter(kind: Kind.note.rawValue, reserve: 64 + record.data.count)
            out.put(record)
            return try out.finish()
        case .totals(let totals):
            var out = FrameWriter(kind: Kind.totals.rawValue, reserve: 256)
            out.put(totals.requests)
            out.put(totals.denied)
            out.put(totals.bytesOut)
            out.put(totals.bytesIn)
            out.put(totals.hosts)
            out.put(totals.redactions)
            return try out.finish()
        case .fatal(let text):
            var out = FrameWriter(kind: Kind.fatal.rawValue)
            out.put(text)
            return try out.finish()
        }
    }

    /// From a frame's payload (without the length prefix).
    public init(payload: ArraySlice<UInt8>) throws(WireError) {
        var input = FrameReader(payload)
        let code = try input.u8()
        switch Kind(rawValue: code) {
        case .hello:
            let version = try input.u8()
            guard version == WireLimits.version else { throw .version(version) }
            self = .hello(version: version, caPEM: try input.byteString())
        case .ready: self = .ready
        case .admit:
            self = .admit(id: try input.u64(), reservation: try input.reservation(), record: try input.record())
        case .ask:
            self = .ask(
                id: try input.u64(), reservation: try input.reservation(), record: try input.record(),
                question: try input.question())
        case .withdrawn: self = .withdrawn(id: try input.u64())
        case .settle:
            let id = try input.u64()
            let cost = Money(nanos: try input.i64())
            let usage = TokenUsage(
                input: try input.i64(), cachedInput: try input.i64(), cacheWrite: try input.i64(), output: try input.i64())
            guard FrameReader.isAmount(cost.nanos, usage.input, usage.cachedInput, usage.cacheWrite, usage.output) else {
                throw .unknownCode
            }
            let settlement = Settlement(cost: cost, usage: usage, model: try input.text(), usageKnown: try input.bool())
            self = .settle(id: id, settlement: settlement, record: try input.record())
        case .note: self = .note(try input.record())
        case .totals:
            var totals = EgressTotals()
            totals.requests = try input.u64()
            totals.denied = try input.u64()
            totals.bytesOut = try input.u64()
            totals.bytesIn = try input.u64()
            totals.hosts = try input.counts()
            totals.redactions = try input.counts()
            let counts = [totals.requests, totals.denied] + totals.hosts.values + totals.redactions.values
            guard counts.allSatisfy({ $0 <= WireLimits.maxCount }) else { throw .unknownCode }
            self = .totals(totals)
        case .fatal: self = .fatal(try input.text())
        case nil: throw .unknownKind(code)
        }
        try input.end()
    }
}

extension ToEgress {
    enum Kind: UInt8 { case go = 129, admitted, refused, stop, finish }

    public func frame() throws(WireError) -> [UInt8] {
        switch self {
        case .go: return try FrameWriter(kind: Kind.go.rawValue).finish()
        case .admitted(let id):
            var out = FrameWriter(kind: Kind.admitted.rawValue)
            out.put(id)
            return try out.finish()
        case .refused(let id, let why, let told):
            var out = FrameWriter(kind: Kind.refused.rawValue)
            out.put(id)
            out.put(why.rawValue)
            out.put(told)
            return try out.finish()
        case .stop(let why, let told):
            var out = FrameWriter(kind: Kind.stop.rawValue)
            out.put(why.rawValue)
            out.put(told)
            return try out.finish()
        case .finish: return try FrameWriter(kind: Kind.finish.rawValue).finish()
        }
    }

    public init(payload: ArraySlice<UInt8>) throws(WireError) {
        var input = FrameReader(payload)
        let code = try input.u8()
        switch Kind(rawValue: code) {
        case .go: self = .go
        case .admitted: self = .admitted(id: try input.u64())
        case .refused:
            let id = try input.u64()
            self = .refused(id: id, why: try input.refusalCode(), told: try input.text())
        case .stop:
            let why = try input.refusalCode()
            self = .stop(why: why, told: try input.text())
        case .finish: self = .finish
        case nil: throw .unknownKind(code)
        }
        try input.end()
    }
}

extension FrameWriter {
    mutating func put(_ reservation: Reservation) {
        put(reservation.cost.nanos)
        put(reservation.tokens)
    }

    mutating func put(_ record: RecordDraft) {
        put(record.kind.rawValue)
        put(record.data)
    }
}

extension FrameReader {
    static func isAmount(_ numbers: Int64...) -> Bool { numbers.allSatisfy { $0 >= 0 } }

    mutating func reservation() throws(WireError) -> Reservation {
        let reservation = Reservation(cost: Money(nanos: try i64()), tokens: try i64())
        // A negative reservation would enlarge the budget.
        guard Self.isAmount(reservation.cost.nanos, reservation.tokens) else { throw .unknownCode }
        return reservation
    }

    mutating func record() throws(WireError) -> RecordDraft {
        guard let kind = EventKind(rawValue: try text()) else { throw .unknownCode }
        return RecordDraft(kind: kind, data: try byteString())
    }

    mutating func refusalCode() throws(WireError) -> Refusal.Code {
        guard let code = Refusal.Code(rawValue: try text()) else { throw .unknownCode }
        return code
    }
}
