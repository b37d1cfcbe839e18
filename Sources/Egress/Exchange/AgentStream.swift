// AgentStream: the agent's side of one exchange, an HTTP/1.1 connection or one stream of HTTP/2. It frames what it is
// given; what is said and when, the exchange's driver decides.

import NIOCore
import NIOHTTP1
import Policy
import Vocabulary

/// The head of an answer, before framing.
struct AnswerHead {
    var status: HTTPResponseStatus
    /// Without framing and connection headers.
    var headers: HTTPHeaders
    /// Bytes of the body, where that is known; for HEAD of the body that is left out.
    var length: Int?
    /// The method was HEAD: no body follows, whatever the head says.
    var isForHead: Bool
    /// Another request may follow.
    var keeps: Bool
}

protocol AgentStream: AnyObject {
    /// False: the agent has not taken what was written.
    var isWritable: Bool { get }
    /// An upstream that can is asked in HTTP/2 too, and answers' trailers reach the agent.
    var isHTTP2: Bool { get }
    /// Other requests that are under way on its connection.
    var beside: Int { get }
    func writeContinue()
    func write(_ head: AnswerHead)
    func write(_ body: ByteBuffer)
    /// The answer's proper end. Flushes.
    func writeEnd(trailers: HTTPHeaders?)
    func flush()
    /// Ends an answer that broke off, so that no client takes it for whole.
    func breakOff()
    /// The answer was the last one here: close when the agent has had the time to read it.
    func closeAfterAnswer()
    /// The answer is a WebSocket: from here on bytes go both ways as they are, to `ExchangeDriver.socketBytes` and back.
    func acceptWebSocket(_ headers: HTTPHeaders)
    func writeSocket(_ bytes: ByteBuffer)
    /// False: the host does not take what the agent sends.
    func setReading(_ on: Bool)
    /// The exchange is over, all of it settled.
    func exchangeEnded()
}

extension AgentStream {
    /// The answer to bytes that are no request.
    func write(_ fault: RequestFault) {
        let text = fault.told
        write(
            AnswerHead(
                status: fault.status, headers: ["content-type": "text/plain; charset=utf-8"], length: text.readableBytes,
                isForHead: false, keeps: false))
        write(text)
        writeEnd(trailers: nil)
    }
}

/// What a session reaches when it stops: a connection with all its exchanges.
protocol AgentConnection: AnyObject {
    func stop(_ refusal: Refusal)
    /// The agent process is gone: what is idle is closed, open answers are drained.
    func sessionEnds()
    /// Ends what is left without waiting; what was admitted is settled all the same.
    func abort()
    /// Ends what takes too long. True: an exchange is under way.
    func checkDeadlines(at now: NIODeadline) -> Bool
}
