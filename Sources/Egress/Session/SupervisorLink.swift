// SupervisorLink: the channel to the supervisor on the event loop. One question (`admit`) may be open per request;
// everything else is said without waiting, and for company's sake a moment later. If the channel breaks, nothing may be
// sent any more: the process ends.

import Events
import NIOCore
import Vocabulary
import Wire

/// The supervisor's answer to one `admit`.
enum Admission: Sendable {
    case admitted
    case refused(Refusal.Code, told: String)
}

final class SupervisorLink: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Order { case go, stop(Refusal.Code, told: String), finish, lost(String) }

    private var context: ChannelHandlerContext?
    private var assembler = FrameAssembler()
    private var waiting: [UInt64: (Admission) -> Void] = [:]
    /// The id that the next `admit` will have: the intent's record names it.
    private(set) var upcomingID: UInt64 = 1
    /// How long what is said without waiting may stand by for the next question to share a write, and the supervisor's
    /// wake-up, with. Order stays: no question overtakes the settlements before it.
    private static let patience = TimeAmount.milliseconds(1)
    private var flushScheduled = false
    private var lateFlushScheduled = false
    private var isClosing = false
    /// What the supervisor orders; set before the channel is adopted.
    var onOrder: ((Order) -> Void)?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Asks for admission; `asking`: of an operator too. `answer` is called exactly once, on the loop; never where the channel is lost, because
    /// then the process ends.
    func admit(
        _ reservation: Reservation, _ record: RecordDraft, asking question: ApprovalQuestion?, answer: @escaping (Admission) -> Void
    ) -> UInt64 {
        let id = upcomingID
        upcomingID += 1
        waiting[id] = answer
        if let question {
            send(.ask(id: id, reservation: reservation, record: record, question: question), now: true)
        } else {
            send(.admit(id: id, reservation: reservation, record: record), now: true)
        }
        return id
    }

    /// Takes a question to the operator back. `answer` is called all the same.
    func withdraw(_ id: UInt64) { send(.withdrawn(id: id), now: true) }

    func settle(_ id: UInt64, _ settlement: Settlement, _ record: RecordDraft) {
        send(.settle(id: id, settlement: settlement, record: record), now: false)
    }

    func note(_ record: RecordDraft) { send(.note(record), now: false) }

    /// - Parameter now: flushed at once; otherwise at the end of this turn of the loop where a question is open (it may
    ///   wait for this very settlement), and else with the next question or after `patience`.
    func send(_ message: FromEgress, now: Bool) {
        guard let context, !isClosing else { return }
        let frame: [UInt8]
        do throws(WireError) { frame = try message.frame() } catch {
            return lose("a message could not be framed: \(error)")
        }
        var out = context.channel.allocator.buffer(capacity: frame.count)
        out.writeBytes(frame)
        context.write(wrapOutboundOut(out), promise: nil)
        if now {
            context.flush()
        } else {
            flushLater(context)
        }
    }

    private func flushLater(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        if !waiting.isEmpty {
            guard !flushScheduled else { return }
            flushScheduled = true
            context.eventLoop.execute {
                bound.value.flushScheduled = false
                bound.value.context?.flush()
            }
        } else if !lateFlushScheduled {
            lateFlushScheduled = true
            context.eventLoop.scheduleTask(in: Self.patience) {
                bound.value.lateFlushScheduled = false
                bound.value.context?.flush()
            }
        }
    }

    /// Says the last words and closes; `onOrder(.lost)` is not called for this.
    func close(last: [FromEgress], then done: @escaping @Sendable () -> Void) {
        guard let context else { return done() }
        for message in last { send(message, now: false) }
        isClosing = true
        context.flush()
        context.close().whenComplete { _ in done() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        assembler.feed(unwrapInboundIn(data).readableBytesView)
        do throws(WireError) {
            while let payload = try assembler.next() { obey(try ToEgress(payload: payload)) }
        } catch {
            lose("the supervisor's message is broken: \(error)")
        }
    }

    private func obey(_ message: ToEgress) {
        switch message {
        case .go: onOrder?(.go)
        case .admitted(let id): answer(id, .admitted)
        case .refused(let id, let why, let told): answer(id, .refused(why, told: told))
        case .stop(let why, let told): onOrder?(.stop(why, told: told))
        case .finish: onOrder?(.finish)
        }
    }

    private func answer(_ id: UInt64, _ admission: Admission) {
        guard let answer = waiting.removeValue(forKey: id) else { return lose("an answer to a question that was not asked") }
        answer(admission)
    }

    func channelInactive(context: ChannelHandlerContext) { lose("the supervisor closed its channel") }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { lose("the channel to the supervisor failed") }

    private func lose(_ why: String) {
        guard !isClosing else { return }
        isClosing = true
        context?.close(promise: nil)
        onOrder?(.lost(why))
    }
}
